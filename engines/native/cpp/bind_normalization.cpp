#include "command.hpp"

namespace cortado {
namespace {

void lrn_across_forward(const In& x, const Out& y, const Out& scale, i64 size, float alpha, float beta, float k) {
    const Axes s = axes_of(x);
    same_size(x, y, scale);
    Free free;
    kernels().lrn_across_forward(s, x.data(), y.data(), scale.data(), size, alpha, beta, k);
}

void lrn_across_backward(const In& x, const In& y, const In& scale, const In& dy, const Out& dx, i64 size, float alpha,
                         float beta, float) {
    const Axes s = axes_of(x);
    same_size(x, y, scale, dy, dx);
    Free free;
    kernels().lrn_across_backward(s, x.data(), y.data(), scale.data(), dy.data(), dx.data(), size, alpha, beta);
}

void lrn_within_forward(const In& x, const Out& y, const Out& scale, i64 size, float alpha, float beta) {
    same_size(x, y, scale);
    need(x.axes() == 4);
    Free free;
    kernels().lrn_within_forward(x.shape(0) * x.shape(1), x.shape(2), x.shape(3), x.data(), y.data(), scale.data(), size,
                                 alpha, beta);
}

void lrn_within_backward(const In& x, const In& y, const In& scale, const In& dy, const Out& dx, i64 size, float alpha,
                         float beta) {
    same_size(x, y, scale, dy, dx);
    need(x.axes() == 4);
    Free free;
    kernels().lrn_within_backward(x.shape(0) * x.shape(1), x.shape(2), x.shape(3), x.data(), y.data(), scale.data(),
                                  dy.data(), dx.data(), size, alpha, beta);
}

void mvn_forward(const In& x, const Out& y, const Out& mean, const Out& std, float eps, bool normalize_variance) {
    need(x.axes() == 2 && same_size(x, y) >= 0 && same_size(mean, std) == x.shape(0));
    Free free;
    kernels().mvn_forward(x.shape(0), x.shape(1), x.data(), y.data(), mean.data(), std.data(), eps, normalize_variance);
}

void mvn_backward(const In& y, const In& std, const In& dy, const Out& dx, float eps, bool normalize_variance) {
    need(dy.axes() == 2 && same_size(y, dy, dx) >= 0 && std.size() == dy.shape(0));
    Free free;
    kernels().mvn_backward(dy.shape(0), dy.shape(1), y.data(), std.data(), dy.data(), dx.data(), eps, normalize_variance);
}

void softmax_forward(const In& x, const Out& y) {
    const Axes s = axes_of(x);
    same_size(x, y);
    Free free;
    kernels().softmax_forward(s, x.data(), y.data());
}

void softmax_backward(const In& y, const In& dy, const Out& dx) {
    const Axes s = axes_of(y);
    same_size(y, dy, dx);
    Free free;
    kernels().softmax_backward(s, y.data(), dy.data(), dx.data());
}

void softmax_loss_backward(const In& prob, const In& label, std::optional<i64> ignored, const In& weight,
                           const In& divisor, const Out& dx) {
    const Axes s = axes_of(prob);
    need(prob.size() == dx.size() && label.size() == s.outer * s.inner && weight.size() == 1 && divisor.size() == 1);
    const auto scale = static_cast<float>(static_cast<double>(*weight.data()) / *divisor.data());
    Free free;
    kernels().softmax_loss_backward(s, prob.data(), label.data(), ignored.has_value(), ignored.value_or(0), scale,
                                    dx.data());
}

// The same with one target for each number.
void sigmoid_cross_entropy_backward(const In& x, const In& target, std::optional<i64> ignored, const In& weight,
                                    const In& divisor, const Out& dx) {
    const i64 n = same_size(x, target, dx);
    need(weight.size() == 1 && divisor.size() == 1);
    const auto scale = static_cast<float>(static_cast<double>(*weight.data()) / *divisor.data());
    Free free;
    kernels().sigmoid_cross_entropy_backward(n, x.data(), target.data(), ignored.has_value(),
                                             static_cast<float>(ignored.value_or(0)), scale, dx.data());
}

}  // namespace

void bind_normalization(nb::module_& m) {
    def(m, "lrn_across_forward", lrn_across_forward);
    def(m, "lrn_across_backward", lrn_across_backward);
    def(m, "lrn_within_forward", lrn_within_forward);
    def(m, "lrn_within_backward", lrn_within_backward);
    def(m, "mvn_forward", mvn_forward);
    def(m, "mvn_backward", mvn_backward);
    def(m, "softmax_forward", softmax_forward);
    def(m, "softmax_backward", softmax_backward);
    def(m, "softmax_loss_backward", softmax_loss_backward, nb::arg(), nb::arg(), nb::arg().none(), nb::arg(), nb::arg(),
        nb::arg());
    def(m, "sigmoid_cross_entropy_backward", sigmoid_cross_entropy_backward, nb::arg(), nb::arg(), nb::arg().none(), nb::arg(),
        nb::arg(), nb::arg());
}

}  // namespace cortado
