// Local response normalization across channels: a stretch of pixels at a time, with a ring of the last rows in L1.
#pragma once

#include "math.hpp"

namespace cortado {
namespace {

constexpr i64 kStretch = 256;

// Calls enter(c, row) to fill the ring's row of each channel and leave(c, sums) once the sums of the `size` channels
// around c are known.
template <class Enter, class Leave>
inline void across_channels(i64 channels, i64 size, i64 width, const Enter& enter, const Leave& leave) {
    const i64 half = size / 2;
    float* ring = space<float>(kSlotA, (size + 1) * kStretch);
    float* sums = ring + size * kStretch;
    for (i64 c = 0; c < channels + half; ++c) {
        if (c < channels) enter(c, ring + c % size * kStretch);
        const i64 centre = c - half;
        if (centre < 0) continue;
        const i64 first = max(0, centre - half), last = min(channels - 1, centre + half);
        along(width, [&](i64 i, auto l) {
            vf total = get(ring + first % size * kStretch + i, l);
            for (i64 other = first + 1; other <= last; ++other) total += get(ring + other % size * kStretch + i, l);
            put(sums + i, total, l);
        });
        leave(centre, sums);
    }
}

template <class Body>
inline void over_stretches(const Axes& s, const Body& body) {
    const i64 stretches = ceil_div(s.inner, kStretch);
    parallel(s.outer * stretches, [&](i64 task) {
        const i64 start = task % stretches * kStretch;
        body(task / stretches * s.channels * s.inner + start, min(kStretch, s.inner - start));
    });
}

void lrn_across_forward(const Axes& s, const float* x, float* y, float* scale, i64 size, float alpha, float beta,
                        float k) {
    over_stretches(s, [&](i64 base, i64 width) {
        across_channels(
            s.channels, size, width,
            [&](i64 c, float* row) {
                along(width, [&](i64 i, auto l) {
                    const vf v = get(x + base + c * s.inner + i, l);
                    put(row + i, v * v, l);
                });
            },
            [&](i64 c, const float* sums) {
                const i64 at = base + c * s.inner;
                along(width, [&](i64 i, auto l) {
                    const vf level = get(sums + i, l) * splat(alpha / static_cast<float>(size)) + splat(k);
                    put(scale + at + i, level, l);
                    put(y + at + i, get(x + at + i, l) * inverse_power(level, beta), l);
                });
            });
    });
}

void lrn_across_backward(const Axes& s, const float* x, const float* y, const float* scale, const float* dy, float* dx,
                         i64 size, float alpha, float beta) {
    const float factor = 2 * alpha * beta / static_cast<float>(size);
    over_stretches(s, [&](i64 base, i64 width) {
        across_channels(
            s.channels, size, width,
            [&](i64 c, float* row) {
                const i64 at = base + c * s.inner;
                along(width, [&](i64 i, auto l) {
                    put(row + i, get(dy + at + i, l) * get(y + at + i, l) / get(scale + at + i, l), l);
                });
            },
            [&](i64 c, const float* sums) {
                const i64 at = base + c * s.inner;
                along(width, [&](i64 i, auto l) {
                    const vf direct = get(dy + at + i, l) * inverse_power(get(scale + at + i, l), beta);
                    put(dx + at + i, direct - splat(factor) * get(x + at + i, l) * get(sums + i, l), l);
                });
            });
    });
}

// sums[y][x] = the sum of value(index, lanes) over the size x size pixels around (y, x) of one plane; beyond it all is 0.
template <class Value>
inline void box_sums(i64 height, i64 width, i64 size, float* sums, const Value& value) {
    const i64 half = size / 2;
    float* line = space<float>(kSlotA, width + 2 * half + V);
    float* across = space<float>(kSlotB, height * width + V);
    for (i64 i = 0; i < half; ++i) line[i] = line[half + width + i] = 0;
    for (i64 y = 0; y < height; ++y) {
        along(width, [&](i64 x, auto l) { put(line + half + x, value(y * width + x, l), l); });
        along(width, [&](i64 x, auto l) {
            vf total = get(line + x, l);
            for (i64 k = 1; k <= 2 * half; ++k) total += get(line + x + k, l);
            put(across + y * width + x, total, l);
        });
    }
    for (i64 y = 0; y < height; ++y)
        along(width, [&](i64 x, auto l) {
            const i64 first = max(0, y - half), last = min(height - 1, y + half);
            vf total = get(across + first * width + x, l);
            for (i64 k = first + 1; k <= last; ++k) total += get(across + k * width + x, l);
            put(sums + y * width + x, total, l);
        });
}

template <class Body>
inline void each_plane(i64 planes, i64 area, const Body& body) {
    const i64 together = max(1, 8192 / max(1, area));
    parallel(ceil_div(planes, together), [&](i64 group) {
        for (i64 p = group * together; p < min(planes, (group + 1) * together); ++p) body(p * area);
    });
}

void lrn_within_forward(i64 planes, i64 height, i64 width, const float* x, float* y, float* scale, i64 size, float alpha,
                        float beta) {
    const i64 area = height * width;
    const vf factor = splat(alpha / static_cast<float>(size * size));
    each_plane(planes, area, [&](i64 at) {
        box_sums(height, width, size, scale + at, [&](i64 i, auto l) {
            const vf v = get(x + at + i, l);
            return v * v;
        });
        along(area, [&](i64 i, auto l) {
            const vf level = get(scale + at + i, l) * factor + splat(1);
            put(scale + at + i, level, l);
            put(y + at + i, get(x + at + i, l) * inverse_power(level, beta), l);
        });
    });
}

void lrn_within_backward(i64 planes, i64 height, i64 width, const float* x, const float* y, const float* scale,
                         const float* dy, float* dx, i64 size, float alpha, float beta) {
    const i64 area = height * width;
    const vf factor = splat(2 * alpha * beta / static_cast<float>(size * size));
    each_plane(planes, area, [&](i64 at) {
        box_sums(height, width, size, dx + at, [&](i64 i, auto l) {
            return get(dy + at + i, l) * get(y + at + i, l) / get(scale + at + i, l);
        });
        along(area, [&](i64 i, auto l) {
            const vf direct = get(dy + at + i, l) * inverse_power(get(scale + at + i, l), beta);
            put(dx + at + i, direct - factor * get(x + at + i, l) * get(dx + at + i, l), l);
        });
    });
}

}  // namespace
}  // namespace cortado
