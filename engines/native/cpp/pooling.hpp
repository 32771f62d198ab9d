// Maximum pooling with the index of each maximum: V windows of a row at a time, one tap of them after the other.
#pragma once

#include "maximum.hpp"
#include "window.hpp"

namespace cortado {
namespace {

// Per vector of windows in a row, what all rows and planes share.
struct PoolColumns {
    vi index;   // the column at which each window begins, padding included
    vi first;   // its first column inside the image
    vi inside;  // -1 where there is one
    bool full;  // no window of the vector lies beyond the image
};

struct PoolRow {
    RowSpans across;
    const PoolColumns* columns;
};

inline PoolRow pool_row(const PoolShape& s) {
    i64* offset = space<i64>(kSlotRow, s.kernel_w);
    for (i64 t = 0; t < s.kernel_w; ++t) offset[t] = t - s.pad_w;
    PoolRow row;
    row.across = row_spans(s.out_w, s.width, s.stride_w, s.kernel_w, offset);
    PoolColumns* columns = space<PoolColumns>(kSlotColumns, row.across.vectors);
    for (i64 v = 0; v < row.across.vectors; ++v) {
        columns[v].full = (min((v + 1) * V, s.out_w) - 1) * s.stride_w - s.pad_w < s.width;
        for (i64 l = 0; l < V; ++l) {
            const i64 x = (v * V + l) * s.stride_w - s.pad_w;
            columns[v].index[l] = static_cast<int32_t>(x);
            columns[v].first[l] = static_cast<int32_t>(max(x, 0));
            columns[v].inside[l] = x < s.width ? -1 : 0;
        }
    }
    row.columns = columns;
    return row;
}

inline vi lanes_of(const Span& s) { return lanes_between(s.begin, s.end); }
inline vi lanes_of(All) { return isplat(-1); }
inline vi lanes_of(First f) { return first_lanes(f.count); }

// Takes the pixels that are larger than the best so far, or NaN, and notes their index.
inline void take_better(vf pixel, const Span& span, vi index, vf& best, vi& chosen) {
#if defined(__AVX512F__)
    const __m512 p = (__m512)pixel;
    const __mmask16 lanes = (__mmask16)span.lanes;
    const __mmask16 better = _mm512_mask_cmp_ps_mask(lanes, p, (__m512)best, _CMP_GT_OQ) |
                             _mm512_mask_cmp_ps_mask(lanes, p, p, _CMP_UNORD_Q);
    best = (vf)_mm512_mask_mov_ps((__m512)best, better, p);
    chosen = (vi)_mm512_mask_mov_epi32((__m512i)chosen, better, (__m512i)index);
#else
    vi better = (pixel > best) | (pixel != pixel);
    if (span.begin != 0 || span.end != V) better &= lanes_of(span);
    best = better ? pixel : best;
    chosen = better ? index : chosen;
#endif
}

// One vector of windows, tap by tap. Any window; NaN and the order of equals are right.
template <int STEP>
void max_of_windows(const PoolShape& s, const PoolRow& row, const float* x, i64 top, i64 v, vf& best, vi& chosen) {
    const RowSpans& across = row.across;
    const PoolColumns& columns = row.columns[v];
    const i64 begin = max(top, 0), end = min(top + s.kernel_h, s.height);
    const vi inside = begin < s.height ? columns.inside : vi{};
    chosen = inside ? columns.first + isplat(static_cast<int32_t>(begin * s.width)) : isplat(-1);
    best = inside ? splat(-__builtin_inff()) : splat(-3.40282347e38f);
    for (i64 line = begin; line < end; ++line)
        for (i64 t = 0; t < across.taps; ++t) {
            const Span& span = across.spans[v * across.taps + t];
            if (span.begin >= span.end) continue;
            take_better(fetch_span<STEP>(x + line * s.width, span, across.step), span,
                        columns.index + isplat(static_cast<int32_t>(line * s.width + t)), best, chosen);
        }
}

// The lanes of a span, `none` elsewhere.
template <int STEP>
inline vf fetch_or(const float* from, const Span& span, float none, i64 step) {
    const vf v = fetch_span<STEP>(from, span, step);
#if defined(__AVX512F__)
    return (vf)_mm512_mask_mov_ps((__m512)splat(none), (__mmask16)span.lanes, (__m512)v);
#else
    return span.begin == 0 && span.end == V ? v : lanes_of(span) ? v : splat(none);
#endif
}

// The same for a K x K window, if no maximum is NaN or -infinity; else false. First the maxima, then, from the last tap
// to the first, which taps hold them: comparing tap by tap would wait about 20 cycles for each mask.
template <int K, int STEP>
bool max_of_windows_fast(const PoolShape& s, const PoolRow& row, const float* x, i64 top, i64 v, vf& best, vi& chosen) {
    const Span* spans = row.across.spans + v * K;
    const PoolColumns& columns = row.columns[v];
    constexpr float none = -__builtin_inff();
    vf pixel[K * K];
#pragma GCC unroll 3
    for (int i = 0; i < K; ++i) {
        const bool inside = top + i >= 0 && top + i < s.height;
#pragma GCC unroll 3
        for (int j = 0; j < K; ++j)
            pixel[i * K + j] =
                inside ? fetch_or<STEP>(x + (top + i) * s.width, spans[j], none, row.across.step) : splat(none);
    }
    vf most = pixel[0];
#if defined(__AVX512F__)
    __mmask16 strange = 0;
#pragma GCC unroll 9
    for (int t = 1; t < K * K; ++t) {
        most = (vf)_mm512_max_ps((__m512)most, (__m512)pixel[t]);
        strange |= _mm512_cmp_ps_mask((__m512)pixel[t - 1], (__m512)pixel[t], _CMP_UNORD_Q);
    }
    const __mmask16 used = (__mmask16)((1u << min(V, s.out_w - v * V)) - 1);
    if ((strange | _mm512_mask_cmp_ps_mask(used, (__m512)most, (__m512)splat(none), _CMP_EQ_OQ)) != 0) return false;
#else
#pragma GCC unroll 9
    for (int t = 1; t < K * K; ++t) most = Larger{}(most, pixel[t]);
    if (any(first_lanes(s.out_w - v * V) & ~(most > splat(none)))) return false;
#endif
    vi index{};
#pragma GCC unroll 9
    for (int t = K * K - 1; t >= 0; --t) {
        const vi at = columns.index + isplat(static_cast<int32_t>((top + t / K) * s.width + t % K));
        index = pixel[t] == most ? at : index;
    }
    best = most;
    chosen = index;
    return true;
}

template <int K, int STEP>
void max_pool_plane(const PoolShape& s, const PoolRow& row, const float* x, float* y, int32_t* mask) {
    for (i64 oy = 0; oy < s.out_h; ++oy) {
        const i64 top = oy * s.stride_h - s.pad_h;
        for (i64 v = 0; v < row.across.vectors; ++v) {
            vf best{};
            vi chosen{};
            // Masked loads do not wake the prefetcher: the rows of two windows further down are asked for here.
            for (i64 i = 0; i < s.stride_h; ++i)
                prefetch(x + (top + s.kernel_h + s.stride_h + i) * s.width + v * V * s.stride_w, V * s.stride_w);
            // Windows beyond the image, which are empty, have a way of their own.
            bool done = false;
            if constexpr (K > 0)
                done = top < s.height && row.columns[v].full &&
                       max_of_windows_fast<K, STEP>(s, row, x, top, v, best, chosen);
            if (!done) max_of_windows<STEP>(s, row, x, top, v, best, chosen);
            const i64 to = oy * s.out_w + v * V, count = min(V, s.out_w - v * V);
            store_part(y + to, best, count);
            store_part(reinterpret_cast<float*>(mask) + to, as_float(chosen), count);
        }
    }
}

template <int K>
inline auto max_pool_for(i64 step) {
    return step == 1 ? max_pool_plane<K, 1> : step == 2 ? max_pool_plane<K, 2> : max_pool_plane<K, 0>;
}

// The first maximum of a plane; the last NaN, if there is one.
inline int32_t place_of_maximum(const float* x, i64 size) {
    vf most = splat(x[0]), strange = {};
    along(size, [&](i64 i, auto l) {
        const vf v = get(x + i, l);
        strange = v != v ? v : strange;
        // Lanes beyond the plane hold 0, which may be more than all pixels: what they have is left.
        most = (v > most) & lanes_of(l) ? v : most;
    });
    alignas(64) float lanes[V];
    store(lanes, most);
    float best = lanes[0];
    for (int l = 1; l < V; ++l) best = lanes[l] > best ? lanes[l] : best;
    const float nan = sum_of(strange);
    i64 place = 0;
    if (nan == nan) {
        while (place < size - 1 && x[place] != best) ++place;
    } else {
        for (i64 i = 0; i < size; ++i)
            if (x[i] != x[i]) place = i;
    }
    return static_cast<int32_t>(place);
}

void max_pool_forward(const PoolShape& s, const float* x, float* y, int32_t* mask) {
    if (mask == nullptr) return maximum_of_windows(s, x, y);
    if (is_global(s))
        return over_planes(s, [&](i64 p) {
            const float* plane = x + p * s.height * s.width;
            mask[p] = place_of_maximum(plane, s.height * s.width);
            y[p] = plane[mask[p]];
        });
    const PoolRow row = pool_row(s);
    const i64 size = s.height * s.width, area = s.out_h * s.out_w, kernel = s.kernel_h == s.kernel_w ? s.kernel_w : 0;
    const auto plane = kernel == 3 ? max_pool_for<3>(s.stride_w) : kernel == 2 ? max_pool_for<2>(s.stride_w)
                                                                              : max_pool_for<0>(s.stride_w);
    over_planes(s, [&](i64 p) { plane(s, row, x + p * size, y + p * area, mask + p * area); });
}

void max_pool_backward(const PoolShape& s, const float* dy, const int32_t* mask, float* dx) {
    const i64 size = s.height * s.width, area = s.out_h * s.out_w;
    over_planes(s, [&](i64 p) {
        float* to = dx + p * size;
        memset(to, 0, static_cast<size_t>(size) * sizeof(float));
        for (i64 i = p * area; i < (p + 1) * area; ++i)
            if (mask[i] >= 0) to[mask[i]] += dy[i];
    });
}

}  // namespace
}  // namespace cortado
