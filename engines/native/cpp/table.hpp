// The table of kernels: what every instruction set's translation unit provides, and the bindings call.
//
// What each kernel computes is said by the method of the same name of the reference engine. Arrays are dense and
// row-major. A kernel is added here, in a file that isa.cpp includes, and in one of the bind_*.cpp.
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

// What else a fused convolution does: y = rectify(convolution + bias + y), into images that may lie further apart than
// they are long, with weights that may have been packed before (conv_pack, of the same shape).
struct Fusion {
    bool add = false, rectify = false;
    float slope = 0;
    i64 image_size = 0;  // floats from one image of y to the next
    const float* packed = nullptr;
};

// Pooling over `planes` images of one channel.
struct PoolShape {
    i64 planes, height, width, out_h, out_w, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;
};

// An array seen as [outer, channels, inner].
struct Axes {
    i64 outer, channels, inner;
};

// A copy between strided arrays of one shape; strides in floats, the innermost axis last.
struct StridedCopy {
    static constexpr i64 kMaxAxes = 8;
    i64 axes, size[kMaxAxes], from[kMaxAxes], to[kMaxAxes];
};

// X(return type, name, (parameters))
#define CORTADO_KERNELS(X)                                                                                             \
    X(double, burst, (i64 rounds))                                                                                     \
    X(void, gemm, (i64 m, i64 n, i64 k, float alpha, const float* a, bool transpose_a, const float* b,                 \
                   bool transpose_b, float beta, float* c))                                                            \
    X(void, inner_product_forward, (i64 m, i64 n, i64 k, const float* x, const float* w, const float* bias, float* y,  \
                                    bool transposed))                                                                  \
    X(void, conv_forward, (const ConvShape& s, const float* x, const float* w, const float* bias, float* y))           \
    X(i64, conv_packed, (const ConvShape& s))                                                                          \
    X(void, conv_pack, (const ConvShape& s, const float* w, float* packed))                                            \
    X(void, conv_fused, (const ConvShape& s, const float* x, const float* w, const float* bias, float* y,              \
                         const Fusion& fused))                                                                         \
    X(void, conv_separable, (const ConvShape& depthwise, const float* x, const float* depthwise_w,                      \
                             const float* depthwise_bias, const Fusion& between, const ConvShape& s, const float* w,   \
                             const float* bias, float* y, const Fusion& fused))                                        \
    X(void, conv_backward_data, (const ConvShape& s, const float* dy, const float* w, float* dx))                      \
    X(void, conv_backward_weights, (const ConvShape& s, const float* x, const float* dy, float* dw))                   \
    X(void, im2col, (const ConvShape& s, const float* x, float* col))                                                  \
    X(void, col2im, (const ConvShape& s, const float* col, float* x))                                                  \
    X(void, relu_forward, (i64 n, const float* x, float* y, float slope))                                              \
    X(void, relu_backward, (i64 n, const float* x, const float* dy, float* dx, float slope))                           \
    X(void, sigmoid_forward, (i64 n, const float* x, float* y))                                                        \
    X(void, sigmoid_backward, (i64 n, const float* y, const float* dy, float* dx))                                     \
    X(void, tanh_forward, (i64 n, const float* x, float* y))                                                           \
    X(void, tanh_backward, (i64 n, const float* y, const float* dy, float* dx))                                        \
    X(void, elu_forward, (i64 n, const float* x, float* y, float alpha))                                               \
    X(void, elu_backward, (i64 n, const float* x, const float* y, const float* dy, float* dx, float alpha))            \
    X(void, bnll_forward, (i64 n, const float* x, float* y))                                                           \
    X(void, bnll_backward, (i64 n, const float* x, const float* dy, float* dx))                                        \
    X(void, swish_forward, (i64 n, const float* x, float* y, float beta))                                              \
    X(void, swish_backward, (i64 n, const float* x, const float* y, const float* dy, float* dx, float beta))           \
    X(void, clip_forward, (i64 n, const float* x, float* y, float low, float high))                                    \
    X(void, clip_backward, (i64 n, const float* x, const float* dy, float* dx, float low, float high))                 \
    X(void, hard_sigmoid_forward, (i64 n, const float* x, float* y, float alpha, float beta))                          \
    X(void, hard_sigmoid_backward, (i64 n, const float* y, const float* dy, float* dx, float alpha))                   \
    X(void, hard_swish_forward, (i64 n, const float* x, float* y))                                                     \
    X(void, hard_swish_backward, (i64 n, const float* x, const float* dy, float* dx))                                  \
    X(void, mish_forward, (i64 n, const float* x, float* y))                                                           \
    X(void, mish_backward, (i64 n, const float* x, const float* dy, float* dx))                                        \
    X(void, gelu_forward, (i64 n, const float* x, float* y))                                                           \
    X(void, gelu_backward, (i64 n, const float* x, const float* dy, float* dx))                                        \
    X(void, gelu_tanh_forward, (i64 n, const float* x, float* y))                                                      \
    X(void, gelu_tanh_backward, (i64 n, const float* x, const float* dy, float* dx))                                   \
    X(void, power_forward, (i64 n, const float* x, float* y, float power, float scale, float shift))                   \
    X(void, power_backward, (i64 n, const float* x, const float* dy, float* dx, float power, float less, float scale,  \
                             float shift))                                                                             \
    X(void, prelu_forward, (const Axes& s, const float* x, const float* slope, float* y))                              \
    X(void, prelu_backward_data, (const Axes& s, const float* x, const float* slope, const float* dy, float* dx))      \
    X(void, prelu_backward_slope, (const Axes& s, const float* x, const float* dy, float* dslope))                     \
    X(void, scale_forward, (const Axes& s, const float* x, const float* scale, const float* bias, float* y))           \
    X(void, scale_backward_data, (const Axes& s, const float* dy, const float* scale, float* dx))                      \
    X(void, scale_backward_scale, (const Axes& s, const float* x, const float* dy, float* ds))                         \
    X(void, bias_forward, (const Axes& s, const float* x, const float* bias, float* y))                                \
    X(void, bias_backward, (const Axes& s, const float* dy, float* db))                                                \
    X(void, axpy, (i64 n, float alpha, const float* x, float* y))                                                      \
    X(void, scale_by, (i64 n, float alpha, const float* x, float* y))                                                  \
    X(void, multiply_by, (i64 n, const float* a, const float* b, float* y))                                            \
    X(void, weighted_sum, (i64 n, float alpha, const float* a, float beta, const float* b, float* y))                  \
    X(void, eltwise_max_step, (i64 n, const float* x, float* y, int32_t* mask, int32_t index))                         \
    X(void, eltwise_max_backward, (i64 n, const float* dy, const int32_t* mask, int32_t index, float* dx))             \
    X(void, copy, (const StridedCopy& s, const float* from, float* to))                                                \
    X(double, dot, (i64 n, const float* a, const float* b))                                                            \
    X(double, asum, (i64 n, const float* a))                                                                           \
    X(bool, all_finite, (i64 n, const float* x))                                                                       \
    X(void, dropout_bytes, (i64 n, const float* x, const uint8_t* mask, float* y, float scale))                        \
    X(void, dropout_floats, (i64 n, const float* x, const float* mask, float* y, float scale))                         \
    X(void, max_pool_forward, (const PoolShape& s, const float* x, float* y, int32_t* mask))                           \
    X(void, max_pool_backward, (const PoolShape& s, const float* dy, const int32_t* mask, float* dx))                  \
    X(void, ave_pool_forward, (const PoolShape& s, const float* x, float* y))                                          \
    X(void, ave_pool_backward, (const PoolShape& s, const float* dy, float* dx))                                       \
    X(void, stochastic_pool_forward, (const PoolShape& s, const float* x, float* y, int32_t* mask,                     \
                                      const float* uniform))                                                           \
    X(void, stochastic_pool_test_forward, (const PoolShape& s, const float* x, float* y))                              \
    X(void, lrn_across_forward, (const Axes& s, const float* x, float* y, float* scale, i64 size, float alpha,         \
                                 float beta, float k))                                                                 \
    X(void, lrn_across_backward, (const Axes& s, const float* x, const float* y, const float* scale, const float* dy,  \
                                  float* dx, i64 size, float alpha, float beta))                                       \
    X(void, lrn_within_forward, (i64 planes, i64 height, i64 width, const float* x, float* y, float* scale, i64 size,  \
                                 float alpha, float beta))                                                             \
    X(void, lrn_within_backward, (i64 planes, i64 height, i64 width, const float* x, const float* y,                   \
                                  const float* scale, const float* dy, float* dx, i64 size, float alpha, float beta))  \
    X(void, batch_norm_statistics, (const Axes& s, const float* x, float* mean, float* var))                           \
    X(void, batch_norm_forward, (const Axes& s, const float* x, const float* mean, const float* var, float eps,        \
                                 float* y, float* xhat))                                                               \
    X(void, batch_norm_backward, (const Axes& s, const float* xhat, const float* var, float eps, const float* dy,      \
                                  float* dx))                                                                          \
    X(void, batch_norm_backward_global, (const Axes& s, const float* var, float eps, const float* dy, float* dx))      \
    X(void, batch_norm_scale_forward, (const Axes& s, const float* x, float eps, const float* scale, const float* bias,  \
                                       bool rectify, float slope, float* mean, float* var, float* y, float* xhat))     \
    X(void, batch_norm_scale_backward, (const Axes& s, const float* xhat, const float* y, const float* var, float eps, \
                                        const float* scale, bool rectify, float slope, const float* dy, float* dx,     \
                                        float* dscale, float* dbias))                                                  \
    X(void, mvn_forward, (i64 rows, i64 n, const float* x, float* y, float* mean, float* std, float eps,               \
                          bool normalize_variance))                                                                    \
    X(void, mvn_backward, (i64 rows, i64 n, const float* y, const float* std, const float* dy, float* dx, float eps,   \
                           bool normalize_variance))                                                                   \
    X(void, softmax_forward, (const Axes& s, const float* x, float* y))                                                \
    X(void, softmax_backward, (const Axes& s, const float* y, const float* dy, float* dx))                             \
    X(void, softmax_loss_backward, (const Axes& s, const float* prob, const float* label, bool ignores, i64 ignored,   \
                                    float scale, float* dx))                                                           \
    X(double, sigmoid_cross_entropy_forward, (i64 n, const float* x, const float* target, bool ignores, float label,   \
                                              i64* counted))                                                           \
    X(void, sigmoid_cross_entropy_backward, (i64 n, const float* x, const float* target, bool ignores, float label,    \
                                             float scale, float* dx))                                                  \
    X(void, regularize, (i64 n, const float* w, float* g, float l1, float l2))                                         \
    X(void, sgd_update, (i64 n, float* w, float* g, float* h, float rate, float momentum))                             \
    X(void, nesterov_update, (i64 n, float* w, float* g, float* h, float rate, float momentum))                        \
    X(void, adagrad_update, (i64 n, float* w, float* g, float* h, float rate, float delta))                            \
    X(void, rmsprop_update, (i64 n, float* w, float* g, float* h, float rate, float decay, float delta))               \
    X(void, adadelta_update, (i64 n, float* w, float* g, float* h1, float* h2, float rate, float momentum,             \
                              float delta))                                                                            \
    X(void, adam_update, (i64 n, float* w, float* g, float* m, float* v, float rate, float beta1, float beta2,         \
                          float delta))

struct Kernels {
    const char* isa;
#define CORTADO_MEMBER(type, name, parameters) type(*name) parameters;
    CORTADO_KERNELS(CORTADO_MEMBER)
#undef CORTADO_MEMBER
};

// The kernels in use: the best that this machine runs, or what CORTADO_ISA or use_isa() asked for.
const Kernels& kernels();

// "baseline", "avx2" or "avx512" (on other processors "baseline" alone). False if this machine does not run it.
bool use_isa(const char* name);

}  // namespace cortado
