// The columns of pixels that a convolution's taps meet, one row per channel and tap; and their sums, back in the image.
#pragma once

#include "math.hpp"
#include "window.hpp"

namespace cortado {
namespace {

// The columns are the image.
inline bool is_pointwise(const ConvShape& s) {
    return s.kernel_h == 1 && s.kernel_w == 1 && s.stride_h == 1 && s.stride_w == 1 && s.pad_h == 0 && s.pad_w == 0;
}

inline void copy_all(i64 n, const float* from, float* to) {
    constexpr i64 kPiece = 32768;
    parallel(ceil_div(n, kPiece), [&](i64 piece) {
        const i64 start = piece * kPiece;
        memcpy(to + start, from + start, static_cast<size_t>(min(kPiece, n - start)) * sizeof(float));
    });
}

// body(first, last) for ranges of the planes, one per channel of every image, on all threads.
template <class Body>
inline void over_column_planes(const ConvShape& s, const Body& body) {
    const i64 planes = s.images * s.channels, columns = s.kernel_h * s.kernel_w * s.out_h * s.out_w;
    const i64 together = max(1, 16384 / max(1, columns));
    parallel(ceil_div(planes, together), [&](i64 task) { body(task * together, min(planes, (task + 1) * together)); });
}

// A row of pixels with its padding, split into those phases of the stride that taps meet: 0, s, 2 s ... then 1, s + 1 ...
// So what a tap meets at one place after the other are neighbours, from at[tap] on.
struct SplitRow {
    i64 phases = 0, length = 0, at[kMaxTaps], phase[kMaxTaps];

    explicit SplitRow(const ConvShape& s) {
        length = max(s.out_w + (s.kernel_w - 1) * s.dilation_w / s.stride_w, (s.pad_w + s.width) / s.stride_w + 1) + 2 * V;
        for (i64 t = 0; t < s.kernel_w; ++t) {
            const i64 x = t * s.dilation_w;
            i64 known = 0;
            while (known < phases && phase[known] != x % s.stride_w) ++known;
            if (known == phases) phase[phases++] = x % s.stride_w;
            at[t] = known * length + x / s.stride_w;
        }
    }
    i64 floats() const { return phases * length; }

    // From pixels to a row that is 0 elsewhere.
    void split(const ConvShape& s, const float* from, float* to) const {
        const i64 step = s.stride_w;
        for (i64 p = 0; p < phases; ++p) {
            const i64 i = phase[p] < s.pad_w ? ceil_div(s.pad_w - phase[p], step) : 0, x = phase[p] - s.pad_w + i * step;
            const i64 count = x < s.width ? (s.width - x - 1) / step + 1 : 0;
            const float* q = from + x;
            float* r = to + p * length + i;
            i64 k = 0;
            if (step == 1) along(count, [&](i64 j, auto l) { put(r + j, get(q + j, l), l); });
            else if (step == 2) {
                for (; x + 2 * (k + V) <= s.width; k += V) store(r + k, load_alternate(q + 2 * k));
                if (k == count) continue;
                const i64 rest = s.width - x - 2 * k;
                const vf a = load_part(q + 2 * k, min(V, rest));
                const vf b = load_part(q + 2 * k + V - 1, max(0, rest - V + 1));
                store_part(r + k, alternate(a, b), count - k);
            } else {
                for (; k < count; ++k) r[k] = q[k * step];
            }
        }
    }
};

void im2col(const ConvShape& s, const float* x, float* col) {
    const i64 taps = s.kernel_h * s.kernel_w, area = s.out_h * s.out_w, size = s.height * s.width;
    if (is_pointwise(s)) return copy_all(s.images * s.channels * size, x, col);
    const SplitRow across(s);
    const i64 row = across.floats();
    over_column_planes(s, [&](i64 first, i64 last) {
        // The rows of a plane that are met, and one of padding.
        float* rows = space<float>(kSlotA, (s.height + 1) * row);
        memset(rows, 0, static_cast<size_t>((s.height + 1) * row) * sizeof(float));
        i64* split = space<i64>(kSlotB, s.height + 1);
        for (i64 y = 0; y < s.height; ++y) split[y] = -1;
        float *to = col + first * taps * area, *end = col + last * taps * area;
        for (i64 p = first; p < last; ++p) {
            split[s.height] = p;
            for (i64 t = 0; t < taps; ++t) {
                const i64 top = t / s.kernel_w * s.dilation_h - s.pad_h;
                const float* line = rows + across.at[t % s.kernel_w];
                for (i64 oy = 0; oy < s.out_h; ++oy, to += s.out_w) {
                    i64 y = top + oy * s.stride_h;
                    if (y < 0 || y >= s.height) y = s.height;
                    if (split[y] != p) across.split(s, x + p * size + y * s.width, rows + y * row), split[y] = p;
                    const float* from = line + y * row;
                    // What a store writes too far is overwritten by the next.
                    i64 i = 0;
                    for (; i < s.out_w && end - (to + i) >= V; i += V) store(to + i, load(from + i));
                    for (; i < s.out_w; i += V) store_part(to + i, load(from + i), min(V, s.out_w - i));
                }
            }
        }
    });
}

// The pixels of a row that lie a stride apart meet the same taps: which, and where in a row of places each begins.
struct PixelPhase {
    RowSpans across;
    i64 at[kMaxTaps];
};

inline i64 pixel_phases(const ConvShape& s, PixelPhase* phases) {
    const i64 count = min(s.stride_w, s.width), vectors = ceil_div(ceil_div(s.width, s.stride_w), V);
    Span* spans = space<Span>(kSlotTaps, count * s.kernel_w * vectors);
    for (i64 r = 0; r < count; ++r) {
        PixelPhase& phase = phases[r];
        i64 taps = 0, offset[kMaxTaps];
        for (i64 t = 0; t < s.kernel_w; ++t) {
            const i64 x = r + s.pad_w - t * s.dilation_w;
            if (x % s.stride_w == 0) offset[taps] = x / s.stride_w, phase.at[taps++] = t;
        }
        phase.across = row_spans((s.width - r - 1) / s.stride_w + 1, s.out_w, 1, taps, offset, spans);
        spans += vectors * taps;
    }
    return count;
}

void col2im(const ConvShape& s, const float* col, float* x) {
    const i64 taps = s.kernel_h * s.kernel_w, area = s.out_h * s.out_w, size = s.height * s.width;
    if (is_pointwise(s)) return copy_all(s.images * s.channels * size, col, x);
    PixelPhase* phases = space<PixelPhase>(kSlotRow, min(s.stride_w, s.width));
    const i64 count = pixel_phases(s, phases), pitch = round_up(ceil_div(s.width, s.stride_w), V);
    // Masked loads do not wake the prefetcher: the same place of the next plane, or of the row after next.
    const i64 ahead = taps * area <= 16384 ? taps * area : 2 * s.out_w;
    over_column_planes(s, [&](i64 first, i64 last) {
        float* lines = space<float>(kSlotA, count * pitch);
        i64* rows = space<i64>(kSlotB, s.kernel_h);
        for (i64 p = first; p < last; ++p)
            for (i64 y = 0; y < s.height; ++y) {
                // Rows of places that meet this row of pixels, one per row of taps.
                i64 found = 0;
                for (i64 t = 0; t < s.kernel_h; ++t) {
                    const i64 up = y + s.pad_h - t * s.dilation_h;
                    if (up < 0 || up % s.stride_h != 0 || up / s.stride_h >= s.out_h) continue;
                    rows[found++] = (p * taps + t * s.kernel_w) * area + up / s.stride_h * s.out_w;
                }
                float* to = x + p * size + y * s.width;
                for (i64 r = 0; r < count; ++r) {
                    const PixelPhase& phase = phases[r];
                    const RowSpans& across = phase.across;
                    for (i64 v = 0; v < across.vectors; ++v) {
                        vf sum = {};
                        for (i64 row = 0; row < found; ++row)
                            for (i64 t = 0; t < across.taps; ++t) {
                                const float* line = col + rows[row] + phase.at[t] * area;
                                __builtin_prefetch(line + v * V + ahead);
                                sum += fetch_span<1>(line, across.spans[v * across.taps + t], 1);
                            }
                        if (s.stride_w > 1) store(lines + r * pitch + v * V, sum);
                        else store_part(to + v * V, sum, min(V, s.width - v * V));
                    }
                }
                if (s.stride_w == 1) continue;
                if (s.stride_w == 2) {
                    for (i64 i = 0; i < s.width; i += 2 * V) {
                        const i64 rest = s.width - i;
                        alignas(64) float both[2 * V];
                        float* pixels = rest >= 2 * V ? to + i : both;
                        store_in_turn(pixels, load(lines + i / 2), load(lines + (count - 1) * pitch + i / 2));
                        if (rest >= 2 * V) continue;
                        store_part(to + i, load(both), min(V, rest));
                        if (rest > V) store_part(to + i + V, load(both + V), rest - V);
                    }
                    continue;
                }
                for (i64 r = 0; r < count; ++r)
                    for (i64 k = 0; k * s.stride_w + r < s.width; ++k) to[k * s.stride_w + r] = lines[r * pitch + k];
            }
    });
}

}  // namespace
}  // namespace cortado
