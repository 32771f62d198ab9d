// Stochastic pooling: V windows at a time, either of a row or, where a window is the whole plane, of as many planes.
#pragma once

#include "pooling.hpp"

namespace cortado {
namespace {

// take(pixel, place) for each tap of V windows of a row, in row-major order; the place is the pixel's index within the
// plane. Lanes in which a tap lies outside the image have 0.
template <int STEP, class Take>
inline void over_taps(const PoolShape& s, const PoolRow& row, const float* x, i64 top, i64 v, const Take& take) {
    const RowSpans& across = row.across;
    for (i64 line = max(top, 0); line < min(top + s.kernel_h, s.height); ++line)
        for (i64 t = 0; t < across.taps; ++t)
            take(fetch_span<STEP>(x + line * s.width, across.spans[v * across.taps + t], across.step),
                 row.columns[v].index + isplat(static_cast<int32_t>(line * s.width + t)));
}

// The same of `count` planes, each of them one window.
template <class Take>
inline void over_taps_of_planes(i64 size, const float* x, i64 count, const Take& take) {
    for (i64 at = 0; at < size; at += V) {
        const i64 deep = min(V, size - at);
        vf block[V];
        for (i64 r = 0; r < V; ++r) {
            const float* p = x + r * size + at;
            block[r] = r >= count ? vf{} : deep == V ? load(p) : load_part(p, deep);
        }
        transpose(block);
        for (i64 l = 0; l < deep; ++l) take(block[l], isplat(static_cast<int32_t>(at + l)));
    }
}

// The pixels of V windows as they are met, each with the running sum; NaN, which reaches nothing, for a pixel that cannot
// be drawn.
struct Draw {
    struct Met {
        vf pixel, reached;
        vi place;
    };
    Met* met;
    i64 taps = 0;
    vf total = {};

    void take(vf pixel, vi place) {
        const vf p = positive(pixel);
        total += p;
        met[taps++] = {pixel, pixel > vf{} ? total : splat(__builtin_nanf("")), place};
    }

    // From the last tap to the first, so that the first that is found stays; the first pixel of the window, which is
    // among the taps of one row, where none is.
    void draw(vf uniform, vi first, i64 row, vf& value, vi& chosen) const {
        const vf threshold = total * uniform;
        value = vf{}, chosen = first;
        for (i64 t = min(row, taps) - 1; t >= 0; --t) value = met[t].place == first ? met[t].pixel : value;
        for (i64 t = taps - 1; t >= 0; --t) {
            value = met[t].reached >= threshold ? met[t].pixel : value;
            chosen = met[t].reached >= threshold ? met[t].place : chosen;
        }
        value = total != total ? total : value;
    }
};

// ready() gives what a thread does with V windows: body(first window, how many, index of each one's first pixel or -1,
// taps), where taps(take) goes over the windows' taps.
template <int STEP, class Ready>
void over_windows(const PoolShape& s, const float* x, const Ready& ready) {
    const PoolRow row = pool_row(s);
    over_planes(s, [&](i64 p) {
        const auto body = ready();
        for (i64 oy = 0; oy < s.out_h; ++oy) {
            const i64 top = oy * s.stride_h - s.pad_h, begin = max(top, 0);
            for (i64 v = 0; v < row.across.vectors; ++v) {
                const PoolColumns& columns = row.columns[v];
                const vi inside = begin < s.height ? columns.inside : vi{};
                const vi first = inside ? columns.first + isplat(static_cast<int32_t>(begin * s.width)) : isplat(-1);
                body((p * s.out_h + oy) * s.out_w + v * V, min(V, s.out_w - v * V), first, [&](const auto& take) {
                    over_taps<STEP>(s, row, x + p * s.height * s.width, top, v, take);
                });
            }
        }
    });
}

template <class Ready>
void over_all_windows(const PoolShape& s, const float* x, const Ready& ready) {
    const i64 size = s.height * s.width;
    if (!is_global(s))
        return s.stride_w == 1   ? over_windows<1>(s, x, ready)
               : s.stride_w == 2 ? over_windows<2>(s, x, ready)
                                 : over_windows<0>(s, x, ready);
    const i64 together = max(1, 16384 / max(1, size * V)) * V;
    parallel(ceil_div(s.planes, together), [&](i64 task) {
        const auto body = ready();
        for (i64 p = task * together; p < min(s.planes, (task + 1) * together); p += V) {
            const i64 count = min(V, s.planes - p);
            body(p, count, vi{}, [&](const auto& take) { over_taps_of_planes(size, x + p * size, count, take); });
        }
    });
}

void stochastic_pool_forward(const PoolShape& s, const float* x, float* y, int32_t* mask, const float* uniform) {
    over_all_windows(s, x, [&] {
        Draw::Met* met = space<Draw::Met>(kSlotA, min(s.kernel_h, s.height) * s.kernel_w);
        return [=](i64 window, i64 count, vi first, const auto& taps) {
            Draw windows{met};
            taps([&](vf pixel, vi place) { windows.take(pixel, place); });
            vf value;
            vi chosen;
            windows.draw(load_part(uniform + window, count), first, s.kernel_w, value, chosen);
            store_part(y + window, value, count);
            store_part(reinterpret_cast<float*>(mask) + window, as_float(chosen), count);
        };
    });
}

void stochastic_pool_test_forward(const PoolShape& s, const float* x, float* y) {
    over_all_windows(s, x, [&] {
        return [=](i64 window, i64 count, vi, const auto& taps) {
            vf squares = {}, total = {};
            taps([&](vf pixel, vi) { squares += pixel * pixel, total += pixel; });
            store_part(y + window, total == vf{} ? vf{} : squares / total, count);
        };
    });
}

}  // namespace
}  // namespace cortado
