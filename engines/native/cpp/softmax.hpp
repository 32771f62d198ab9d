// Softmax along the middle axis of [outer, channels, inner], and the gradient of its loss.
#pragma once

#include "math.hpp"

namespace cortado {
namespace {

inline float max_of(vf v) {
    float best = v[0];
    for (int l = 1; l < V; ++l) best = v[l] > best ? v[l] : best;
    return best;
}

// One row of probabilities, its elements next to each other.
inline void softmax_row(i64 n, const float* x, float* y) {
    vf level = splat(-__builtin_inff());
    i64 i = 0;
    for (; i + V <= n; i += V) level = load(x + i) > level ? load(x + i) : level;
    float most = max_of(level);
    for (; i < n; ++i) most = x[i] > most ? x[i] : most;
    double total = 0;
    along(n, [&](i64 at, auto l) { put(y + at, exponential(get(x + at, l) - splat(most)), l); });
    total = sum(y, n);
    const vf divisor = splat(static_cast<float>(total));
    along(n, [&](i64 at, auto l) { put(y + at, get(y + at, l) / divisor, l); });
}

// body(first element, lanes) for each vector of positions: C elements of it follow at distance inner.
template <class Body>
inline void over_positions(const Axes& s, const Body& body) {
    const i64 vectors = ceil_div(s.inner, V), each = max(1, 16384 / max(1, s.channels * V));
    parallel(ceil_div(s.outer * vectors, each), [&](i64 piece) {
        for (i64 at = piece * each; at < min(s.outer * vectors, (piece + 1) * each); ++at) {
            const i64 i = at % vectors * V, base = at / vectors * s.channels * s.inner + i;
            if (s.inner - i >= V) body(base, All{});
            else body(base, First{s.inner - i});
        }
    });
}

void softmax_forward(const Axes& s, const float* x, float* y) {
    if (s.inner == 1) {
        const i64 each = max(1, 16384 / max(1, s.channels));
        parallel(ceil_div(s.outer, each), [&](i64 piece) {
            for (i64 o = piece * each; o < min(s.outer, (piece + 1) * each); ++o)
                softmax_row(s.channels, x + o * s.channels, y + o * s.channels);
        });
        return;
    }
    over_positions(s, [&](i64 base, auto l) {
        vf level = splat(-__builtin_inff()), total = {};
        for (i64 c = 0; c < s.channels; ++c) {
            const vf v = get(x + base + c * s.inner, l);
            level = v > level ? v : level;
        }
        for (i64 c = 0; c < s.channels; ++c) {
            const vf e = exponential(get(x + base + c * s.inner, l) - level);
            total += e;
            put(y + base + c * s.inner, e, l);
        }
        for (i64 c = 0; c < s.channels; ++c) put(y + base + c * s.inner, get(y + base + c * s.inner, l) / total, l);
    });
}

void softmax_backward(const Axes& s, const float* y, const float* dy, float* dx) {
    if (s.inner == 1) {
        parallel(s.outer, [&](i64 o) {
            const i64 base = o * s.channels;
            vf part = {};
            along(s.channels, [&](i64 i, auto l) { part += get(y + base + i, l) * get(dy + base + i, l); });
            const vf level = splat(sum_of(part));
            along(s.channels, [&](i64 i, auto l) {
                put(dx + base + i, (get(dy + base + i, l) - level) * get(y + base + i, l), l);
            });
        });
        return;
    }
    over_positions(s, [&](i64 base, auto l) {
        vf level = {};
        for (i64 c = 0; c < s.channels; ++c) level += get(y + base + c * s.inner, l) * get(dy + base + c * s.inner, l);
        for (i64 c = 0; c < s.channels; ++c) {
            const i64 at = base + c * s.inner;
            put(dx + at, (get(dy + at, l) - level) * get(y + at, l), l);
        }
    });
}

void softmax_loss_backward(const Axes& s, const float* prob, const float* label, bool ignores, i64 ignored, float scale,
                           float* dx) {
    const i64 image = s.channels * s.inner;
    parallel(s.outer, [&](i64 o) {
        along(image, [&](i64 i, auto l) { put(dx + o * image + i, get(prob + o * image + i, l) * splat(scale), l); });
        for (i64 i = 0; i < s.inner; ++i) {
            const i64 c = static_cast<i64>(label[o * s.inner + i]);
            float* at = dx + o * image + i;
            if (ignores && c == ignored)
                for (i64 k = 0; k < s.channels; ++k) at[k * s.inner] = 0;
            else if (c >= 0 && c < s.channels)
                at[c * s.inner] -= scale;
        }
    });
}

}  // namespace
}  // namespace cortado
