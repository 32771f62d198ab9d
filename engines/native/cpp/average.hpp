// Average pooling.
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

void ave_pool_forward(const PoolShape& s, const float* x, float* y) {
    const auto sum = [](vf a, vf b) { return a + b; };
    if (is_global(s)) {
        const vf area = splat(static_cast<float>(s.height * s.width));
        return pool_planes(s, x, 0, sum, [&](i64 p, i64 count, vf total) { store_part(y + p, total / area, count); });
    }
    const float* widths = window_widths(s);
    pool_windows(s, x, 0, sum, [&](i64 row, i64 oy, i64 i, auto l, vf total) {
        const i64 top = oy * s.stride_h - s.pad_h;
        put(y + row * s.out_w + i, total / area_of(s, top, get(widths + i, l)), l);
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
    const i64 pitch = s.pad_w + s.width + 2 * s.kernel_w + (V + 1) * s.stride_w + V;
    over_planes(s, [&](i64 p) {
        float* shares = space<float>(kSlotA, s.out_h * pitch);
        memset(shares, 0, static_cast<size_t>(s.out_h * pitch) * sizeof(float));
        float* lines = space<float>(kSlotB, s.out_h * s.width);
        spread_plane(s, widths, dy + p * area, dx + p * size, shares, pitch, lines);
    });
}

}  // namespace
}  // namespace cortado
