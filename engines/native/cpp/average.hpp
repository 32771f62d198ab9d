// Average pooling, in two steps: along the columns of the image, then along its rows. Padding is 0 in a buffer, so that
// no step has a border.
#pragma once

#include "planes.hpp"
#include "window.hpp"

namespace cortado {
namespace {

// The area of each window of a row, per row of the window: its columns, cut at width + pad.
inline float* window_widths(const PoolShape& s) {
    float* widths = space<float>(kSlotColumns, s.out_w);
    for (i64 i = 0; i < s.out_w; ++i) {
        const i64 x = i * s.stride_w - s.pad_w;
        widths[i] = static_cast<float>(min(x + s.kernel_w, s.width + s.pad_w) - x);
    }
    return widths;
}

// Rows of a window that begins at `top`, cut at height + pad; at least 1 pixel is what a window counts.
inline vf area_of(const PoolShape& s, i64 top, vf width) {
    return at_least(splat(static_cast<float>(min(top + s.kernel_h, s.height + s.pad_h) - top)) * width, 1);
}

// Every STEP-th float from p on.
template <int STEP>
inline vf load_step(const float* p, i64 step) {
    if constexpr (STEP == 1) return load(p);
    if constexpr (STEP == 2) {
        vi even;
        for (int l = 0; l < V; ++l) even[l] = 2 * l;
#if defined(__clang__)
        vf v;
        for (int l = 0; l < V; ++l) v[l] = p[2 * l];
        return v;
#else
        return __builtin_shuffle(load(p), load(p + V), even);
#endif
    }
    vf v;
    for (int l = 0; l < V; ++l) v[l] = p[l * step];
    return v;
}

// Floats of a row with its padding, and what whole vectors of windows read beyond it.
inline i64 padded_row(const PoolShape& s) { return s.pad_w + s.width + s.kernel_w + (V + 1) * s.stride_w + V; }

inline void clear_padding(const PoolShape& s, float* line, i64 count) {
    for (i64 i = 0; i < s.pad_w; ++i) line[i] = 0;
    for (i64 i = s.pad_w + s.width; i < count; ++i) line[i] = 0;
}

// All columns first, then all rows: what was just stored is not read back across two stores.
template <int STEP>
void average_plane(const PoolShape& s, const float* widths, const float* x, float* y, float* sums, i64 pitch) {
    for (i64 oy = 0; oy < s.out_h; ++oy) {
        const i64 top = oy * s.stride_h - s.pad_h, begin = max(top, 0), end = min(top + s.kernel_h, s.height);
        float* line = sums + oy * pitch + s.pad_w;
        along(s.width, [&](i64 i, auto l) {
            vf total = {};
            for (i64 row = begin; row < end; ++row) total += get(x + row * s.width + i, l);
            put(line + i, total, l);
        });
    }
    for (i64 oy = 0; oy < s.out_h; ++oy)
        along(s.out_w, [&](i64 i, auto l) {
            const float* p = sums + oy * pitch + i * s.stride_w;
            vf total = load_step<STEP>(p, s.stride_w);
            for (i64 t = 1; t < s.kernel_w; ++t) total += load_step<STEP>(p + t, s.stride_w);
            put(y + oy * s.out_w + i, total / area_of(s, oy * s.stride_h - s.pad_h, get(widths + i, l)), l);
        });
}

// One plane is one number: V planes at a time, so that their sums are taken together.
inline void average_of_planes(const PoolShape& s, const float* x, float* y) {
    const i64 size = s.height * s.width;
    const vf scale = splat(static_cast<float>(size));
    const i64 together = max(1, 16384 / max(1, size * V));
    parallel(ceil_div(s.planes, together * V), [&](i64 task) {
        for (i64 p = task * together * V; p < min(s.planes, (task + 1) * together * V); p += V) {
            const i64 count = min(V, s.planes - p);
            vf totals[V] = {};
            for (i64 r = 0; r < count; ++r)
                along(size, [&](i64 i, auto l) { totals[r] += get(x + (p + r) * size + i, l); });
            transpose(totals);
            for (int half = V / 2; half > 0; half /= 2)
                for (int r = 0; r < half; ++r) totals[r] += totals[r + half];
            store_part(y + p, totals[0] / scale, count);
        }
    });
}

void ave_pool_forward(const PoolShape& s, const float* x, float* y) {
    if (is_global(s)) return average_of_planes(s, x, y);
    const i64 size = s.height * s.width, area = s.out_h * s.out_w, row = padded_row(s);
    const float* widths = window_widths(s);
    const auto plane = s.stride_w == 1 ? average_plane<1> : s.stride_w == 2 ? average_plane<2> : average_plane<0>;
    over_planes(s, [&](i64 p) {
        float* sums = space<float>(kSlotA, s.out_h * row);
        for (i64 oy = 0; oy < s.out_h; ++oy) clear_padding(s, sums + oy * row, row);
        plane(s, widths, x + p * size, y + p * area, sums, row);
    });
}

// The way back: each window's share goes to where it begins in a row that is 0 elsewhere; a pixel of the row gets the
// sum of the kernel_w floats up to it, and a pixel of the image those of all rows of windows that it is in.
inline void spread_plane(const PoolShape& s, const float* widths, const float* dy, float* dx, float* shares, i64 pitch,
                         float* lines) {
    const i64 before = s.kernel_w - 1;
    for (i64 oy = 0; oy < s.out_h; ++oy) {
        const float* from = dy + oy * s.out_w;
        float* share = shares + oy * pitch + before;
        along(s.out_w, [&](i64 i, auto l) {
            const vf each = get(from + i, l) / area_of(s, oy * s.stride_h - s.pad_h, get(widths + i, l));
            if (s.stride_w == 1) return put(share + i, each, l);
            if (s.stride_w == 2) return store_in_turn(share + 2 * i, each, vf{});
            alignas(64) float lanes[V];
            store(lanes, each);
            for (i64 k = 0; k < min(V, s.out_w - i); ++k) share[(i + k) * s.stride_w] = lanes[k];
        });
    }
    for (i64 oy = 0; oy < s.out_h; ++oy)
        along(s.width, [&](i64 i, auto l) {
            const float* p = shares + oy * pitch + s.pad_w + i;
            vf total = get(p, l);
            for (i64 t = 1; t < s.kernel_w; ++t) total += get(p + t, l);
            put(lines + oy * s.width + i, total, l);
        });
    for (i64 y = 0; y < s.height; ++y) {
        const i64 past = y + s.pad_h - s.kernel_h + 1, first = past > 0 ? ceil_div(past, s.stride_h) : 0;
        const i64 last = min(s.out_h - 1, (y + s.pad_h) / s.stride_h);
        along(s.width, [&](i64 i, auto l) {
            vf total = {};
            for (i64 oy = first; oy <= last; ++oy) total += get(lines + oy * s.width + i, l);
            put(dx + y * s.width + i, total, l);
        });
    }
}

void ave_pool_backward(const PoolShape& s, const float* dy, float* dx) {
    const i64 size = s.height * s.width, area = s.out_h * s.out_w;
    if (is_global(s))
        return over_planes(s, [&](i64 p) {
            const vf share = splat(dy[p] / static_cast<float>(size));
            along(size, [&](i64 i, auto l) { put(dx + p * size + i, share, l); });
        });
    const float* widths = window_widths(s);
    const i64 pitch = padded_row(s) + s.kernel_w;
    over_planes(s, [&](i64 p) {
        float* shares = space<float>(kSlotA, s.out_h * pitch);
        memset(shares, 0, static_cast<size_t>(s.out_h * pitch) * sizeof(float));
        float* lines = space<float>(kSlotB, s.out_h * s.width);
        spread_plane(s, widths, dy + p * area, dx + p * size, shares, pitch, lines);
    });
}

}  // namespace
}  // namespace cortado
