// Which way a convolution goes.
#pragma once

#include "columns_back.hpp"
#include "conv.hpp"
#include "depthwise.hpp"
#include "separable.hpp"
#include "shifted_choice.hpp"
#include "winograd.hpp"
#include "wish.hpp"

namespace cortado {
namespace {

// CORTADO_WINOGRAD=0 turns Winograd's filtering off, 1 takes it wherever it is defined; otherwise where it is faster.
inline int winograd_wish() {
    static const int wish = wish_for("CORTADO_WINOGRAD");
    return wish;
}

constexpr int kTile = 4;

// The tiling of one group's forward pass; its images are those of all groups.
inline Tiling forward_tiling(const ConvShape& s) {
    Tiling t(s.images, s.channels / s.groups, s.height, s.width, s.outputs / s.groups, s.out_h, s.out_w, s.pad_h,
             s.pad_w, kTile);
    t.in_size *= s.groups, t.out_size *= s.groups;
    return t;
}

// The same of the way back to the data: a convolution of dy with the turned filters.
inline Tiling backward_tiling(const ConvShape& s) {
    Tiling t(s.images, s.outputs / s.groups, s.out_h, s.out_w, s.channels / s.groups, s.height, s.width, 2 - s.pad_h,
             2 - s.pad_w, kTile);
    t.in_size *= s.groups, t.out_size *= s.groups;
    return t;
}

// Compares both ways in units of one multiplication at full speed. The factors are measured: what a transformed pixel
// and a transformed weight cost, the latter more where the weights of all points outgrow the shared cache.
inline bool winograd_wins(const ConvShape& s, const Tiling& t) {
    if (s.kernel_h != 3 || s.kernel_w != 3 || s.stride_h != 1 || s.stride_w != 1 || s.dilation_h != 1 ||
        s.dilation_w != 1 || s.pad_h > 2 || s.pad_w > 2 || winograd_wish() == 0)
        return false;
    if (winograd_wish() == 1) return t.images > 0 && t.out_h > 0 && t.out_w > 0;
    const double points = (kTile + 2) * (kTile + 2), tiles = static_cast<double>(t.images * t.tiles_y * t.tiles_x);
    const double in = static_cast<double>(t.in_blocks * V), out = static_cast<double>(t.panels * NR);
    const double per_weight = points * in * out * 4 > 16e6 ? 70 : 35;
    const double direct = 9.0 * static_cast<double>(t.images * t.out_h * t.out_w * t.channels * t.outputs) / 0.78;
    const double filtered = points * (tiles * in * out / 0.75 + tiles * (in + out) * 5 + in * out * per_weight);
    return filtered < 0.95 * direct;
}

void conv_fused(const ConvShape& s, const float* x, const float* w, const float* bias, float* y, const Fusion& fused) {
    if (is_depthwise(s)) return depthwise_forward(s, x, w, bias, y, fused);
    Tiling t = forward_tiling(s);
    if (!winograd_wins(s, t))
        return shifted_forward_wins(s) ? shifted_forward(s, x, w, bias, y, fused)
                                       : product_forward(s, x, w, bias, y, fused);
    t.out_size = fused.image_size;
    Finish f;
    f.add = fused.add, f.rectify = fused.rectify, f.slope = fused.slope;
    for (i64 g = 0; g < s.groups; ++g)
        winograd<kTile>(t, x + g * t.channels * t.height * t.width, w + g * t.outputs * t.channels * 9, false,
                        bias == nullptr ? nullptr : bias + g * t.outputs, y + g * t.outputs * t.out_h * t.out_w, f,
                        fused.packed == nullptr ? nullptr : fused.packed + g * winograd_packed<kTile>(t));
}

void conv_forward(const ConvShape& s, const float* x, const float* w, const float* bias, float* y) {
    Fusion fused;
    fused.image_size = s.outputs * s.out_h * s.out_w;
    conv_fused(s, x, w, bias, y, fused);
}

i64 conv_packed(const ConvShape& s) {
    if (is_depthwise(s)) return 0;
    const Tiling t = forward_tiling(s);
    if (winograd_wins(s, t)) return s.groups * winograd_packed<kTile>(t);
    return shifted_forward_wins(s) ? 0 : product_packed(s);
}

void conv_pack(const ConvShape& s, const float* w, float* packed) {
    if (is_depthwise(s)) return;
    const Tiling t = forward_tiling(s);
    if (!winograd_wins(s, t)) return shifted_forward_wins(s) ? void() : product_pack(s, w, packed);
    for (i64 g = 0; g < s.groups; ++g)
        weight_points<kTile>(t, w + g * t.outputs * t.channels * 9, false, packed + g * winograd_packed<kTile>(t));
}

void conv_backward_data(const ConvShape& s, const float* dy, const float* w, float* dx) {
    if (is_depthwise(s)) return depthwise_backward_data(s, dy, w, dx);
    const Tiling t = backward_tiling(s);
    if (!winograd_wins(s, t))
        return columns_win(s)                  ? columns_backward_data(s, dy, w, dx)
               : shifted_backward_data_wins(s) ? shifted_backward_data(s, dy, w, dx)
                                               : product_backward_data(s, dy, w, dx);
    for (i64 g = 0; g < s.groups; ++g)
        winograd<kTile>(t, dy + g * t.channels * t.height * t.width, w + g * t.outputs * t.channels * 9, true, nullptr,
                        dx + g * t.outputs * t.out_h * t.out_w);
}

void conv_backward_weights(const ConvShape& s, const float* x, const float* dy, float* dw) {
    if (is_depthwise(s)) return depthwise_backward_weights(s, x, dy, dw);
    const Tiling t = forward_tiling(s);
    if (!winograd_wins(s, t))
        return shifted_backward_weights_wins(s) ? shifted_backward_weights(s, x, dy, dw)
                                                : product_backward_weights(s, x, dy, dw);
    for (i64 g = 0; g < s.groups; ++g)
        winograd_backward_weights<kTile>(t, x + g * t.channels * t.height * t.width,
                                         dy + g * t.outputs * t.out_h * t.out_w, dw + g * t.outputs * t.channels * 9);
}

}  // namespace
}  // namespace cortado
