// Convolution from shifted rows, for few channels or narrow images.
//
// Each row of an image is copied once per column of the window, shifted so that it begins where that column meets the
// first place: row r of copy j holds x[r][place * stride + j - pad] for all places, without gaps to the next row. The
// pixels that a tap meets at places p, p + 1, ... then lie one after the other, over the ends of rows and whatever the
// stride, and a product reads them where they are: the copy is as many times the image as the window has columns
// (over the stride), where packing takes it as many times as the window has taps.
#pragma once

#include "conv.hpp"

namespace cortado {
namespace {

// The copies of one channel for some rows of places, and where the taps read in them.
struct Shifts {
    i64 cols, first_row, rows;   // places per row; the first row of places and how many
    i64 step_y, pad_y;           // of the window over the rows of the image
    i64 height, width;           // of the image
    i64 phases, lines, copies;   // copies of `lines` rows each, one per phase of the rows and column of the window
    i64 copy, plane;             // floats from copy to copy and channel to channel
    i64 taps;
    RowSpans across;
    const i64* offset;           // of each tap

    i64 places() const { return rows * cols; }
};

// How the window moves, in its own terms: the way back to the data turns it around.
struct Window {
    i64 height, width, out_h, out_w, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
};

inline Window forward_window(const ConvShape& s) {
    return {s.height, s.width, s.out_h, s.out_w, s.kernel_h, s.kernel_w, s.stride_h, s.stride_w, s.pad_h, s.pad_w,
            s.dilation_h, s.dilation_w};
}

// Without stride only: dx is a convolution of dy with the turned filters.
inline Window backward_window(const ConvShape& s) {
    return {s.out_h, s.out_w, s.height, s.width, s.kernel_h, s.kernel_w, 1, 1, s.dilation_h * (s.kernel_h - 1) - s.pad_h,
            s.dilation_w * (s.kernel_w - 1) - s.pad_w, s.dilation_h, s.dilation_w};
}

// Rows of the image that each row of places needs beyond its own, per phase.
inline i64 halo_of(const Window& w) { return (w.kernel_h - 1) * w.dilation_h / w.stride_h; }

// The copies for up to `rows` rows of places; tables in workspace memory of the caller.
inline Shifts shifts_for(const Window& w, i64 rows) {
    Shifts s{};
    s.cols = w.out_w, s.rows = rows, s.step_y = w.stride_h, s.pad_y = w.pad_h, s.height = w.height, s.width = w.width;
    s.phases = min(w.stride_h, (w.kernel_h - 1) * w.dilation_h + 1);
    s.lines = rows + halo_of(w);
    s.copies = s.phases * w.kernel_w;
    s.copy = round_up(s.lines * w.out_w, V);
    s.plane = s.copies * s.copy;
    s.taps = w.kernel_h * w.kernel_w;
    i64* right = space<i64>(kSlotRow, w.kernel_w + s.taps);
    for (i64 j = 0; j < w.kernel_w; ++j) right[j] = j * w.dilation_w - w.pad_w;
    s.across = row_spans(w.out_w, w.width, w.stride_w, w.kernel_w, right);
    i64* offset = right + w.kernel_w;
    for (i64 t = 0; t < s.taps; ++t) {
        const i64 y = t / w.kernel_w * w.dilation_h, phase = y % w.stride_h;
        offset[t] = (phase * w.kernel_w + t % w.kernel_w) * s.copy + y / w.stride_h * w.out_w;
    }
    s.offset = offset;
    return s;
}

// Copies one channel. Whole vectors are stored: what one row writes too far, the next one overwrites.
template <int STEP>
void shift_rows(const Shifts& s, const float* x, float* to) {
    for (i64 c = 0; c < s.copies; ++c) {
        const i64 phase = c / s.across.taps, tap = c % s.across.taps;
        float* line = to + c * s.copy;
        for (i64 r = 0; r < s.lines; ++r, line += s.cols) {
            const i64 y = (s.first_row + r) * s.step_y + phase - s.pad_y;
            const bool inside = y >= 0 && y < s.height;
            for (i64 v = 0; v < s.across.vectors; ++v) {
                const Span& span = s.across.spans[v * s.across.taps + tap];
                store(line + v * V, inside ? fetch_span<STEP>(x + y * s.width, span, s.across.step) : vf{});
            }
        }
        // What lies between the last row and the next copy is read, though not used: it must be a number.
        for (i64 i = s.lines * s.cols; i < s.copy; ++i) to[c * s.copy + i] = 0;
    }
}

using ShiftRows = void (*)(const Shifts&, const float*, float*);

inline ShiftRows shift_rows_for(i64 step) {
    return step == 1 ? shift_rows<1> : step == 2 ? shift_rows<2> : step == 4 ? shift_rows<4> : shift_rows<0>;
}

// A buffer for the copies of so many channels, and what is read beyond them.
inline float* space_for_copies(int slot, i64 floats) {
    float* to = space<float>(slot, floats + 2 * NR);
    for (i64 i = 0; i < 2 * NR; ++i) to[floats + i] = 0;
    return to;
}

}  // namespace
}  // namespace cortado
