// Which way a convolution goes.
#pragma once

#include "conv.hpp"
#include "depthwise.hpp"

namespace cortado {
namespace {

void conv_forward(const ConvShape& s, const float* x, const float* w, const float* bias, float* y) {
    if (is_depthwise(s)) return depthwise_forward(s, x, w, bias, y);
    product_forward(s, x, w, bias, y);
}

void conv_backward_data(const ConvShape& s, const float* dy, const float* w, float* dx) {
    if (is_depthwise(s)) return depthwise_backward_data(s, dy, w, dx);
    product_backward_data(s, dy, w, dx);
}

void conv_backward_weights(const ConvShape& s, const float* x, const float* dy, float* dw) {
    if (is_depthwise(s)) return depthwise_backward_weights(s, x, dy, dw);
    product_backward_weights(s, x, dy, dw);
}

}  // namespace
}  // namespace cortado
