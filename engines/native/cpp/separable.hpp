// A depthwise convolution followed by one with a 1 x 1 window, whose panels of columns are computed where they are packed:
// what lies between the two is never stored as an image.
#pragma once

#include "conv.hpp"
#include "depthwise.hpp"

namespace cortado {
namespace {

struct Separable final : ConvForward {
    ConvShape s;               // of the depthwise convolution, one output per channel
    const float* x;
    const float* depthwise_w;
    const float* depthwise_bias;
    Fusion between;            // whether, and how, the depthwise convolution is rectified
    Slide kernel;
    RowSpans across;
    i64 down[kMaxTaps];

    // Whole rows of places; the last vector may not be full, and rows at the edge are read for two tasks.
    i64 together(i64, i64 most) const override {
        const i64 rows = evenly(s.images * s.out_h, 1, max(1, most / s.out_w),
                                [&](i64 count) { return round_up(count * s.out_w, V) + s.out_w / 2; });
        return rows * s.out_w;
    }

    void pack_b(const Panels& panels, i64 j, i64 cols, i64 at, i64 depth) const override {
        const i64 first = j / s.out_w, last = ceil_div(j + cols, s.out_w), skip = j - first * s.out_w;
        float* line = space<float>(kSlotA, (last - first) * s.out_w + 2 * NR);
        for (i64 c = at; c < at + depth; ++c) {
            for (i64 row = first; row < last;) {
                const i64 image = row / s.out_h, y = row % s.out_h, rows = min(last - row, s.out_h - y);
                i64 reach[kMaxTaps];
                for (i64 t = 0; t < s.kernel_h; ++t) reach[t] = down[t] + y * s.stride_h;
                const Plane plane{x + (image * s.channels + c) * s.height * s.width, s.height, s.width};
                kernel(plane, depthwise_w + c * s.kernel_h * s.kernel_w, depthwise_bias == nullptr ? 0 : depthwise_bias[c],
                       line + (row - first) * s.out_w, rows, s.out_w, s.stride_h, s.kernel_h, reach, across);
                row += rows;
            }
            lay_out(panels, c - at, line + skip, cols);
        }
    }

    // The depth k of all panels.
    void lay_out(const Panels& panels, i64 k, const float* line, i64 cols) const {
        const bool plain = between.rectify && between.slope == 0;
        for (i64 j = 0; j < cols; j += NR) {
            const i64 wide = cols - j > V ? NR : V;
            float* to = panels.row(j, k, wide);
            for (i64 half = 0; half < wide; half += V) {
                const vf v = load(line + j + half);
                store(to + half, plain ? positive(v) : between.rectify ? rectified(v, between.slope) : v);
            }
        }
    }
};

void conv_separable(const ConvShape& depthwise, const float* x, const float* depthwise_w, const float* depthwise_bias,
                    const Fusion& between, const ConvShape& s, const float* w, const float* bias, float* y,
                    const Fusion& fused) {
    Separable p;
    p.s = depthwise, p.x = x, p.w = w, p.depthwise_w = depthwise_w, p.depthwise_bias = depthwise_bias, p.between = between;
    p.grid = forward_grid(s);
    p.m = s.outputs, p.n = p.grid.places(), p.k = s.channels;
    p.into(s, y, fused);
    p.from = nullptr, p.finish.bias = bias;
    p.packed = fused.packed;
    i64 right[kMaxTaps];
    tap_offsets(p.down, depthwise.kernel_h, depthwise.dilation_h, depthwise.pad_h);
    tap_offsets(right, depthwise.kernel_w, depthwise.dilation_w, depthwise.pad_w);
    Span* spans = space<Span>(kSlotPhases, max(1, ceil_div(depthwise.out_w, V) * depthwise.kernel_w));
    p.across = row_spans(depthwise.out_w, depthwise.width, depthwise.stride_w, depthwise.kernel_w, right, spans);
    p.kernel = slide_for(depthwise.kernel_h, depthwise.kernel_w, depthwise.stride_w);
    multiply(p);
}

}  // namespace
}  // namespace cortado
