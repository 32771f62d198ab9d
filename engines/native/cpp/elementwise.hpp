// Activations, arithmetic on whole arrays, and dropout.
#pragma once

#include "math.hpp"

namespace cortado {
namespace {

void relu_forward(i64 n, const float* x, float* y, float slope) {
    sweep(n, [=](i64 i, auto l) {
        const vf v = get(x + i, l);
        put(y + i, v <= vf{} ? (slope == 0 ? vf{} : v * splat(slope)) : v, l);
    });
}

void relu_backward(i64 n, const float* x, const float* dy, float* dx, float slope) {
    sweep(n, [=](i64 i, auto l) { put(dx + i, get(dy + i, l) * (get(x + i, l) > vf{} ? splat(1) : splat(slope)), l); });
}

void sigmoid_forward(i64 n, const float* x, float* y) {
    sweep(n, [=](i64 i, auto l) { put(y + i, logistic(get(x + i, l)), l); });
}

void sigmoid_backward(i64 n, const float* y, const float* dy, float* dx) {
    sweep(n, [=](i64 i, auto l) {
        const vf v = get(y + i, l);
        put(dx + i, get(dy + i, l) * ((splat(1) - v) * v), l);
    });
}

void tanh_forward(i64 n, const float* x, float* y) {
    sweep(n, [=](i64 i, auto l) { put(y + i, hyperbolic_tangent(get(x + i, l)), l); });
}

void tanh_backward(i64 n, const float* y, const float* dy, float* dx) {
    sweep(n, [=](i64 i, auto l) {
        const vf v = get(y + i, l), square = v * v;
        put(dx + i, get(dy + i, l) * (splat(1) - square), l);
    });
}

void elu_forward(i64 n, const float* x, float* y, float alpha) {
    sweep(n, [=](i64 i, auto l) {
        const vf v = get(x + i, l);
        put(y + i, v > vf{} ? v : splat(alpha) * exponential_less_one(at_most(v, 0)), l);
    });
}

void elu_backward(i64 n, const float* x, const float* y, const float* dy, float* dx, float alpha) {
    sweep(n, [=](i64 i, auto l) {
        const vf below = get(y + i, l) + splat(alpha);
        put(dx + i, get(dy + i, l) * (get(x + i, l) > vf{} ? splat(1) : below), l);
    });
}

void bnll_forward(i64 n, const float* x, float* y) {
    sweep(n, [=](i64 i, auto l) {
        const vf v = get(x + i, l);
        put(y + i, at_least(v, 0) + logarithm_of_one_more(exponential(-absolute(v))), l);
    });
}

void bnll_backward(i64 n, const float* x, const float* dy, float* dx) {
    sweep(n, [=](i64 i, auto l) { put(dx + i, get(dy + i, l) * logistic(get(x + i, l)), l); });
}

void swish_forward(i64 n, const float* x, float* y, float beta) {
    sweep(n, [=](i64 i, auto l) {
        const vf v = get(x + i, l);
        put(y + i, v * logistic(v * splat(beta)), l);
    });
}

void swish_backward(i64 n, const float* x, const float* y, const float* dy, float* dx, float beta) {
    sweep(n, [=](i64 i, auto l) {
        const vf gate = logistic(get(x + i, l) * splat(beta)), part = get(y + i, l) * splat(beta);
        put(dx + i, get(dy + i, l) * (part + gate * (splat(1) - part)), l);
    });
}

void axpy(i64 n, float alpha, const float* x, float* y) {
    sweep(n, [=](i64 i, auto l) { put(y + i, get(y + i, l) + splat(alpha) * get(x + i, l), l); });
}

void scale_by(i64 n, float alpha, const float* x, float* y) {
    sweep(n, [=](i64 i, auto l) { put(y + i, splat(alpha) * get(x + i, l), l); });
}

void multiply_by(i64 n, const float* a, const float* b, float* y) {
    sweep(n, [=](i64 i, auto l) { put(y + i, get(a + i, l) * get(b + i, l), l); });
}

void weighted_sum(i64 n, float alpha, const float* a, float beta, const float* b, float* y) {
    sweep(n, [=](i64 i, auto l) { put(y + i, splat(alpha) * get(a + i, l) + splat(beta) * get(b + i, l), l); });
}

// The running maximum y with the next input. The second input (index 1) wins a tie, later ones do not.
void eltwise_max_step(i64 n, const float* x, float* y, int32_t* mask, int32_t index) {
    float* chosen = reinterpret_cast<float*>(mask);  // moved as bits only
    sweep(n, [=](i64 i, auto l) {
        const vf v = get(x + i, l), best = get(y + i, l);
        const vi better = (v > best) | (v != v) | (index == 1 ? v == best : vi{});
        put(y + i, better ? v : best, l);
        put(chosen + i, as_float(better ? isplat(index) : as_int(get(chosen + i, l))), l);
    });
}

void eltwise_max_backward(i64 n, const float* dy, const int32_t* mask, int32_t index, float* dx) {
    constexpr i64 kPiece = 16384;
    parallel(ceil_div(n, kPiece), [&](i64 piece) {
        for (i64 i = piece * kPiece; i < min(n, (piece + 1) * kPiece); ++i)
            dx[i] = dy[i] * (mask[i] == index ? 1.0f : 0.0f);
    });
}

void dropout_floats(i64 n, const float* x, const float* mask, float* y, float scale) {
    sweep(n, [=](i64 i, auto l) { put(y + i, get(x + i, l) * get(mask + i, l) * splat(scale), l); });
}

void dropout_bytes(i64 n, const float* x, const uint8_t* mask, float* y, float scale) {
    constexpr i64 kPiece = 16384;
    parallel(ceil_div(n, kPiece), [&](i64 piece) {
        for (i64 i = piece * kPiece; i < min(n, (piece + 1) * kPiece); ++i)
            y[i] = x[i] * static_cast<float>(mask[i]) * scale;
    });
}

// Sums of many floats: each piece in float64, then the pieces in order, whatever thread made them.
template <class Term>
inline double long_sum(i64 n, const Term& term) {
    constexpr i64 kPiece = 32768, kLanes = 8;
    const i64 pieces = ceil_div(n, kPiece);
    double* part = space<double>(kSlotParts, max(1, pieces));
    parallel(pieces, [&](i64 piece) {
        const i64 end = min(n, (piece + 1) * kPiece);
        double sum[kLanes] = {};
        i64 i = piece * kPiece;
        for (; i + kLanes <= end; i += kLanes)
            for (i64 l = 0; l < kLanes; ++l) sum[l] += term(i + l);
        for (; i < end; ++i) sum[0] += term(i);
        part[piece] = ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
    });
    double total = 0;
    for (i64 piece = 0; piece < pieces; ++piece) total += part[piece];
    return total;
}

// On the calling thread alone. 0 times a number is 0, times NaN or infinity it is NaN.
bool all_finite(i64 n, const float* x) {
    vf zeros[4] = {};
    i64 turn = 0;
    along(n, [&](i64 i, auto l) { zeros[turn++ & 3] += get(x + i, l) * vf{}; });
    return sum_of((zeros[0] + zeros[1]) + (zeros[2] + zeros[3])) == 0;
}

double dot(i64 n, const float* a, const float* b) {
    return long_sum(n, [=](i64 i) { return static_cast<double>(a[i]) * static_cast<double>(b[i]); });
}

double asum(i64 n, const float* a) {
    return long_sum(n, [=](i64 i) { return static_cast<double>(__builtin_fabsf(a[i])); });
}

void copy(const StridedCopy& s, const float* from, float* to) {
    const i64 last = s.axes - 1, row = s.size[last];
    i64 rows = 1;
    for (i64 a = 0; a < last; ++a) rows *= s.size[a];
    const i64 piece = 32768;
    const i64 cuts = s.from[last] == 1 && s.to[last] == 1 ? max(1, row / piece) : 1, each = ceil_div(row, cuts);
    const i64 together = max(1, piece / max(1, row));
    parallel(ceil_div(rows * cuts, together), [&](i64 task) {
        for (i64 at = task * together; at < min(rows * cuts, (task + 1) * together); ++at) {
            const i64 start = at % cuts * each, count = min(each, row - start);
            i64 rest = at / cuts, source = start * s.from[last], target = start * s.to[last];
            for (i64 a = last - 1; a >= 0; --a) {
                source += rest % s.size[a] * s.from[a];
                target += rest % s.size[a] * s.to[a];
                rest /= s.size[a];
            }
            if (count <= 0) continue;
            if (s.from[last] == 1 && s.to[last] == 1) memcpy(to + target, from + source, static_cast<size_t>(count) * 4);
            else for (i64 i = 0; i < count; ++i) to[target + i * s.to[last]] = from[source + i * s.from[last]];
        }
    });
}

}  // namespace
}  // namespace cortado
