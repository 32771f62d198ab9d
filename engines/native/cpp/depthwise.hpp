// Convolution with one input channel per group: too little work for a matrix product. V pixels of a row at a time, one
// tap of the window after the other, straight from the plane.
#pragma once

#include "depthwise_halved.hpp"

namespace cortado {
namespace {

inline bool is_depthwise(const ConvShape& s) { return s.groups > 1 && s.channels == s.groups; }

struct Plane {
    const float* pixels;
    i64 height, width;
};

// Masked loads do not wake the prefetcher: asks for the pixels of one vector in some rows further down.
inline void ask_for(const Plane& x, i64 row, i64 rows, i64 column, i64 step) {
    for (i64 i = 0; i < rows; ++i) prefetch(x.pixels + (row - i) * x.width + column, V * step);
}

// Rows down[i] below row * step_y, as far as they are in the plane: body(i, pointer to it).
template <int TAPS, class Body>
inline void over_rows(const Plane& plane, i64 top, i64 taps, const i64* down, const Body& body) {
    const i64 count = TAPS > 0 ? TAPS : taps;
#pragma GCC unroll 5
    for (i64 i = 0; i < count; ++i) {
        const i64 from = top + down[i];
        if (from >= 0 && from < plane.height) body(i, plane.pixels + from * plane.width);
    }
}

// y[row] = bias + sum over the taps of w[i, j] * x[row * step_y + down[i]][...]. TAPS: of a square window, 0: any.
template <int TAPS, int STEP>
void slide(const Plane& x, const float* w, float bias, float* y, i64 rows, i64 cols, i64 step_y, i64 taps_y,
           const i64* down, const RowSpans& across) {
    const i64 taps = TAPS > 0 ? TAPS : across.taps;
    for (i64 row = 0; row < rows; ++row) {
        for (i64 v = 0; v < across.vectors; ++v) {
            const Span* spans = across.spans + v * taps;
            const i64 count = min(V, cols - v * V);
            if (taps_y > 0) ask_for(x, (row + 2) * step_y + down[taps_y - 1], step_y, v * V * across.step, across.step);
            vf sum = splat(bias), other = {};
            over_rows<TAPS>(x, row * step_y, taps_y, down, [&](i64 i, const float* p) {
#pragma GCC unroll 5
                for (i64 j = 0; j < taps; ++j) {
                    const vf term = splat(w[i * taps + j]) * fetch_span<STEP>(p, spans[j], across.step);
                    if (j & 1) other += term;
                    else sum += term;
                }
            });
            store_part(y + row * cols + v * V, sum + other, count);
        }
    }
}

// The rows [begin, end) that meet only rows inside the plane, a multiple of `together`; none if the window is dilated.
struct Rows {
    i64 begin = 0, end = 0;

    Rows(const Plane& x, i64 rows, i64 step_y, i64 step, i64 together, const i64* down) {
        if (step_y != step || down[1] != down[0] + 1 || down[2] != down[0] + 2 || x.height < 3) return;
        begin = min(rows, max(0, ceil_div(-down[0], step)));
        const i64 last = max(begin, min(rows, (x.height - 3 - down[0]) / step + 1));
        end = begin + (last - begin) / together * together;
    }
};

// One vector of pixels for one tap. EDGE: some lanes lie outside the plane.
template <int STEP, bool EDGE>
inline vf fetch_tap(const float* p, const Span& span) {
    vf v;
    if constexpr (EDGE) v = fetch_span<STEP>(p, span, STEP);
    else if constexpr (STEP == 1) v = load(p + span.offset);
    else v = load_alternate(p + span.offset);
    hold(v);
    return v;
}

// Whether no lane of the three taps lies outside the plane, nor what is read beside them.
template <int STEP>
inline bool is_inside(const Plane& x, const Span* spans) {
    return spans[0].offset >= 0 && spans[2].begin == 0 && spans[2].end == V && spans[2].offset + STEP * V <= x.width;
}

// A column of y, one vector wide: every row of x is read once and added to the rows of y that it meets, three of which are
// under way at a time (two with STEP 2). Rows of y begin at row `top` of x.
template <int STEP>
inline void slide_column(const Plane& x, const float* w, float bias, float* y, i64 rows, i64 cols, i64 top, i64 count,
                         const Span* spans) {
    vf weight[3][3];
    for (int t = 0; t < 9; ++t) weight[t / 3][t % 3] = splat(w[t]);
    const vf start = splat(bias);
    vf pixel[3];
    const auto read = [&](i64 m) {
        const i64 row = top + m;
        if (row < 0 || row >= x.height) return false;
        for (int j = 0; j < 3; ++j) pixel[j] = fetch_tap<STEP, true>(x.pixels + row * x.width, spans[j]);
        return true;
    };
    const auto add = [&](vf& sum, int i) {
        for (int j = 0; j < 3; ++j) sum += weight[i][j] * pixel[j];
    };
    const auto write = [&](i64 row, vf sum) {
        if (count >= V) store(y + row * cols, sum);
        else store_part(y + row * cols, sum, count);
    };
    vf next = start, after = start;
    if (read(0)) add(next, 0);
    if (STEP == 1 && read(1)) add(next, 1), add(after, 0);
    for (i64 row = 0; row < rows; ++row) {
        vf sum = next;
        if (STEP == 1) next = after, after = start;
        else next = start;
        if (STEP == 2 && read(2 * row + 1)) add(sum, 1);
        if (read(row * STEP + 2)) {
            add(sum, 2);
            if (STEP == 1) add(next, 1), add(after, 0);
            else add(next, 0);
        }
        write(row, sum);
    }
}

// ROWS rows of y at a time, which share the rows of x that they meet: all of them inside the plane.
template <int STEP, int ROWS, bool EDGE>
inline void slide_block(const float* p, i64 width, const vf (&weight)[3][3], vf start, float* y, i64 cols, i64 count,
                        const Span* spans) {
    constexpr int MET = (ROWS - 1) * STEP + 3;
    vf sum[ROWS];
#pragma GCC unroll 4
    for (int r = 0; r < ROWS; ++r) sum[r] = start;
#pragma GCC unroll 8
    for (int m = 0; m < MET; ++m) {
        vf pixel[3];
#pragma GCC unroll 3
        for (int j = 0; j < 3; ++j) pixel[j] = fetch_tap<STEP, EDGE>(p + m * width, spans[j]);
#pragma GCC unroll 4
        for (int r = 0; r < ROWS; ++r) {
            const int i = m - r * STEP;
            if (i < 0 || i > 2) continue;
#pragma GCC unroll 3
            for (int j = 0; j < 3; ++j) sum[r] += weight[i][j] * pixel[j];
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < ROWS; ++r) {
        if (!EDGE || count >= V) store(y + r * cols, sum[r]);
        else store_part(y + r * cols, sum[r], count);
    }
}

// The same as `slide` for a window of 3 x 3, unless it is dilated.
template <int STEP>
void slide_three(const Plane& x, const float* w, float bias, float* y, i64 rows, i64 cols, i64 step_y, i64 taps_y,
                 const i64* down, const RowSpans& across) {
    if (step_y != STEP || down[1] != down[0] + 1 || down[2] != down[0] + 2)
        return slide<3, STEP>(x, w, bias, y, rows, cols, step_y, taps_y, down, across);
    const i64 top = down[0];
    const auto in_columns = [&](i64 first, i64 last) {
        for (i64 v = 0; v < across.vectors && first < last; ++v)
            slide_column<STEP>(x, w, bias, y + first * cols + v * V, last - first, cols, top + first * STEP,
                               min(V, cols - v * V), across.spans + v * 3);
    };
    if (across.vectors == 1) return in_columns(0, rows);
    constexpr int ROWS = STEP == 1 ? 4 : 2;
    const Rows inside(x, rows, step_y, STEP, ROWS, down);
    in_columns(0, inside.begin);
    vf weight[3][3];
    for (int t = 0; t < 9; ++t) weight[t / 3][t % 3] = splat(w[t]);
    for (i64 row = inside.begin; row < inside.end; row += ROWS) {
        const float* p = x.pixels + (row * STEP + top) * x.width;
        for (i64 v = 0; v < across.vectors; ++v) {
            const Span* spans = across.spans + v * 3;
            const i64 count = min(V, cols - v * V);
            float* to = y + row * cols + v * V;
            ask_for(x, (row + ROWS) * STEP + down[2], ROWS * STEP, v * V * STEP, STEP);
            if (is_inside<STEP>(x, spans))
                slide_block<STEP, ROWS, false>(p, x.width, weight, splat(bias), to, cols, count, spans);
            else slide_block<STEP, ROWS, true>(p, x.width, weight, splat(bias), to, cols, count, spans);
        }
    }
    in_columns(inside.end, rows);
}

using Slide = void (*)(const Plane&, const float*, float, float*, i64, i64, i64, i64, const i64*, const RowSpans&);

inline Slide slide_for(i64 taps_y, i64 taps_x, i64 step) {
    if (taps_y == 3 && taps_x == 3) return step == 1 ? slide_three<1> : step == 2 ? slide_three<2> : slide<3, 0>;
    if (taps_y == 5 && taps_x == 5) return step == 1 ? slide<5, 1> : step == 2 ? slide<5, 2> : slide<5, 0>;
    return step == 1 ? slide<0, 1> : step == 2 ? slide<0, 2> : slide<0, 0>;
}

// sums[i, j] += the products of dy and the pixels that tap (i, j) meets.
template <int TAPS, int STEP>
void correlate(const Plane& x, const float* dy, vf* sums, i64 rows, i64 cols, i64 step_y, i64 taps_y, const i64* down,
               const RowSpans& across) {
    const i64 taps = TAPS > 0 ? TAPS : across.taps;
    vf local[TAPS > 0 ? TAPS * TAPS : 1] = {};
    vf* to = TAPS > 0 ? local : sums;
    for (i64 row = 0; row < rows; ++row)
        for (i64 v = 0; v < across.vectors; ++v) {
            const Span* spans = across.spans + v * taps;
            const vf g = load_part(dy + row * cols + v * V, min(V, cols - v * V));
            if (taps_y > 0) ask_for(x, (row + 2) * step_y + down[taps_y - 1], step_y, v * V * across.step, across.step);
            prefetch(dy + (row + 4) * cols + v * V, V);
            over_rows<TAPS>(x, row * step_y, taps_y, down, [&](i64 i, const float* p) {
#pragma GCC unroll 5
                for (i64 j = 0; j < taps; ++j) to[i * taps + j] += g * fetch_span<STEP>(p, spans[j], across.step);
            });
        }
    for (i64 t = 0; TAPS > 0 && t < TAPS * TAPS; ++t) sums[t] += local[t];
}

// The same for a 3 x 3 window without vertical dilation: ROWS rows of dy at a time share the rows of x that they meet.
template <int STEP>
void correlate_three(const Plane& x, const float* dy, vf* sums, i64 rows, i64 cols, i64 step_y, i64 taps_y,
                     const i64* down, const RowSpans& across) {
    constexpr int ROWS = STEP == 1 ? 4 : 2, MET = (ROWS - 1) * STEP + 3;
    const Rows inside(x, rows, step_y, STEP, ROWS, down);
    correlate<3, STEP>(x, dy, sums, inside.begin, cols, step_y, taps_y, down, across);
    vf acc[3][3] = {};
    for (i64 row = inside.begin; row < inside.end; row += ROWS) {
        const float* p = x.pixels + (row * STEP + down[0]) * x.width;
        for (i64 v = 0; v < across.vectors; ++v) {
            const Span* spans = across.spans + v * 3;
            const i64 count = min(V, cols - v * V);
            ask_for(x, (row + ROWS) * STEP + down[2], ROWS * STEP, v * V * STEP, STEP);
            vf g[ROWS];
#pragma GCC unroll 4
            for (int r = 0; r < ROWS; ++r) g[r] = load_part(dy + (row + r) * cols + v * V, count);
#pragma GCC unroll 8
            for (int m = 0; m < MET; ++m) {
                vf pixel[3];
#pragma GCC unroll 3
                for (int j = 0; j < 3; ++j) pixel[j] = fetch_span<STEP>(p + m * x.width, spans[j], STEP);
#pragma GCC unroll 4
                for (int r = 0; r < ROWS; ++r) {
                    const int i = m - r * STEP;
                    if (i < 0 || i > 2) continue;
#pragma GCC unroll 3
                    for (int j = 0; j < 3; ++j) acc[i][j] += g[r] * pixel[j];
                }
            }
        }
    }
    for (int t = 0; t < 9; ++t) sums[t] += acc[t / 3][t % 3];
    const i64 end = inside.end, below[3] = {down[0] + end * step_y, down[1] + end * step_y, down[2] + end * step_y};
    correlate<3, STEP>(x, dy + end * cols, sums, rows - end, cols, step_y, taps_y, below, across);
}

using Correlate = void (*)(const Plane&, const float*, vf*, i64, i64, i64, i64, const i64*, const RowSpans&);

inline Correlate correlate_for(i64 taps_y, i64 taps_x, i64 step) {
    if (taps_y == 3 && taps_x == 3) return step == 1 ? correlate_three<1> : step == 2 ? correlate_three<2> : correlate<3, 0>;
    return step == 1 ? correlate<0, 1> : step == 2 ? correlate<0, 2> : correlate<0, 0>;
}

inline void tap_offsets(i64* to, i64 taps, i64 dilation, i64 pad) {
    for (i64 t = 0; t < taps; ++t) to[t] = t * dilation - pad;
}

// One finished plane: added to what was there, rectified.
inline void finish_plane(float* y, const float* before, i64 count, const Fusion& fused) {
    i64 i = 0;
    if (!fused.add && fused.slope == 0)
        for (; i + V <= count; i += V) store(y + i, positive(load(y + i)));
    for (; i < count; i += V) {
        const i64 part = min(V, count - i);
        vf v = load_part(y + i, part);
        if (fused.add) v += load_part(before + i, part);
        if (fused.rectify) v = rectified(v, fused.slope);
        store_part(y + i, v, part);
    }
}

void depthwise_forward(const ConvShape& s, const float* x, const float* w, const float* bias, float* y,
                       const Fusion& fused) {
    const i64 each = s.outputs / s.groups, taps = s.kernel_h * s.kernel_w;
    i64 down[kMaxTaps], right[kMaxTaps];
    tap_offsets(down, s.kernel_h, s.dilation_h, s.pad_h);
    tap_offsets(right, s.kernel_w, s.dilation_w, s.pad_w);
    const RowSpans across = row_spans(s.out_w, s.width, s.stride_w, s.kernel_w, right);
    const Slide kernel = slide_for(s.kernel_h, s.kernel_w, s.stride_w);
    const i64 planes = s.images * s.outputs, together = max(1, 4096 / max(1, s.out_h * s.out_w));
    parallel(ceil_div(planes, together), [&](i64 group) {
        for (i64 p = group * together; p < min(planes, (group + 1) * together); ++p) {
            const i64 n = p / s.outputs, o = p % s.outputs;
            const Plane plane{x + (n * s.channels + o / each) * s.height * s.width, s.height, s.width};
            const i64 area = s.out_h * s.out_w;
            float* to = y + n * fused.image_size + o * area;
            const float* before = nullptr;
            if (fused.add)
                before = static_cast<float*>(memcpy(space<float>(kSlotA, area), to, static_cast<size_t>(area) * sizeof(float)));
            kernel(plane, w + o * taps, bias == nullptr ? 0 : bias[o], to, s.out_h, s.out_w, s.stride_h, s.kernel_h,
                   down, across);
            if (fused.add || fused.rectify) finish_plane(to, before, area, fused);
        }
    });
}

// The pixels of one residue by the stride meet the same taps: a small convolution of dy each.
struct Phase {
    Residue down, right;
    RowSpans across;
    Slide kernel;
};

// One plane of dx: each residue is computed on its own and laid out between the others.
inline void depthwise_gradient(const ConvShape& s, const Phase* phases, const float* dy, const float* w, bool add,
                               float* dx) {
    float* weights = space<float>(kSlotB, s.kernel_h * s.kernel_w);
    for (i64 r = 0; r < s.stride_h * s.stride_w; ++r) {
        const Phase& phase = phases[r];
        const Residue &down = phase.down, &right = phase.right;
        if (down.count == 0 || right.count == 0) continue;
        for (i64 i = 0; i < down.taps; ++i)
            for (i64 j = 0; j < right.taps; ++j)
                weights[i * right.taps + j] = w[down.tap[i] * s.kernel_w + right.tap[j]];
        const bool dense = s.stride_h == 1 && s.stride_w == 1 && !add;
        float* part = dense ? dx : space<float>(kSlotA, down.count * right.count);
        phase.kernel({dy, s.out_h, s.out_w}, weights, 0, part, down.count, right.count, 1, down.taps, down.offset,
                     phase.across);
        for (i64 y = 0; !dense && y < down.count; ++y) {
            float* row = dx + (down.first + y * s.stride_h) * s.width + right.first;
            const float* values = part + y * right.count;
            if (add)
                for (i64 u = 0; u < right.count; ++u) row[u * s.stride_w] += values[u];
            else
                for (i64 u = 0; u < right.count; ++u) row[u * s.stride_w] = values[u];
        }
    }
}

void depthwise_backward_data(const ConvShape& s, const float* dy, const float* w, float* dx) {
    if (is_halved(s)) return halved_backward_data(s, dy, w, dx);
    const i64 each = s.outputs / s.groups, taps = s.kernel_h * s.kernel_w;
    const i64 planes = s.images * s.channels, together = max(1, 4096 / max(1, s.height * s.width));
    Phase* phases = space<Phase>(kSlotPhases, s.stride_h * s.stride_w);
    const i64 most = (ceil_div(ceil_div(s.width, s.stride_w), V) + 1) * s.kernel_w;
    Span* spans = space<Span>(kSlotTaps, s.stride_h * s.stride_w * most);
    for (i64 r = 0; r < s.stride_h * s.stride_w; ++r) {
        Phase& phase = phases[r];
        phase.down = Residue(r / s.stride_w, s.height, s.kernel_h, s.stride_h, s.pad_h, s.dilation_h);
        phase.right = Residue(r % s.stride_w, s.width, s.kernel_w, s.stride_w, s.pad_w, s.dilation_w);
        phase.across = row_spans(phase.right.count, s.out_w, 1, phase.right.taps, phase.right.offset, spans + r * most);
        phase.kernel = slide_for(phase.down.taps, phase.right.taps, 1);
    }
    parallel(ceil_div(planes, together), [&](i64 group) {
        for (i64 p = group * together; p < min(planes, (group + 1) * together); ++p)
            for (i64 e = 0; e < each; ++e) {
                const i64 o = p % s.channels * each + e;
                depthwise_gradient(s, phases, dy + (p / s.channels * s.outputs + o) * s.out_h * s.out_w, w + o * taps,
                                   e > 0, dx + p * s.height * s.width);
            }
    });
}

void depthwise_backward_weights(const ConvShape& s, const float* x, const float* dy, float* dw) {
    const i64 each = s.outputs / s.groups, taps = s.kernel_h * s.kernel_w, area = s.out_h * s.out_w;
    i64 down[kMaxTaps], right[kMaxTaps];
    tap_offsets(down, s.kernel_h, s.dilation_h, s.pad_h);
    tap_offsets(right, s.kernel_w, s.dilation_w, s.pad_w);
    const RowSpans across = row_spans(s.out_w, s.width, s.stride_w, s.kernel_w, right);
    const Correlate kernel = correlate_for(s.kernel_h, s.kernel_w, s.stride_w);
    const i64 together = max(1, 4096 / max(1, area * s.images));
    parallel(ceil_div(s.outputs, together), [&](i64 group) {
        vf* sums = space<vf>(kSlotA, taps);
        for (i64 o = group * together; o < min(s.outputs, (group + 1) * together); ++o) {
            for (i64 t = 0; t < taps; ++t) sums[t] = vf{};
            for (i64 n = 0; n < s.images; ++n) {
                const float* plane = x + (n * s.channels + o / each) * s.height * s.width;
                const float* gradient = dy + (n * s.outputs + o) * area;
                kernel({plane, s.height, s.width}, gradient, sums, s.out_h, s.out_w, s.stride_h, s.kernel_h, down,
                       across);
            }
            for (i64 t = 0; t < taps; ++t) dw[o * taps + t] += sum_of(sums[t]);
        }
    });
}

}  // namespace
}  // namespace cortado
