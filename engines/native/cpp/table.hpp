// The table of kernels: what every instruction set's translation unit provides, and the bindings call.
#pragma once

#include <cstdint>

namespace cortado {

using i64 = int64_t;

// Two-dimensional convolutions: sizes of one call. The longest kernel that the compiled code takes is kMaxTaps.
constexpr i64 kMaxTaps = 64;

struct ConvShape {
    i64 images, channels, height, width, outputs, out_h, out_w;
    i64 kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups;
};

struct Kernels {
    const char* isa;
    // c[m, n] = alpha * op(a) op(b) + beta * c, row-major.
    void (*gemm)(i64 m, i64 n, i64 k, float alpha, const float* a, bool transpose_a, const float* b, bool transpose_b,
                 float beta, float* c);

    void (*conv_forward)(const ConvShape& s, const float* x, const float* w, const float* bias, float* y);
    void (*conv_backward_data)(const ConvShape& s, const float* dy, const float* w, float* dx);
    void (*conv_backward_weights)(const ConvShape& s, const float* x, const float* dy, float* dw);
    void (*conv_backward_bias)(i64 images, i64 outputs, i64 area, const float* dy, float* db);
};

// The kernels in use: the best that this machine runs, or what CORTADO_ISA or use_isa() asked for.
const Kernels& kernels();

// "baseline", "avx2" or "avx512" (on other processors "baseline" alone). False if this machine does not run it.
bool use_isa(const char* name);

}  // namespace cortado
