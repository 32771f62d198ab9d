// Where shifted rows are faster than the packed product.
#pragma once

#include "shifted_product.hpp"
#include "shifted_weights.hpp"
#include "wish.hpp"

namespace cortado {
namespace {

// CORTADO_SHIFTED=0 turns shifted rows off, 1 takes them wherever they are defined; otherwise where they are faster.
inline int shifted_wish() {
    static const int wish = wish_for("CORTADO_SHIFTED");
    return wish;
}

// The share of lanes that hold places: the last vector of an image, or of some rows of it, is seldom full.
inline double filled_lanes(i64 places) { return static_cast<double>(places) / static_cast<double>(round_up(places, V)); }

inline bool shifted_is_possible(const ConvShape& s) {
    return shifted_wish() != 0 && s.kernel_h > 1 && s.kernel_w > 1 && s.images > 0 && s.out_h > 0 && s.out_w > 0;
}

// Measured: with a stride only what has few channels gains, since more rows are copied than read.
inline bool shifted_forward_wins(const ConvShape& s) {
    if (!shifted_is_possible(s) || shifted_wish() == 1) return shifted_is_possible(s);
    const bool stride = s.stride_h > 1 || s.stride_w > 1;
    return filled_lanes(s.out_h * s.out_w) > 0.8 && (!stride || s.channels / s.groups <= 4);
}

inline bool shifted_backward_data_wins(const ConvShape& s) {
    if (s.stride_h > 1 || s.stride_w > 1 || s.height <= 0 || s.width <= 0) return false;
    if (!shifted_is_possible(s) || shifted_wish() == 1) return shifted_is_possible(s);
    return filled_lanes(s.height * s.width) > 0.8;
}

// Measured: with many channels the transposed product reads dy less often; a stride of 4 costs too much in copying.
inline bool shifted_backward_weights_wins(const ConvShape& s) {
    if (!shifted_is_possible(s) || shifted_wish() == 1) return shifted_is_possible(s);
    const i64 channels = s.channels / s.groups;
    return filled_lanes(s.out_h * s.out_w) > 0.9 && s.stride_w <= 2 &&
           (channels <= 4 || (channels <= 32 && s.kernel_h * s.kernel_w >= 25));
}

}  // namespace
}  // namespace cortado
