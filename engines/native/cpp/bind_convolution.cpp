#include "bind.hpp"

namespace cortado {
namespace {

// window: kernel, stride, pad, dilation (height and width of each), groups; as the Python side keeps them.
template <class X, class W, class Y>
ConvShape shape_of(const X& x, const W& w, const Y& y, const Numbers& window) {
    need(x.axes() == 4 && y.axes() == 4 && window.size() == 9);
    const long* v = window.data();
    const ConvShape s{x.shape(0), x.shape(1), x.shape(2), x.shape(3), y.shape(1), y.shape(2), y.shape(3),
                      v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]};
    const auto size = [](i64 n, i64 kernel, i64 stride, i64 pad, i64 dilation) {
        return (n + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1;
    };
    need(y.shape(0) == s.images && s.channels % s.groups == 0 && s.outputs % s.groups == 0 &&
         s.out_h == size(s.height, s.kernel_h, s.stride_h, s.pad_h, s.dilation_h) &&
         s.out_w == size(s.width, s.kernel_w, s.stride_w, s.pad_w, s.dilation_w) &&
         (!w || w.size() == s.outputs * (s.channels / s.groups) * s.kernel_h * s.kernel_w));
    return s;
}

void forward(const In& x, const In& w, const MaybeIn& bias, const Out& y, const Numbers& window) {
    const ConvShape s = shape_of(x, w, y, window);
    need(!bias || bias.size() == s.outputs);
    Free free;
    kernels().conv_forward(s, x.data(), w.data(), bias.data(), y.data());
}

void backward_data(const In& dy, const In& w, const Out& dx, const Numbers& window) {
    const ConvShape s = shape_of(dx, w, dy, window);
    Free free;
    kernels().conv_backward_data(s, dy.data(), w.data(), dx.data());
}

void backward_weights(const In& x, const In& dy, const MaybeOut& dw, const MaybeOut& db, const Numbers& window) {
    const ConvShape s = shape_of(x, dw, dy, window);
    need(!db || db.size() == s.outputs);
    Free free;
    if (dw) kernels().conv_backward_weights(s, x.data(), dy.data(), dw.data());
    if (db) kernels().bias_backward({s.images, s.outputs, s.out_h * s.out_w}, dy.data(), db.data());
}

}  // namespace

void bind_convolution(nb::module_& m) {
    m.attr("MAX_TAPS") = kMaxTaps;
    m.def("conv_forward", forward, nb::arg(), nb::arg(), nb::arg().none(), nb::arg(), nb::arg());
    m.def("conv_backward_data", backward_data);
    m.def("conv_backward_weights", backward_weights, nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none(), nb::arg());
}

}  // namespace cortado
