// The extension module: array arguments in, the GIL released, a kernel of the table called.
#include "bind.hpp"

#include <nanobind/stl/pair.h>

#include "pool.hpp"

NB_MODULE(_kernels, m) {
    nb::set_leak_warnings(false);  // what lives when the interpreter ends is not the user's business
    m.attr("__doc__") = "Compiled kernels of the native engine.";
    m.attr("BINDINGS") = CORTADO_BINDINGS;
    m.def("isa", [] { return cortado::kernels().isa; });
    m.def("use_isa", [](const char* name) { return cortado::use_isa(name); });
    m.def("threads", [] { return cortado::threads(); });
    m.def("set_threads", [](int count) { cortado::set_threads(count); });
    m.def("burst", [](int64_t rounds) {
        cortado::Free free;
        return cortado::kernels().burst(rounds);
    });
    m.def("workspace_bytes", [] { return cortado::workspace_bytes(); });
    m.def("count_time", [](bool on) { cortado::own_clock = {on, 0, 0}; });
    m.def("counted_time", [] { return std::make_pair(cortado::own_clock.kernels, cortado::own_clock.waiting); });
    cortado::bind_channels(m);
    cortado::bind_commands(m);
    cortado::bind_convolution(m);
    cortado::bind_curves(m);
    cortado::bind_elementwise(m);
    cortado::bind_linear(m);
    cortado::bind_losses(m);
    cortado::bind_normalization(m);
    cortado::bind_pooling(m);
    cortado::bind_updates(m);
}
