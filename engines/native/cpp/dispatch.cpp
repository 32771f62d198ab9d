#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "table.hpp"

namespace cortado {

extern const Kernels kernels_baseline;
#ifdef CORTADO_X86
extern const Kernels kernels_avx2;
extern const Kernels kernels_avx512;
#endif

namespace {

const Kernels* find(const char* name) {
    if (std::strcmp(name, "baseline") == 0) return &kernels_baseline;
#ifdef CORTADO_X86
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (avx2 && std::strcmp(name, "avx2") == 0) return &kernels_avx2;
    if (avx512 && std::strcmp(name, "avx512") == 0) return &kernels_avx512;
#endif
    return nullptr;
}

const Kernels* choose() {
    if (const char* name = std::getenv("CORTADO_ISA"))
        if (const Kernels* found = find(name)) return found;
    for (const char* name : {"avx512", "avx2"})
        if (const Kernels* found = find(name)) return found;
    return &kernels_baseline;
}

const Kernels*& current() {
    static const Kernels* table = choose();
    return table;
}

}  // namespace

const Kernels& kernels() { return *current(); }

bool use_isa(const char* name) {
    const Kernels* found = find(name);
    if (found != nullptr) current() = found;
    return found != nullptr;
}

}  // namespace cortado
