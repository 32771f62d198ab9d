// Kernels with one number per channel: Scale, Bias, PReLU and batch normalization, over [outer, channels, inner].
#pragma once

#include "math.hpp"

namespace cortado {
namespace {

// Few elements per channel: the channels are taken as the row of vectors, and every row of them alike.
template <class Body>
inline void sweep_rows(const Axes& s, const Body& body) {
    const i64 each = max(1, 16384 / max(1, s.channels));
    parallel(ceil_div(s.outer, each), [&](i64 piece) {
        for (i64 o = piece * each; o < min(s.outer, (piece + 1) * each); ++o)
            along(s.channels, [&](i64 c, auto l) { body(c, o * s.channels + c, l); });
    });
}

// y = f(i, lanes, numbers of the channel...) for every element i; each of `per` holds one number per channel.
template <class F, class... Per>
inline void map_channels(const Axes& s, float* y, const F& f, Per... per) {
    if (s.inner == 1) {
        sweep_rows(s, [&](i64 c, i64 i, auto l) { put(y + i, f(i, l, get(per + c, l)...), l); });
        return;
    }
    sweep_channels(s, [&](i64 c, i64 i, auto l) { put(y + i, f(i, l, splat(per[c])...), l); });
}

// total[c] += the sum of term(i, lanes) over the elements of channel c.
template <class Term>
inline void sum_channels(const Axes& s, float* total, const Term& term) {
    if (s.inner == 0) return;
    if (s.inner > 1) return add_channel_sums(s, total, term);
    parallel(ceil_div(s.channels, 4 * V), [&](i64 piece) {
        const i64 start = piece * 4 * V;
        along(min(4 * V, s.channels - start), [&](i64 at, auto l) {
            const i64 c = start + at;
            vf sum = {};
            for (i64 o = 0; o < s.outer; ++o) sum += term(o * s.channels + c, l);
            put(total + c, get(total + c, l) + sum, l);
        });
    });
}

void scale_forward(const Axes& s, const float* x, const float* scale, const float* bias, float* y) {
    if (bias == nullptr) return map_channels(s, y, [=](i64 i, auto l, vf a) { return get(x + i, l) * a; }, scale);
    map_channels(s, y, [=](i64 i, auto l, vf a, vf b) { return get(x + i, l) * a + b; }, scale, bias);
}

void scale_backward_data(const Axes& s, const float* dy, const float* scale, float* dx) {
    map_channels(s, dx, [=](i64 i, auto l, vf a) { return get(dy + i, l) * a; }, scale);
}

void scale_backward_scale(const Axes& s, const float* x, const float* dy, float* ds) {
    sum_channels(s, ds, [=](i64 i, auto l) { return get(x + i, l) * get(dy + i, l); });
}

void bias_forward(const Axes& s, const float* x, const float* bias, float* y) {
    map_channels(s, y, [=](i64 i, auto l, vf b) { return get(x + i, l) + b; }, bias);
}

void bias_backward(const Axes& s, const float* dy, float* db) {
    sum_channels(s, db, [=](i64 i, auto l) { return get(dy + i, l); });
}

void prelu_forward(const Axes& s, const float* x, const float* slope, float* y) {
    map_channels(s, y,
                 [=](i64 i, auto l, vf a) {
                     const vf v = get(x + i, l);
                     return at_least(v, 0) + at_most(v, 0) * a;
                 },
                 slope);
}

void prelu_backward_data(const Axes& s, const float* x, const float* slope, const float* dy, float* dx) {
    map_channels(s, dx,
                 [=](i64 i, auto l, vf a) {
                     const vf above = get(x + i, l) > vf{} ? splat(1) : vf{};
                     return get(dy + i, l) * (above + a * (splat(1) - above));
                 },
                 slope);
}

void prelu_backward_slope(const Axes& s, const float* x, const float* dy, float* dslope) {
    sum_channels(s, dslope, [=](i64 i, auto l) { return at_most(get(x + i, l), 0) * get(dy + i, l); });
}

// The sum over one channel of term(i, lanes), on the calling thread.
template <class Term>
inline double channel_sum(const Axes& s, i64 c, const Term& term) {
    double sum = 0;
    for (i64 o = 0; o < s.outer; ++o) {
        const i64 base = (o * s.channels + c) * s.inner;
        vf part[4] = {};
        i64 i = 0;
        for (; i + 4 * V <= s.inner; i += 4 * V)
            for (int a = 0; a < 4; ++a) part[a] += term(base + i + a * V, All{});
        for (; i + V <= s.inner; i += V) part[0] += term(base + i, All{});
        if (i < s.inner) part[1] += term(base + i, First{s.inner - i});
        sum += sum_of((part[0] + part[1]) + (part[2] + part[3]));
    }
    return sum;
}

inline vf only(vf v, All) { return v; }
inline vf only(vf v, First f) {
    vi lane;
    for (int l = 0; l < V; ++l) lane[l] = l;
    return lane < isplat(static_cast<int32_t>(f.count)) ? v : vf{};
}

void batch_norm_statistics(const Axes& s, const float* x, float* mean, float* var) {
    const double count = static_cast<double>(max(1, s.outer * s.inner));
    parallel(s.channels, [&](i64 c) {
        const float average = static_cast<float>(channel_sum(s, c, [=](i64 i, auto l) { return get(x + i, l); }) / count);
        const double spread = channel_sum(s, c, [=](i64 i, auto l) {
            const vf d = only(get(x + i, l) - splat(average), l);
            return d * d;
        });
        mean[c] = average;
        var[c] = static_cast<float>(spread / count);
    });
}

void batch_norm_forward(const Axes& s, const float* x, const float* mean, const float* var, float eps, float* y,
                        float* xhat) {
    const i64 each = max(1, 16384 / max(1, s.inner)), rows = s.outer * s.channels;
    parallel(ceil_div(rows, each), [&](i64 piece) {
        for (i64 row = piece * each; row < min(rows, (piece + 1) * each); ++row) {
            const i64 c = row % s.channels, base = row * s.inner;
            const vf centre = splat(mean[c]), factor = splat(1.0f / __builtin_sqrtf(var[c] + eps));
            along(s.inner, [&](i64 i, auto l) {
                const vf v = (get(x + base + i, l) - centre) * factor;
                put(y + base + i, v, l);
                if (xhat != nullptr) put(xhat + base + i, v, l);
            });
        }
    });
}

void batch_norm_backward(const Axes& s, const float* xhat, const float* var, float eps, const float* dy, float* dx) {
    const double count = static_cast<double>(max(1, s.outer * s.inner));
    parallel(s.channels, [&](i64 c) {
        const double slope = channel_sum(s, c, [=](i64 i, auto l) { return get(dy + i, l) * get(xhat + i, l); }) / count;
        const double average = channel_sum(s, c, [=](i64 i, auto l) { return get(dy + i, l); }) / count;
        const vf a = splat(static_cast<float>(average)), b = splat(static_cast<float>(slope));
        const vf factor = splat(1.0f / __builtin_sqrtf(var[c] + eps));
        for (i64 o = 0; o < s.outer; ++o) {
            const i64 base = (o * s.channels + c) * s.inner;
            along(s.inner, [&](i64 i, auto l) {
                put(dx + base + i, (get(dy + base + i, l) - (a + get(xhat + base + i, l) * b)) * factor, l);
            });
        }
    });
}

void batch_norm_backward_global(const Axes& s, const float* var, float eps, const float* dy, float* dx) {
    map_channels(s, dx, [=](i64 i, auto l, vf v) { return get(dy + i, l) / root(v + splat(eps)); }, var);
}

}  // namespace
}  // namespace cortado
