// Bindings of kernels that go over one, two or three arrays of one size, and write another.
#pragma once

#include "bind.hpp"

namespace cortado {

template <auto Kernel, class... Numbers>
void map_one(const In& x, const Out& y, Numbers... numbers) {
    const i64 n = same_size(x, y);
    Free free;
    (kernels().*Kernel)(n, x.data(), y.data(), numbers...);
}

template <auto Kernel, class... Numbers>
void map_two(const In& a, const In& b, const Out& y, Numbers... numbers) {
    const i64 n = same_size(a, b, y);
    Free free;
    (kernels().*Kernel)(n, a.data(), b.data(), y.data(), numbers...);
}

template <auto Kernel, class... Numbers>
void map_three(const In& a, const In& b, const In& c, const Out& y, Numbers... numbers) {
    const i64 n = same_size(a, b, c, y);
    Free free;
    (kernels().*Kernel)(n, a.data(), b.data(), c.data(), y.data(), numbers...);
}

}  // namespace cortado
