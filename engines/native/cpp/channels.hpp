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

// sums[n] = the sum over one channel of the numbers n that term(i, lanes, numbers) gives, on the calling thread: in float32
// per lane for some thousand elements, then in float64.
template <int N, class Term>
inline void channel_sums(const Axes& s, i64 c, double* sums, const Term& term) {
    constexpr i64 kTogether = 4096;
    vf part[N][4] = {};
    i64 since = 0;
    const auto add = [&](i64 i, auto lanes, int a) {
        vf numbers[N];
        term(i, lanes, numbers);
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n) part[n][a] += numbers[n];
    };
    for (int n = 0; n < N; ++n) sums[n] = 0;
    for (i64 o = 0; o < s.outer; ++o) {
        const i64 base = (o * s.channels + c) * s.inner;
        i64 i = 0;
        for (; i + 4 * V <= s.inner; i += 4 * V) {
#pragma GCC unroll 4
            for (int a = 0; a < 4; ++a) add(base + i + a * V, All{}, a);
        }
        for (; i + V <= s.inner; i += V) add(base + i, All{}, 0);
        if (i < s.inner) add(base + i, First{s.inner - i}, 1);
        since += s.inner;
        if (since < kTogether && o + 1 < s.outer) continue;
        for (int n = 0; n < N; ++n) {
            sums[n] += sum_of((part[n][0] + part[n][1]) + (part[n][2] + part[n][3]));
            for (vf& p : part[n]) p = vf{};
        }
        since = 0;
    }
}

template <class Term>
inline double channel_sum(const Axes& s, i64 c, const Term& term) {
    double sum;
    channel_sums<1>(s, c, &sum, [&](i64 i, auto lanes, vf* number) { *number = term(i, lanes); });
    return sum;
}

// body(c) for every channel, some at a time, on all threads.
template <class Body>
inline void over_channels(const Axes& s, const Body& body) {
    const i64 each = max(1, min(s.channels, 16384 / max(1, s.outer * s.inner)));
    parallel(ceil_div(s.channels, each), [&](i64 piece) {
        for (i64 c = piece * each; c < min(s.channels, (piece + 1) * each); ++c) body(c);
    });
}

// total[c] += the sum of term(i, lanes) over the elements of channel c.
template <class Term>
inline void sum_channels(const Axes& s, float* total, const Term& term) {
    if (s.inner == 0) return;
    if (s.inner > 1) return over_channels(s, [&](i64 c) { total[c] += static_cast<float>(channel_sum(s, c, term)); });
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

inline void channel_statistics(const Axes& s, i64 c, const float* x, float* mean, float* var) {
    const double count = static_cast<double>(max(1, s.outer * s.inner));
    const float average = static_cast<float>(channel_sum(s, c, [=](i64 i, auto l) { return get(x + i, l); }) / count);
    const double spread = channel_sum(s, c, [=](i64 i, auto l) {
        const vf d = only(get(x + i, l) - splat(average), l);
        return d * d;
    });
    mean[c] = average;
    var[c] = static_cast<float>(spread / count);
}

void batch_norm_statistics(const Axes& s, const float* x, float* mean, float* var) {
    over_channels(s, [&](i64 c) { channel_statistics(s, c, x, mean, var); });
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

// body(i, lanes) for every vector of a channel.
template <class Body>
inline void along_channel(const Axes& s, i64 c, const Body& body) {
    for (i64 o = 0; o < s.outer; ++o) {
        const i64 base = (o * s.channels + c) * s.inner;
        along(s.inner, [&](i64 i, auto lanes) { body(base + i, lanes); });
    }
}

void batch_norm_backward(const Axes& s, const float* xhat, const float* var, float eps, const float* dy, float* dx) {
    const double count = static_cast<double>(max(1, s.outer * s.inner));
    over_channels(s, [&](i64 c) {
        double sums[2];
        channel_sums<2>(s, c, sums, [=](i64 i, auto l, vf* t) {
            t[0] = get(dy + i, l);
            t[1] = t[0] * get(xhat + i, l);
        });
        const vf a = splat(static_cast<float>(sums[0] / count)), b = splat(static_cast<float>(sums[1] / count));
        const vf factor = splat(1.0f / __builtin_sqrtf(var[c] + eps));
        along_channel(s, c, [&](i64 i, auto l) {
            put(dx + i, (get(dy + i, l) - (a + get(xhat + i, l) * b)) * factor, l);
        });
    });
}

// Channel by channel, so that the second and third time its numbers are near; each is rounded as the kernels of the three
// layers round it.
void batch_norm_scale_forward(const Axes& s, const float* x, float eps, const float* scale, const float* bias, bool rectify,
                              float slope, float* mean, float* var, float* y, float* xhat) {
    over_channels(s, [&](i64 c) {
        channel_statistics(s, c, x, mean, var);
        const vf centre = splat(mean[c]), factor = splat(1.0f / __builtin_sqrtf(var[c] + eps));
        const vf by = splat(scale[c]), more = splat(bias == nullptr ? 0 : bias[c]);
        along_channel(s, c, [&](i64 i, auto l) {
            vf v = (get(x + i, l) - centre) * factor;
            hold(v);
            put(xhat + i, v, l);
            v = bias == nullptr ? v * by : v * by + more;
            if (rectify) v = v <= vf{} ? (slope == 0 ? vf{} : v * splat(slope)) : v;
            put(y + i, v, l);
        });
    });
}

void batch_norm_scale_backward(const Axes& s, const float* xhat, const float* y, const float* var, float eps,
                               const float* scale, bool rectify, float slope, const float* dy, float* dx, float* dscale,
                               float* dbias) {
    const double count = static_cast<double>(max(1, s.outer * s.inner));
    over_channels(s, [&](i64 c) {
        const vf by = splat(scale[c]);
        // The gradients of what the Scale layer made, and of what it read.
        const auto gradients = [=](i64 i, auto l, vf& g, vf& h) {
            g = get(dy + i, l);
            if (rectify) g *= get(y + i, l) > vf{} ? splat(1) : splat(slope);
            hold(g);
            h = g * by;
            hold(h);
        };
        double sums[4];
        channel_sums<4>(s, c, sums, [=](i64 i, auto l, vf* t) {
            vf g, h;
            gradients(i, l, g, h);
            const vf normal = get(xhat + i, l);
            t[0] = g, t[1] = normal * g, t[2] = h, t[3] = h * normal;
        });
        if (dbias != nullptr) dbias[c] += static_cast<float>(sums[0]);
        dscale[c] += static_cast<float>(sums[1]);
        const vf a = splat(static_cast<float>(sums[2] / count)), b = splat(static_cast<float>(sums[3] / count));
        const vf factor = splat(1.0f / __builtin_sqrtf(var[c] + eps));
        along_channel(s, c, [&](i64 i, auto l) {
            vf g, h;
            gradients(i, l, g, h);
            put(dx + i, (h - (a + get(xhat + i, l) * b)) * factor, l);
        });
    });
}

void batch_norm_backward_global(const Axes& s, const float* var, float eps, const float* dy, float* dx) {
    map_channels(s, dx, [=](i64 i, auto l, vf v) { return get(dy + i, l) / root(v + splat(eps)); }, var);
}

}  // namespace
}  // namespace cortado
