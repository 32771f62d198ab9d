// What the bindings share. An array that is not float32, C-contiguous and of the right rank is a TypeError, on which
// the Python side takes the reference kernel; arrays are never converted.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>

#include "table.hpp"

namespace nb = nanobind;

namespace cortado {

using In = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;
using Out = nb::ndarray<float, nb::c_contig, nb::device::cpu>;

void bind_convolution(nb::module_& m);
void bind_linear(nb::module_& m);

}  // namespace cortado
