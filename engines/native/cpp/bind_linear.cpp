#include "command.hpp"

namespace cortado {
namespace {

void gemm(const In& a, const In& b, const Out& c, bool transpose_a, bool transpose_b, float alpha, float beta) {
    need(a.axes() == 2 && b.axes() == 2 && c.axes() == 2);
    const i64 m = c.shape(0), n = c.shape(1), k = a.shape(transpose_a ? 0 : 1);
    need(a.size() == m * k && b.size() == k * n && b.shape(transpose_b ? 0 : 1) == n);
    Free free;
    kernels().gemm(m, n, k, alpha, a.data(), transpose_a, b.data(), transpose_b, beta, c.data());
}

void inner_product_forward(const In& x, const In& w, const MaybeIn& bias, const Out& y, bool transposed) {
    need(x.axes() == 2 && w.axes() == 2 && y.axes() == 2);
    const i64 m = x.shape(0), k = x.shape(1), n = y.shape(1);
    need(y.shape(0) == m && w.size() == n * k && w.shape(transposed ? 1 : 0) == n && (!bias || bias.size() == n));
    Free free;
    kernels().inner_product_forward(m, n, k, x.data(), w.data(), bias.data(), y.data(), transposed);
}

void inner_product_backward_data(const In& dy, const In& w, const Out& dx, bool transposed) {
    need(dy.axes() == 2 && w.axes() == 2 && dx.axes() == 2);
    const i64 m = dy.shape(0), n = dy.shape(1), k = dx.shape(1);
    need(dx.shape(0) == m && w.size() == n * k && w.shape(transposed ? 1 : 0) == n);
    Free free;
    kernels().gemm(m, k, n, 1, dy.data(), false, w.data(), transposed, 0, dx.data());
}

void inner_product_backward_weights(const In& x, const In& dy, const MaybeOut& dw, const MaybeOut& db,
                                    bool transposed) {
    need(x.axes() == 2 && dy.axes() == 2 && x.shape(0) == dy.shape(0));
    const i64 m = x.shape(0), k = x.shape(1), n = dy.shape(1);
    need((!dw || dw.size() == n * k) && (!db || db.size() == n));
    Free free;
    if (dw && transposed) kernels().gemm(k, n, m, 1, x.data(), true, dy.data(), false, 1, dw.data());
    if (dw && !transposed) kernels().gemm(n, k, m, 1, dy.data(), true, x.data(), false, 1, dw.data());
    if (db) kernels().bias_backward({m, n, 1}, dy.data(), db.data());
}

}  // namespace

void bind_linear(nb::module_& m) {
    def(m, "gemm", gemm);
    def(m, "inner_product_forward", inner_product_forward, nb::arg(), nb::arg(), nb::arg().none(), nb::arg(), nb::arg());
    def(m, "inner_product_backward_data", inner_product_backward_data);
    def(m, "inner_product_backward_weights", inner_product_backward_weights, nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none(), nb::arg());
}

}  // namespace cortado
