#include "command.hpp"

namespace cortado {
namespace {

// window: kernel, stride, pad (height and width of each), as the Python side keeps them.
template <class X, class Y>
PoolShape shape_of(const X& x, const Y& y, const Numbers& window) {
    need(x.axes() == 4 && y.axes() == 4 && window.size() == 6);
    const long* v = window.data();
    const PoolShape s{x.shape(0) * x.shape(1), x.shape(2), x.shape(3), y.shape(2), y.shape(3), v[0], v[1], v[2], v[3],
                      v[4], v[5]};
    need(y.shape(0) == x.shape(0) && y.shape(1) == x.shape(1) && s.height > 0 && s.width > 0);
    return s;
}

void max_pool_forward(const In& x, const Out& y, const MaybeOutMask& mask, const Numbers& window) {
    const PoolShape s = shape_of(x, y, window);
    if (mask) same_size(y, mask);
    Free free;
    kernels().max_pool_forward(s, x.data(), y.data(), mask.data());
}

void max_pool_backward(const In& dy, const Mask& mask, const Out& dx, const Numbers& window) {
    const PoolShape s = shape_of(dx, dy, window);
    same_size(dy, mask);
    Free free;
    kernels().max_pool_backward(s, dy.data(), mask.data(), dx.data());
}

void ave_pool_forward(const In& x, const Out& y, const Numbers& window) {
    const PoolShape s = shape_of(x, y, window);
    Free free;
    kernels().ave_pool_forward(s, x.data(), y.data());
}

void ave_pool_backward(const In& dy, const Out& dx, const Numbers& window) {
    const PoolShape s = shape_of(dx, dy, window);
    Free free;
    kernels().ave_pool_backward(s, dy.data(), dx.data());
}

void stochastic_pool_forward(const In& x, const Out& y, const OutMask& mask, const In& uniform, const Numbers& window) {
    const PoolShape s = shape_of(x, y, window);
    same_size(y, mask, uniform);
    Free free;
    kernels().stochastic_pool_forward(s, x.data(), y.data(), mask.data(), uniform.data());
}

void stochastic_pool_test_forward(const In& x, const Out& y, const Numbers& window) {
    const PoolShape s = shape_of(x, y, window);
    Free free;
    kernels().stochastic_pool_test_forward(s, x.data(), y.data());
}

}  // namespace

void bind_pooling(nb::module_& m) {
    def(m, "max_pool_forward", max_pool_forward, nb::arg(), nb::arg(), nb::arg().none(), nb::arg());
    def(m, "max_pool_backward", max_pool_backward);
    def(m, "ave_pool_forward", ave_pool_forward);
    def(m, "ave_pool_backward", ave_pool_backward);
    def(m, "stochastic_pool_forward", stochastic_pool_forward);
    def(m, "stochastic_pool_test_forward", stochastic_pool_test_forward);
}

}  // namespace cortado
