// Pooling: V windows at a time, one tap of them after the other, over a group of planes that stays in the cache.
#pragma once

#include "math.hpp"
#include "window.hpp"

namespace cortado {
namespace {

// The windows of one plane as a grid, its taps in workspace memory of the caller.
inline Grid pool_grid(const PoolShape& s) {
    Grid g{};
    const i64 taps = s.kernel_h * s.kernel_w;
    i64* y = space<i64>(kSlotTaps, 2 * taps);
    i64* x = y + taps;
    for (i64 t = 0; t < taps; ++t) y[t] = t / s.kernel_w - s.pad_h, x[t] = t % s.kernel_w - s.pad_w;
    g.images = 1, g.height = s.height, g.width = s.width, g.rows = s.out_h, g.cols = s.out_w;
    g.step_y = s.stride_h, g.step_x = s.stride_w, g.taps = taps, g.tap_y = y, g.tap_x = x;
    return g;
}

inline vi valid_lanes(const Lanes& lanes) {
    vi valid = {};
    for (int s = 0; s < lanes.count; ++s)
        for (int l = lanes.segment[s].begin; l < lanes.segment[s].end; ++l) valid[l] = -1;
    return valid;
}

// The windows of one vector: what each tap reads, and per lane the numbers that all planes share.
struct Windows {
    i64 at, count;
    Lanes* lanes;     // per tap
    vi* valid;        // per tap
    vi origin, first; // flat index of the window's corner, and of its first pixel in the image (-1: none)
    vf area;          // pixels of the window cut at size + pad, at least 1
};

inline Windows windows_at(const PoolShape& s, const Grid& g, i64 at) {
    Windows w;
    w.at = at, w.count = min(V, g.area() - at);
    w.lanes = space<Lanes>(kSlotA, g.taps);
    w.valid = space<vi>(kSlotB, g.taps);
    Run runs[V];
    const int count = find_runs(g, at, w.count, runs);
    for (i64 tap = 0; tap < g.taps; ++tap) {
        find_lanes(g, runs, count, tap, w.lanes[tap]);
        w.valid[tap] = valid_lanes(w.lanes[tap]);
    }
    for (i64 l = 0; l < V; ++l) {
        const i64 place = min(at + l, g.area() - 1);
        const i64 y = place / g.cols * s.stride_h - s.pad_h, x = place % g.cols * s.stride_w - s.pad_w;
        const bool inside = y < s.height && x < s.width;
        w.origin[l] = static_cast<int32_t>(y * s.width + x);
        w.first[l] = inside ? static_cast<int32_t>(max(y, 0) * s.width + max(x, 0)) : -1;
        const i64 rows = min(y + s.kernel_h, s.height + s.pad_h) - y, cols = min(x + s.kernel_w, s.width + s.pad_w) - x;
        w.area[l] = static_cast<float>(max(1, rows * cols));
    }
    return w;
}

// body(windows, first plane, last plane): every vector of windows with every group of planes.
template <class Body>
inline void over_windows(const PoolShape& s, const Grid& g, const Body& body) {
    const i64 size = s.height * s.width + s.out_h * s.out_w;
    const i64 together = max(1, min(ceil_div(s.planes, 4 * threads()), (256 << 10) / (4 * max(1, size))));
    parallel(ceil_div(s.planes, together), [&](i64 group) {
        const i64 begin = group * together, end = min(s.planes, begin + together);
        for (i64 at = 0; at < g.area(); at += V) body(windows_at(s, g, at), begin, end);
    });
}

void max_pool_forward(const PoolShape& s, const float* x, float* y, int32_t* mask) {
    const Grid g = pool_grid(s);
    const i64 plane = g.plane(), area = g.area();
    over_windows(s, g, [&](const Windows& w, i64 begin, i64 end) {
        const vf none = w.first < isplat(0) ? splat(-3.40282347e38f) : splat(-__builtin_inff());
        for (i64 p = begin; p < end; ++p) {
            vf best = none;
            vi chosen = w.first;
            for (i64 tap = 0; tap < g.taps; ++tap) {
                if (w.lanes[tap].count == 0) continue;
                const vf pixel = fetch(x + p * plane, w.lanes[tap], g.step_x);
                const i64 step = tap / s.kernel_w * s.width + tap % s.kernel_w;
                const vi better = ((pixel > best) | (pixel != pixel)) & w.valid[tap];
                best = better ? pixel : best;
                chosen = better ? w.origin + isplat(static_cast<int32_t>(step)) : chosen;
            }
            const i64 to = p * area + w.at;
            if (w.count == V) {
                store(y + to, best);
                store(reinterpret_cast<float*>(mask + to), as_float(chosen));
            } else {
                store_part(y + to, best, w.count);
                for (i64 l = 0; l < w.count; ++l) mask[to + l] = chosen[l];
            }
        }
    });
}

void max_pool_backward(const PoolShape& s, const float* dy, const int32_t* mask, float* dx) {
    const i64 plane = s.height * s.width, area = s.out_h * s.out_w;
    const i64 together = max(1, 8192 / max(1, plane));
    parallel(ceil_div(s.planes, together), [&](i64 group) {
        for (i64 p = group * together; p < min(s.planes, (group + 1) * together); ++p) {
            float* to = dx + p * plane;
            memset(to, 0, static_cast<size_t>(plane) * sizeof(float));
            for (i64 i = p * area; i < (p + 1) * area; ++i)
                if (mask[i] >= 0) to[mask[i]] += dy[i];
        }
    });
}

// One window that is the whole plane, without padding.
inline bool is_global(const PoolShape& s) {
    return s.out_h == 1 && s.out_w == 1 && s.pad_h == 0 && s.pad_w == 0 && s.kernel_h >= s.height &&
           s.kernel_w >= s.width;
}

void ave_pool_forward(const PoolShape& s, const float* x, float* y) {
    const Grid g = pool_grid(s);
    const i64 plane = g.plane(), area = g.area();
    if (is_global(s)) {
        const i64 together = max(1, 16384 / max(1, plane));
        parallel(ceil_div(s.planes, together), [&](i64 group) {
            for (i64 p = group * together; p < min(s.planes, (group + 1) * together); ++p)
                y[p] = sum(x + p * plane, plane) / static_cast<float>(plane);
        });
        return;
    }
    over_windows(s, g, [&](const Windows& w, i64 begin, i64 end) {
        for (i64 p = begin; p < end; ++p) {
            vf total = {};
            for (i64 tap = 0; tap < g.taps; ++tap)
                if (w.lanes[tap].count > 0) total += fetch(x + p * plane, w.lanes[tap], g.step_x);
            store_part(y + p * area + w.at, total / w.area, w.count);
        }
    });
}

void ave_pool_backward(const PoolShape& s, const float* dy, float* dx) {
    const i64 plane = s.height * s.width, area = s.out_h * s.out_w;
    const i64 together = max(1, 8192 / max(1, plane));
    const bool global = is_global(s);
    parallel(ceil_div(s.planes, together), [&](i64 group) {
        for (i64 p = group * together; p < min(s.planes, (group + 1) * together); ++p) {
            float* to = dx + p * plane;
            if (global) {
                const vf share = splat(dy[p] / static_cast<float>(plane));
                along(plane, [&](i64 i, auto l) { put(to + i, share, l); });
                continue;
            }
            memset(to, 0, static_cast<size_t>(plane) * sizeof(float));
            for (i64 oy = 0; oy < s.out_h; ++oy)
                for (i64 ox = 0; ox < s.out_w; ++ox) {
                    const i64 y = oy * s.stride_h - s.pad_h, x = ox * s.stride_w - s.pad_w;
                    const i64 end_y = min(y + s.kernel_h, s.height + s.pad_h);
                    const i64 end_x = min(x + s.kernel_w, s.width + s.pad_w);
                    const float share = dy[p * area + oy * s.out_w + ox] /
                                        static_cast<float>(max(1, (end_y - y) * (end_x - x)));
                    for (i64 v = max(y, 0); v < min(end_y, s.height); ++v)
                        for (i64 u = max(x, 0); u < min(end_x, s.width); ++u) to[v * s.width + u] += share;
                }
        }
    });
}

}  // namespace
}  // namespace cortado
