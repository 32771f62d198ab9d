#include <array>
#include <cstring>
#include <memory>
#include <optional>

#include <nanobind/stl/optional.h>

#include "command.hpp"

namespace cortado {
namespace {

// window: kernel, stride, pad, dilation (height and width of each), groups; as the Python side keeps them.
ConvShape sized(const std::array<i64, 4>& x, const std::array<i64, 4>& y, const Numbers& window) {
    need(window.size() == 9);
    const long* v = window.data();
    const ConvShape s{x[0], x[1], x[2], x[3], y[1], y[2], y[3], v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]};
    const auto size = [](i64 n, i64 kernel, i64 stride, i64 pad, i64 dilation) {
        return (n + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1;
    };
    need(y[0] == s.images && s.out_h == size(s.height, s.kernel_h, s.stride_h, s.pad_h, s.dilation_h) &&
         s.out_w == size(s.width, s.kernel_w, s.stride_w, s.pad_w, s.dilation_w));
    return s;
}

ConvShape checked(const std::array<i64, 4>& x, const std::array<i64, 4>& y, i64 weights, const Numbers& window) {
    const ConvShape s = sized(x, y, window);
    need(s.channels % s.groups == 0 && s.outputs % s.groups == 0 &&
         (weights < 0 || weights == s.outputs * (s.channels / s.groups) * s.kernel_h * s.kernel_w));
    return s;
}

template <class X>
std::array<i64, 4> four(const X& x) {
    need(x.axes() == 4);
    return {x.shape(0), x.shape(1), x.shape(2), x.shape(3)};
}

template <class X, class W, class Y>
ConvShape shape_of(const X& x, const W& w, const Y& y, const Numbers& window) {
    return checked(four(x), four(y), w ? w.size() : -1, window);
}

void forward(const In& x, const In& w, const MaybeIn& bias, const Out& y, const Numbers& window) {
    const ConvShape s = shape_of(x, w, y, window);
    need(!bias || bias.size() == s.outputs);
    Free free;
    kernels().conv_forward(s, x.data(), w.data(), bias.data(), y.data());
}

// Weights of one convolution, laid out as one instruction set's kernel reads them. Valid for that set, shape and array.
class PackedWeights {
public:
    PackedWeights(const ConvShape& s, const float* w) : table_(&kernels()), shape_(s) {
        const size_t floats = static_cast<size_t>(table_->conv_packed(s));
        memory_.reset(new float[floats + 16]);
        const auto address = reinterpret_cast<uintptr_t>(memory_.get());
        data_ = memory_.get() + (64 - address % 64) % 64 / sizeof(float);
        bytes_ = floats * sizeof(float);
        table_->conv_pack(s, w, data_);
    }
    const float* of(const ConvShape& s) const {
        return table_ == &kernels() && std::memcmp(&s, &shape_, sizeof s) == 0 && bytes_ > 0 ? data_ : nullptr;
    }
    size_t bytes() const { return bytes_; }

private:
    const Kernels* table_;
    ConvShape shape_;
    std::unique_ptr<float[]> memory_;
    float* data_;
    size_t bytes_;
};

PackedWeights* pack(const Numbers& x_shape, const Numbers& y_shape, const In& w, const Numbers& window) {
    need(x_shape.size() == 4 && y_shape.size() == 4);
    const ConvShape s = checked({x_shape.data()[0], x_shape.data()[1], x_shape.data()[2], x_shape.data()[3]},
                                {y_shape.data()[0], y_shape.data()[1], y_shape.data()[2], y_shape.data()[3]}, w.size(), window);
    Free free;
    return new PackedWeights(s, w.data());
}

// y: images of any distance, each without gaps.
Fusion fusion_of(const ConvShape& s, const StridedOut& y, bool add, std::optional<float> slope, const PackedWeights* packed) {
    constexpr i64 size = sizeof(float);
    need(s.images == 0 || (y.stride(3) == size && y.stride(2) == s.out_w * size && y.stride(1) == s.out_h * s.out_w * size &&
         y.stride(0) % size == 0 && y.stride(0) >= s.outputs * s.out_h * s.out_w * size));
    Fusion f;
    f.add = add, f.rectify = slope.has_value(), f.slope = slope.value_or(0), f.image_size = y.stride(0) / size;
    f.packed = packed == nullptr ? nullptr : packed->of(s);
    return f;
}

void fused(const In& x, const In& w, const MaybeIn& bias, const StridedOut& y, bool add, std::optional<float> slope,
           const PackedWeights* packed, const Numbers& window) {
    const ConvShape s = shape_of(x, w, y, window);
    need(!bias || bias.size() == s.outputs);
    const Fusion f = fusion_of(s, y, add, slope, packed);
    Free free;
    kernels().conv_fused(s, x.data(), w.data(), bias.data(), y.data(), f);
}

// A depthwise convolution with the window, then one with a window of 1 x 1 into y.
void separable(const In& x, const In& depthwise_w, const MaybeIn& depthwise_bias, std::optional<float> between, const In& w,
               const MaybeIn& bias, const StridedOut& y, bool add, std::optional<float> slope, const PackedWeights* packed,
               const Numbers& window) {
    need(x.axes() == 4 && y.axes() == 4);
    const i64 channels = x.shape(1);
    const ConvShape first = checked({x.shape(0), channels, x.shape(2), x.shape(3)}, {y.shape(0), channels, y.shape(2), y.shape(3)},
                                    depthwise_w.size(), window);
    ConvShape s{y.shape(0), channels, y.shape(2), y.shape(3), y.shape(1), y.shape(2), y.shape(3), 1, 1, 1, 1, 0, 0, 1, 1, 1};
    need(first.groups == channels && w.size() == s.outputs * channels);
    need((!depthwise_bias || depthwise_bias.size() == channels) && (!bias || bias.size() == s.outputs));
    Fusion middle;
    middle.rectify = between.has_value(), middle.slope = between.value_or(0);
    const Fusion f = fusion_of(s, y, add, slope, packed);
    Free free;
    kernels().conv_separable(first, x.data(), depthwise_w.data(), depthwise_bias.data(), middle, s, w.data(), bias.data(),
                             y.data(), f);
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

// The groups make no difference to columns.
template <class X, class Col>
ConvShape columns_of(const X& x, const Col& col, const Numbers& window) {
    const ConvShape s = sized(four(x), four(col), window);
    need(s.outputs == s.channels * s.kernel_h * s.kernel_w);
    return s;
}

void im2col(const In& x, const Out& col, const Numbers& window) {
    const ConvShape s = columns_of(x, col, window);
    Free free;
    kernels().im2col(s, x.data(), col.data());
}

void col2im(const In& col, const Out& x, const Numbers& window) {
    const ConvShape s = columns_of(x, col, window);
    Free free;
    kernels().col2im(s, col.data(), x.data());
}

}  // namespace

void bind_convolution(nb::module_& m) {
    m.attr("MAX_TAPS") = kMaxTaps;
    def(m, "conv_forward", forward, nb::arg(), nb::arg(), nb::arg().none(), nb::arg(), nb::arg());
    nb::class_<PackedWeights>(m, "PackedWeights").def_prop_ro("nbytes", &PackedWeights::bytes);
    m.def("conv_pack", pack, nb::rv_policy::take_ownership);
    m.def("conv_fused", fused, nb::arg(), nb::arg(), nb::arg().none(), nb::arg(), nb::arg(), nb::arg().none(),
          nb::arg().none(), nb::arg());
    def(m, "conv_separable", separable, nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none(), nb::arg(), nb::arg().none(),
          nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none(), nb::arg());
    def(m, "conv_backward_data", backward_data);
    def(m, "conv_backward_weights", backward_weights, nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none(), nb::arg());
    def(m, "im2col", im2col);
    def(m, "col2im", col2im);
}

}  // namespace cortado
