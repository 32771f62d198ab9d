// Reading pixels as a convolution's window meets them, a vector at a time.
//
// A grid is the set of places at which the window stands, over all images, in row-major order. A vector of V places
// falls into runs (one per row of the grid that it touches); for one tap of the window, each run becomes a segment: a
// range of lanes and where in memory the first lane's pixel would be. Lanes that meet the padding are in no segment.
#pragma once

#include "panels.hpp"

namespace cortado {
namespace {

struct Tap {
    i64 y, x;        // relative to the place's row and column
    i64 base, limit; // where in the row the columns begin that it reads, and how many there are
};

// Places are one pixel apart along x: an image that is read with a stride is split into its phases before.
struct Grid {
    i64 images, image_size;       // images, and floats from one to the next
    i64 height, pitch;            // of a source plane: rows, and floats from one to the next
    i64 rows, cols;               // places per image
    i64 step_y;                   // rows from one place to the next
    i64 taps;
    const Tap* tap;

    i64 area() const { return rows * cols; }
    i64 places() const { return images * area(); }
    i64 plane() const { return height * pitch; }
};

struct Run {
    i64 lane, count, image, y, x;
};

struct Segment {
    i64 offset;  // of lane 0's pixel; only the lanes [begin, end) are read
    int begin, end;
};

struct Lanes {
    int count = 0;
    bool full = false;  // one segment that holds all lanes
    Segment segment[V];
};

// The runs of places [j, j + count), count <= V; returns how many.
inline int find_runs(const Grid& g, i64 j, i64 count, Run* runs) {
    const i64 area = g.area();
    i64 image = j / area, rest = j % area, y = rest / g.cols, x = rest % g.cols;
    int found = 0;
    for (i64 lane = 0; lane < count;) {
        const i64 length = min(count - lane, g.cols - x);
        runs[found++] = {lane, length, image, y, x};
        lane += length;
        x = 0;
        if (++y == g.rows) y = 0, ++image;
    }
    return found;
}

inline void find_lanes(const Grid& g, const Run* runs, int count, const Tap& tap, Lanes& lanes) {
    lanes.count = 0;
    for (int r = 0; r < count; ++r) {
        const Run& run = runs[r];
        const i64 y = run.y * g.step_y + tap.y, x = run.x + tap.x;
        if (y < 0 || y >= g.height) continue;
        const i64 first = max(0, -x), last = min(run.count, tap.limit - x);
        if (first >= last) continue;
        const i64 offset = run.image * g.image_size + y * g.pitch + tap.base + x - run.lane;
        const int begin = static_cast<int>(run.lane + first), end = static_cast<int>(run.lane + last);
        Segment* before = lanes.count > 0 ? &lanes.segment[lanes.count - 1] : nullptr;
        if (before != nullptr && before->offset == offset && before->end == begin) before->end = end;
        else lanes.segment[lanes.count++] = {offset, begin, end};
    }
    lanes.full = lanes.count == 1 && lanes.segment[0].begin == 0 && lanes.segment[0].end == V;
}

inline vf fetch(const float* from, const Lanes& lanes) {
    if (lanes.full) return load(from + lanes.segment[0].offset);
#if defined(__AVX512F__)
    __m512 v = _mm512_setzero_ps();
    for (int s = 0; s < lanes.count; ++s) {
        const Segment& segment = lanes.segment[s];
        const __mmask16 mask = (__mmask16)((1u << segment.end) - (1u << segment.begin));
        v = _mm512_mask_loadu_ps(v, mask, from + segment.offset);
    }
    return (vf)v;
#else
    alignas(64) float values[V] = {};
    for (int s = 0; s < lanes.count; ++s) {
        const Segment& segment = lanes.segment[s];
        for (int l = segment.begin; l < segment.end; ++l) values[l] = from[segment.offset + l];
    }
    return load(values);
#endif
}

// Masked loads do not wake the prefetcher: asks for the pixels two vectors further on.
inline void ask_ahead(const float* from, const Lanes& lanes) {
    if (lanes.count > 0) __builtin_prefetch(from + lanes.segment[0].offset + 2 * V);
}

// One range of lanes, with its masks made beforehand, for loops in which it stays the same.
struct Span {
    i64 offset = 0;  // of lane 0's pixel
    int begin = 0, end = 0;
    uint32_t lanes = 0, low = 0, high = 0;

    Span() = default;
    Span(i64 at, i64 first, i64 last) : offset(at), begin(static_cast<int>(first)), end(static_cast<int>(last)) {
        if (begin >= end) return;
        const uint64_t wide = (1ull << (2 * end - 1)) - (1ull << (2 * begin));
        lanes = (1u << end) - (1u << begin);
        low = static_cast<uint32_t>(wide & 0xffff), high = static_cast<uint32_t>(wide >> 16);
    }
};

template <int STEP>
inline vf fetch_span(const float* from, const Span& s, i64 step) {
    const float* p = from + s.offset;
#if defined(__AVX512F__)
    if constexpr (STEP == 1) return (vf)_mm512_maskz_loadu_ps((__mmask16)s.lanes, p);
    if constexpr (STEP == 2) {
        const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        const __m512 low = _mm512_maskz_loadu_ps((__mmask16)s.low, p);
        return (vf)_mm512_maskz_permutex2var_ps((__mmask16)s.lanes, low, even,
                                                _mm512_maskz_loadu_ps((__mmask16)s.high, p + 16));
    }
    if constexpr (STEP == 4) {
        // A lane reads every fourth float, so four vectors hold what all lanes read.
        const __m512i fourth = _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28);
        __m512 part[4];
#pragma GCC unroll 4
        for (int q = 0; q < 4; ++q) {
            const uint32_t four = s.lanes >> 4 * q & 15;
            const uint32_t floats = (four & 1) | (four & 2) << 3 | (four & 4) << 6 | (four & 8) << 9;
            part[q] = _mm512_maskz_loadu_ps((__mmask16)floats, p + 16 * q);
        }
        const __m512 high = _mm512_permutex2var_ps(part[2], fourth, part[3]);
        return (vf)_mm512_mask_blend_ps(0xff00, _mm512_permutex2var_ps(part[0], fourth, part[1]), high);
    }
#else
    if (STEP == 1 && s.begin == 0 && s.end == V) return load(p);
    if (STEP == 2 && s.begin == 0 && s.end == V) return load_alternate(p);
#if defined(__AVX2__)
    const auto part = [](const float* q, i64 begin, i64 end) {
        return (vf)_mm256_maskload_ps(q, (__m256i)lanes_between(begin, end));
    };
    if constexpr (STEP == 1) return part(p, s.begin, s.end);
    if constexpr (STEP == 2)
        return alternate(part(p, 2 * s.begin, 2 * s.end - 1), part(p + V - 1, 2 * s.begin - V + 1, 2 * s.end - V));
#endif
#endif
    alignas(64) float values[V] = {};
    for (int l = s.begin; l < s.end; ++l) values[l] = p[l * step];
    return load(values);
}

// For each vector of a row and each tap along x: the lanes that meet a pixel. Offsets are from the start of a row.
struct RowSpans {
    i64 vectors, taps, step;
    const Span* spans;
};

// Places x = 0 ... cols - 1 meet the pixels x * step + offset[tap] of a row of `width`.
inline RowSpans row_spans(i64 cols, i64 width, i64 step, i64 taps, const i64* offset, Span* all = nullptr) {
    const i64 vectors = ceil_div(cols, V);
    if (all == nullptr) all = space<Span>(kSlotTaps, max(1, vectors * taps));
    for (i64 v = 0; v < vectors; ++v)
        for (i64 t = 0; t < taps; ++t) {
            const i64 x = v * V * step + offset[t], count = min(V, cols - v * V);
            const i64 first = x >= 0 ? 0 : ceil_div(-x, step);
            const i64 last = x >= width ? 0 : min(count, (width - 1 - x) / step + 1);
            all[v * taps + t] = Span(x, first, last);
        }
    return {vectors, taps, step, all};
}

// Panels of places [j, j + cols); the depths are (channel, tap) from `at` on.
inline void pack_places(const Panels& to, const float* from, const Grid& g, i64 j, i64 cols, i64 at, i64 depth) {
    for (i64 panel = 0; panel < cols; panel += NR) {
        const i64 wide = min(NR, cols - panel) > V ? NR : V;
        for (i64 half = 0; half < wide; half += V) {
            float* q = to.row(panel, 0, wide) + half;
            Run runs[V];
            const int count = find_runs(g, j + panel + half, min(V, cols - panel - half), runs);
            for (i64 tap = 0; tap < g.taps; ++tap) {
                Lanes lanes;
                find_lanes(g, runs, count, g.tap[tap], lanes);
                const i64 first = at <= tap ? 0 : ceil_div(at - tap, g.taps);
                const i64 last = at + depth <= tap ? 0 : ceil_div(at + depth - tap, g.taps);
                const float* p = from + first * g.plane();
                float* row = q + (first * g.taps + tap - at) * wide;
                for (i64 c = first; c < last; ++c, p += g.plane(), row += g.taps * wide) {
                    store(row, fetch(p, lanes));
                    ask_ahead(p, lanes);
                }
            }
        }
    }
}

// Panels whose columns are (channel, tap) from j on, at the places [at, at + depth).
inline void pack_taps(const Panels& to, const float* from, const Grid& g, i64 j, i64 cols, i64 at, i64 depth, Lanes* lanes) {
    const i64 rest = cols % NR, narrow = rest > 0 && rest <= V ? cols - rest : cols;
    for (i64 k = 0; k < depth; k += V) {
        const i64 deep = min(V, depth - k);
        Run runs[V];
        const int count = find_runs(g, at + k, deep, runs);
        for (i64 tap = 0; tap < g.taps; ++tap) find_lanes(g, runs, count, g.tap[tap], lanes[tap]);
        i64 tap = j % g.taps;
        const float* p = from + j / g.taps * g.plane();
        for (i64 column = 0; column < cols; column += V) {
            vf block[V];
            for (i64 r = 0; r < V; ++r) {
                if (column + r >= cols) {
                    block[r] = vf{};
                    continue;
                }
                block[r] = fetch(p, lanes[tap]);
                ask_ahead(p, lanes[tap]);
                if (++tap == g.taps) tap = 0, p += g.plane();
            }
            transpose(block);
            const i64 panel = column / NR * NR, wide = panel < narrow ? NR : V;
            float* q = to.row(panel, k, wide) + (column - panel);
            for (i64 l = 0; l < deep; ++l) store(q + l * wide, block[l]);
        }
    }
}

}  // namespace
}  // namespace cortado
