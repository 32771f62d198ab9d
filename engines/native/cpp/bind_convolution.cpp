#include "bind.hpp"

namespace cortado {
namespace {

// kernel, stride, pad, dilation (height and width of each), groups; as the Python side keeps them per geometry.
using Window = nb::ndarray<const int64_t, nb::c_contig, nb::device::cpu, nb::shape<9>>;
using Image = nb::ndarray<const float, nb::c_contig, nb::device::cpu, nb::ndim<4>>;
using OutImage = nb::ndarray<float, nb::c_contig, nb::device::cpu, nb::ndim<4>>;

template <class X, class Y>
ConvShape shape_of(const X& x, const Y& y, const Window& window) {
    const int64_t* v = window.data();
    return {(i64)x.shape(0), (i64)x.shape(1), (i64)x.shape(2), (i64)x.shape(3), (i64)y.shape(1), (i64)y.shape(2),
            (i64)y.shape(3), v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]};
}

void forward(Image x, Image w, std::optional<In> bias, OutImage y, Window window) {
    const ConvShape shape = shape_of(x, y, window);
    nb::gil_scoped_release free;
    kernels().conv_forward(shape, x.data(), w.data(), bias ? bias->data() : nullptr, y.data());
}

void backward_data(Image dy, Image w, OutImage dx, Window window) {
    const ConvShape shape = shape_of(dx, dy, window);
    nb::gil_scoped_release free;
    kernels().conv_backward_data(shape, dy.data(), w.data(), dx.data());
}

void backward_weights(Image x, Image dy, std::optional<OutImage> dw, std::optional<Out> db, Window window) {
    const ConvShape shape = shape_of(x, dy, window);
    nb::gil_scoped_release free;
    if (dw) kernels().conv_backward_weights(shape, x.data(), dy.data(), dw->data());
    if (db) kernels().conv_backward_bias(shape.images, shape.outputs, shape.out_h * shape.out_w, dy.data(), db->data());
}

}  // namespace

void bind_convolution(nb::module_& m) {
    m.def("conv_forward", forward, nb::arg().noconvert(), nb::arg().noconvert(), nb::arg().noconvert().none(),
          nb::arg().noconvert(), nb::arg().noconvert());
    m.def("conv_backward_data", backward_data, nb::arg().noconvert(), nb::arg().noconvert(), nb::arg().noconvert(),
          nb::arg().noconvert());
    m.def("conv_backward_weights", backward_weights, nb::arg().noconvert(), nb::arg().noconvert(),
          nb::arg().noconvert().none(), nb::arg().noconvert().none(), nb::arg().noconvert());
    m.attr("MAX_TAPS") = kMaxTaps;
}

}  // namespace cortado
