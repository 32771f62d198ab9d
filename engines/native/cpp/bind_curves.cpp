#include "command.hpp"
#include "maps.hpp"

namespace cortado {
namespace {

void power_backward(const In& x, const In& dy, const Out& dx, double power, float scale, float shift) {
    const i64 n = same_size(x, dy, dx);
    Free free;
    kernels().power_backward(n, x.data(), dy.data(), dx.data(), static_cast<float>(power), static_cast<float>(power - 1),
                             scale, shift);
}

}  // namespace

void bind_curves(nb::module_& m) {
    def(m, "clip_forward", map_one<&Kernels::clip_forward, float, float>);
    def(m, "clip_backward", map_two<&Kernels::clip_backward, float, float>);
    def(m, "hard_sigmoid_forward", map_one<&Kernels::hard_sigmoid_forward, float, float>);
    def(m, "hard_sigmoid_backward", map_two<&Kernels::hard_sigmoid_backward, float>);
    def(m, "hard_swish_forward", map_one<&Kernels::hard_swish_forward>);
    def(m, "hard_swish_backward", map_two<&Kernels::hard_swish_backward>);
    def(m, "mish_forward", map_one<&Kernels::mish_forward>);
    def(m, "mish_backward", map_two<&Kernels::mish_backward>);
    def(m, "gelu_forward", map_one<&Kernels::gelu_forward>);
    def(m, "gelu_backward", map_two<&Kernels::gelu_backward>);
    def(m, "gelu_tanh_forward", map_one<&Kernels::gelu_tanh_forward>);
    def(m, "gelu_tanh_backward", map_two<&Kernels::gelu_tanh_backward>);
    def(m, "power_forward", map_one<&Kernels::power_forward, float, float, float>);
    def(m, "power_backward", power_backward);
}

}  // namespace cortado
