// Convolution with one input and a few output channels per group: too little work per group for a matrix product.
// V places at a time, one tap of the window after the other, straight from the plane.
#pragma once

#include "conv.hpp"
#include "math.hpp"

namespace cortado {
namespace {

inline bool is_depthwise(const ConvShape& s) { return s.groups > 1 && s.channels == s.groups; }

}  // namespace
}  // namespace cortado
