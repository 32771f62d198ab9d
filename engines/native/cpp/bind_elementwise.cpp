#include "command.hpp"
#include "maps.hpp"

namespace cortado {
namespace {

template <auto Kernel>
void scaled(float alpha, const In& x, const Out& y) {
    const i64 n = same_size(x, y);
    Free free;
    (kernels().*Kernel)(n, alpha, x.data(), y.data());
}

void weighted_sum(float alpha, const In& a, float beta, const In& b, const Out& y) {
    const i64 n = same_size(a, b, y);
    Free free;
    kernels().weighted_sum(n, alpha, a.data(), beta, b.data(), y.data());
}

void eltwise_max_step(const In& x, const Out& y, const OutMask& mask, int32_t index) {
    const i64 n = same_size(x, y, mask);
    Free free;
    kernels().eltwise_max_step(n, x.data(), y.data(), mask.data(), index);
}

void eltwise_max_backward(const In& dy, const Mask& mask, int32_t index, const Out& dx) {
    const i64 n = same_size(dy, mask, dx);
    Free free;
    kernels().eltwise_max_backward(n, dy.data(), mask.data(), index, dx.data());
}

void dropout_bytes(const In& x, const Bytes& mask, const Out& y, float scale) {
    const i64 n = same_size(x, mask, y);
    Free free;
    kernels().dropout_bytes(n, x.data(), mask.data(), y.data(), scale);
}

double dot(const In& a, const In& b) {
    const i64 n = same_size(a, b);
    Free free;
    return kernels().dot(n, a.data(), b.data());
}

double sumsq(const In& a) {
    Free free;
    return kernels().dot(a.size(), a.data(), a.data());
}

double asum(const In& a) {
    Free free;
    return kernels().asum(a.size(), a.data());
}

void copy(const StridedIn& from, const StridedOut& to) {
    need(from.axes() == to.axes() && from.axes() <= StridedCopy::kMaxAxes);
    // Axes of length 1 are dropped, and an axis that goes on where the next one ends is joined with it.
    StridedCopy s{1, {1}, {1}, {1}};
    for (int a = 0; a < from.axes(); ++a) {
        need(from.shape(a) == to.shape(a) && from.stride(a) % 4 == 0 && to.stride(a) % 4 == 0);
        const i64 size = from.shape(a), step = from.stride(a) / 4, target = to.stride(a) / 4;
        if (size == 0) return;
        if (size == 1) continue;
        const i64 last = s.axes - 1;
        if (s.size[last] == 1 || (s.from[last] == size * step && s.to[last] == size * target)) {
            s.size[last] *= size, s.from[last] = step, s.to[last] = target;
            continue;
        }
        s.size[s.axes] = size, s.from[s.axes] = step, s.to[s.axes] = target;
        ++s.axes;
    }
    Free free;
    kernels().copy(s, from.data(), to.data());
}

}  // namespace

void bind_elementwise(nb::module_& m) {
    def(m, "relu_forward", map_one<&Kernels::relu_forward, float>);
    def(m, "relu_backward", map_two<&Kernels::relu_backward, float>);
    def(m, "sigmoid_forward", map_one<&Kernels::sigmoid_forward>);
    def(m, "sigmoid_backward", map_two<&Kernels::sigmoid_backward>);
    def(m, "tanh_forward", map_one<&Kernels::tanh_forward>);
    def(m, "tanh_backward", map_two<&Kernels::tanh_backward>);
    def(m, "elu_forward", map_one<&Kernels::elu_forward, float>);
    def(m, "elu_backward", map_three<&Kernels::elu_backward, float>);
    def(m, "bnll_forward", map_one<&Kernels::bnll_forward>);
    def(m, "bnll_backward", map_two<&Kernels::bnll_backward>);
    def(m, "swish_forward", map_one<&Kernels::swish_forward, float>);
    def(m, "swish_backward", map_three<&Kernels::swish_backward, float>);
    def(m, "axpy", scaled<&Kernels::axpy>);
    def(m, "scale_by", scaled<&Kernels::scale_by>);
    def(m, "multiply", map_two<&Kernels::multiply_by>);
    def(m, "weighted_sum", weighted_sum);
    def(m, "eltwise_max_step", eltwise_max_step);
    def(m, "eltwise_max_backward", eltwise_max_backward);
    def(m, "dropout_forward", dropout_bytes);
    def(m, "dropout_forward", map_two<&Kernels::dropout_floats, float>);
    def(m, "dot", dot);
    def(m, "sumsq", sumsq);
    def(m, "asum", asum);
    def(m, "copy", copy);
}

}  // namespace cortado
