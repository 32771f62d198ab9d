// The table of kernels: what every instruction set's translation unit provides, and the bindings call.
#pragma once

#include <cstdint>

namespace cortado {

using i64 = int64_t;

struct Kernels {
    const char* isa;
    // c[m, n] = alpha * op(a) op(b) + beta * c, row-major.
    void (*gemm)(i64 m, i64 n, i64 k, float alpha, const float* a, bool transpose_a, const float* b, bool transpose_b,
                 float beta, float* c);
};

// The kernels in use: the best that this machine runs, or what CORTADO_ISA or use_isa() asked for.
const Kernels& kernels();

// "baseline", "avx2" or "avx512" (on other processors "baseline" alone). False if this machine does not run it.
bool use_isa(const char* name);

}  // namespace cortado
