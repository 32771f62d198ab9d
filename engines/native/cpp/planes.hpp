// What the ways of pooling share: planes in groups, and windows taken apart into columns and rows.
#pragma once

#include "math.hpp"

namespace cortado {
namespace {

// body(first, last) for all planes, in groups that are worth a task.
template <class Body>
inline void over_groups(const PoolShape& s, i64 multiple, const Body& body) {
    const i64 each = multiple * max(1, 16384 / max(1, s.height * s.width * multiple));
    parallel(ceil_div(s.planes, each),
             [&](i64 group) { body(group * each, min(s.planes, (group + 1) * each)); });
}

// body(plane) for all planes, some at a time.
template <class Body>
inline void over_planes(const PoolShape& s, const Body& body) {
    over_groups(s, 1, [&](i64 first, i64 last) {
        for (i64 p = first; p < last; ++p) body(p);
    });
}

// One window that is the whole plane, without padding.
inline bool is_global(const PoolShape& s) {
    return s.out_h == 1 && s.out_w == 1 && s.pad_h == 0 && s.pad_w == 0 && s.kernel_h >= s.height &&
           s.kernel_w >= s.width;
}

// Every STEP-th float from p on.
template <int STEP>
inline vf load_step(const float* p, i64 step) {
    if constexpr (STEP == 1) return load(p);
    if constexpr (STEP == 2) return load_alternate(p);
    vf v;
    for (int l = 0; l < V; ++l) v[l] = p[l * step];
    return v;
}

inline vf get_or(const float* p, float, All) { return load(p); }
inline vf get_or(const float* p, float none, First f) {
    return first_lanes(f.count) ? load_part(p, f.count) : splat(none);
}

// body(i, lanes) for n floats. The last vector may have floats of the one before again.
template <class Body>
inline void covering(i64 n, const Body& body) {
    if (n < V) return n > 0 ? body(0, First{n}) : void();
    for (i64 i = 0; i + V <= n; i += V) body(i, All{});
    if (n % V != 0) body(n - V, All{});
}

// line[i] = the pixels i of COUNT rows (any: 0) from `from` on, combined. Only whole vectors are written, with `none` where
// there is no pixel: a store of some lanes would keep the loads that touch it waiting.
template <int COUNT, class Combine>
inline void combine_columns(const float* from, i64 count, i64 width, float none, float* line, const Combine& combine) {
    if (COUNT > 0) count = COUNT;
    covering(width, [&](i64 i, auto l) {
        vf v = count > 0 ? get_or(from + i, none, l) : splat(none);
        for (i64 row = 1; row < count; ++row) v = combine(v, get_or(from + row * width + i, none, l));
        store(line + i, v);
    });
}

template <int N>
struct Constant {
    static constexpr int value = N;
};

// Windows of KERNEL x KERNEL pixels (any size: 0) that lie STEP columns apart (any: 0) in two steps: along the columns of
// the image, then along its rows. Calls finish(row, oy, i, lanes, combined) for vectors of windows; row counts the rows
// of windows of all planes, oy those of one. Padding is `none`, which leaves what it is combined with, in the buffer
// between, so that no step has a border; and the columns of some rows of windows come before these rows, so that what was
// just stored is not read back across two stores. The memory that the next columns need is asked for in between.
template <int KERNEL, int STEP, class Combine, class Finish>
void combine_windows(const PoolShape& s, const float* x, float none, const Combine& combine, const Finish& finish) {
    const i64 taps = KERNEL > 0 ? KERNEL : s.kernel_w, size = s.height * s.width;
    // Whole vectors of windows read beyond the last.
    const i64 pitch = s.pad_w + s.width + s.kernel_w + (V + 1) * s.stride_w + V, together = max(1, 2048 / pitch);
    over_groups(s, 1, [&](i64 first, i64 last) {
        float* lines = space<float>(kSlotA, together * pitch);
        for (i64 i = 0; i < together * pitch; ++i) lines[i] = none;
        for (i64 begin = first * s.out_h; begin < last * s.out_h; begin += together) {
            const i64 end = min(last * s.out_h, begin + together);
            const i64 start = begin % s.out_h;
            const float *plane = x + begin / s.out_h * size, *next = x;
            for (i64 row = begin, oy = start; row < end; ++row) {
                const i64 top = oy * s.stride_h - s.pad_h;
                const i64 above = max(top, 0), count = min(top + s.kernel_h, s.height) - above;
                const float* from = plane + above * s.width;
                float* line = lines + (row - begin) * pitch + s.pad_w;
                if (KERNEL > 0 && count == KERNEL) combine_columns<KERNEL>(from, count, s.width, none, line, combine);
                else combine_columns<0>(from, count, s.width, none, line, combine);
                next = from + s.kernel_h * s.width;
                if (++oy == s.out_h) oy = 0, plane += size;
            }
            for (i64 row = begin, oy = start; row < end; ++row) {
                prefetch(next + (row - begin) * s.stride_h * s.width, s.stride_h * s.width);
                covering(s.out_w, [&](i64 i, auto l) {
                    const float* at = lines + (row - begin) * pitch + i * s.stride_w;
                    vf v = load_step<STEP>(at, s.stride_w);
                    for (i64 t = 1; t < taps; ++t) v = combine(v, load_step<STEP>(at + t, s.stride_w));
                    finish(row, oy, i, l, v);
                });
                if (++oy == s.out_h) oy = 0;
            }
        }
    });
}

// The instance of combine_windows for these windows.
template <class Combine, class Finish>
void pool_windows(const PoolShape& s, const float* x, float none, const Combine& combine, const Finish& finish) {
    const auto go = [&](auto kernel, auto step) {
        combine_windows<decltype(kernel)::value, decltype(step)::value>(s, x, none, combine, finish);
    };
    const auto with = [&](auto kernel) {
        if (s.stride_w == 1) go(kernel, Constant<1>{});
        else if (s.stride_w == 2) go(kernel, Constant<2>{});
        else go(kernel, Constant<0>{});
    };
    if (s.kernel_h == s.kernel_w && s.kernel_w == 2) with(Constant<2>{});
    else if (s.kernel_h == s.kernel_w && s.kernel_w == 3) with(Constant<3>{});
    else with(Constant<0>{});
}

// One plane is one number: V planes at a time, so that their lanes are combined together. finish(planes from, how many,
// combined).
template <class Combine, class Finish>
void pool_planes(const PoolShape& s, const float* x, float none, const Combine& combine, const Finish& finish) {
    const i64 size = s.height * s.width;
    over_groups(s, V, [&](i64 first, i64 last) {
        for (i64 p = first; p < last; p += V) {
            const i64 count = min(V, last - p);
            vf totals[V];
            for (i64 r = 0; r < V; ++r) totals[r] = splat(none);
            for (i64 r = 0; r < count; ++r)
                along(size, [&](i64 i, auto l) { totals[r] = combine(totals[r], get_or(x + (p + r) * size + i, none, l)); });
            transpose(totals);
            for (int half = V / 2; half > 0; half /= 2)
                for (int r = 0; r < half; ++r) totals[r] = combine(totals[r], totals[r + half]);
            finish(p, count, totals[0]);
        }
    });
}

}  // namespace
}  // namespace cortado
