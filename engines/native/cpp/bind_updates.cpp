#include "bind.hpp"

namespace cortado {
namespace {

void regularize(const In& w, const Out& g, float l1, float l2) {
    const i64 n = same_size(w, g);
    Free free;
    kernels().regularize(n, w.data(), g.data(), l1, l2);
}

template <auto Kernel, class... Numbers>
void with_history(const Out& w, const Out& g, const Out& h, Numbers... numbers) {
    const i64 n = same_size(w, g, h);
    Free free;
    (kernels().*Kernel)(n, w.data(), g.data(), h.data(), numbers...);
}

template <auto Kernel, class... Numbers>
void with_histories(const Out& w, const Out& g, const Out& a, const Out& b, Numbers... numbers) {
    const i64 n = same_size(w, g, a, b);
    Free free;
    (kernels().*Kernel)(n, w.data(), g.data(), a.data(), b.data(), numbers...);
}

}  // namespace

void bind_updates(nb::module_& m) {
    m.def("regularize", regularize);
    m.def("sgd_update", with_history<&Kernels::sgd_update, float, float>);
    m.def("nesterov_update", with_history<&Kernels::nesterov_update, float, float>);
    m.def("adagrad_update", with_history<&Kernels::adagrad_update, float, float>);
    m.def("rmsprop_update", with_history<&Kernels::rmsprop_update, float, float, float>);
    m.def("adadelta_update", with_histories<&Kernels::adadelta_update, float, float, float>);
    m.def("adam_update", with_histories<&Kernels::adam_update, float, float, float, float>);
}

}  // namespace cortado
