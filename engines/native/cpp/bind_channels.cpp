#include "command.hpp"

namespace cortado {
namespace {

template <auto Kernel>
void map_scaled(const In& x, const In& per, const Out& y) {
    const Axes s = axes_of(x);
    need(x.size() == y.size() && per.size() == s.channels);
    Free free;
    (kernels().*Kernel)(s, x.data(), per.data(), y.data());
}

template <auto Kernel>
void sum_products(const In& x, const In& dy, const Out& sums) {
    const Axes s = axes_of(x);
    need(x.size() == dy.size() && sums.size() == s.channels);
    Free free;
    (kernels().*Kernel)(s, x.data(), dy.data(), sums.data());
}

void scale_forward(const In& x, const In& scale, const MaybeIn& bias, const Out& y) {
    const Axes s = axes_of(x);
    need(x.size() == y.size() && scale.size() == s.channels && (!bias || bias.size() == s.channels));
    Free free;
    kernels().scale_forward(s, x.data(), scale.data(), bias.data(), y.data());
}

void bias_backward(const In& dy, const Out& db) {
    const Axes s = axes_of(dy);
    need(db.size() == s.channels);
    Free free;
    kernels().bias_backward(s, dy.data(), db.data());
}

void prelu_backward_data(const In& x, const In& slope, const In& dy, const Out& dx) {
    const Axes s = axes_of(x);
    need(same_size(x, dy, dx) >= 0 && slope.size() == s.channels);
    Free free;
    kernels().prelu_backward_data(s, x.data(), slope.data(), dy.data(), dx.data());
}

void batch_norm_statistics(const In& x, const Out& mean, const Out& var) {
    const Axes s = axes_of(x);
    need(mean.size() == s.channels && var.size() == s.channels);
    Free free;
    kernels().batch_norm_statistics(s, x.data(), mean.data(), var.data());
}

void batch_norm_forward(const In& x, const In& mean, const In& var, float eps, const Out& y, const MaybeOut& xhat) {
    const Axes s = axes_of(x);
    need(x.size() == y.size() && mean.size() == s.channels && var.size() == s.channels);
    need(!xhat || xhat.size() == x.size());
    Free free;
    kernels().batch_norm_forward(s, x.data(), mean.data(), var.data(), eps, y.data(), xhat.data());
}

void batch_norm_backward(const In& xhat, const In& var, float eps, const In& dy, const Out& dx) {
    const Axes s = axes_of(dy);
    need(same_size(xhat, dy, dx) >= 0 && var.size() == s.channels);
    Free free;
    kernels().batch_norm_backward(s, xhat.data(), var.data(), eps, dy.data(), dx.data());
}

void batch_norm_backward_global(const In& var, float eps, const In& dy, const Out& dx) {
    const Axes s = axes_of(dy);
    need(dy.size() == dx.size() && var.size() == s.channels);
    Free free;
    kernels().batch_norm_backward_global(s, var.data(), eps, dy.data(), dx.data());
}

void batch_norm_scale_forward(const In& x, float eps, const In& scale, const MaybeIn& bias, std::optional<float> slope,
                              const Out& mean, const Out& var, const Out& y, const Out& xhat) {
    const Axes s = axes_of(x);
    need(same_size(x, y, xhat) >= 0 && same_size(scale, mean, var) == s.channels && (!bias || bias.size() == s.channels));
    Free free;
    kernels().batch_norm_scale_forward(s, x.data(), eps, scale.data(), bias.data(), slope.has_value(), slope.value_or(0),
                                       mean.data(), var.data(), y.data(), xhat.data());
}

void batch_norm_scale_backward(const In& xhat, const In& y, const In& var, float eps, const In& scale,
                               std::optional<float> slope, const In& dy, const Out& dx, const Out& dscale,
                               const MaybeOut& dbias) {
    const Axes s = axes_of(dy);
    need(same_size(xhat, y, dy, dx) >= 0 && same_size(scale, var, dscale) == s.channels);
    need(!dbias || dbias.size() == s.channels);
    Free free;
    kernels().batch_norm_scale_backward(s, xhat.data(), y.data(), var.data(), eps, scale.data(), slope.has_value(),
                                        slope.value_or(0), dy.data(), dx.data(), dscale.data(), dbias.data());
}

}  // namespace

void bind_channels(nb::module_& m) {
    def(m, "scale_forward", scale_forward, nb::arg(), nb::arg(), nb::arg().none(), nb::arg());
    def(m, "scale_backward_data", map_scaled<&Kernels::scale_backward_data>);
    def(m, "scale_backward_scale", sum_products<&Kernels::scale_backward_scale>);
    def(m, "bias_forward", map_scaled<&Kernels::bias_forward>);
    def(m, "bias_backward", bias_backward);
    def(m, "prelu_forward", map_scaled<&Kernels::prelu_forward>);
    def(m, "prelu_backward_data", prelu_backward_data);
    def(m, "prelu_backward_slope", sum_products<&Kernels::prelu_backward_slope>);
    def(m, "batch_norm_statistics", batch_norm_statistics);
    def(m, "batch_norm_forward", batch_norm_forward, nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none());
    def(m, "batch_norm_backward", batch_norm_backward);
    def(m, "batch_norm_scale_forward", batch_norm_scale_forward, nb::arg(), nb::arg(), nb::arg(), nb::arg().none(),
          nb::arg().none(), nb::arg(), nb::arg(), nb::arg(), nb::arg());
    def(m, "batch_norm_scale_backward", batch_norm_scale_backward, nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(),
          nb::arg().none(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none());
    def(m, "batch_norm_backward_global", batch_norm_backward_global);
}

}  // namespace cortado
