#include "bind.hpp"

namespace cortado {
namespace {

void gemm(In a, In b, Out c, bool transpose_a, bool transpose_b, float alpha, float beta) {
    const i64 m = c.shape(0), n = c.shape(1), k = a.shape(transpose_a ? 0 : 1);
    nb::gil_scoped_release free;
    kernels().gemm(m, n, k, alpha, a.data(), transpose_a, b.data(), transpose_b, beta, c.data());
}

}  // namespace

void bind_linear(nb::module_& m) {
    m.def("gemm", gemm, nb::arg().noconvert(), nb::arg().noconvert(), nb::arg().noconvert(), nb::arg(), nb::arg(),
          nb::arg(), nb::arg());
}

}  // namespace cortado
