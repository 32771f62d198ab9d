// Activations that came after Caffe's own, clipping, and powers.
#pragma once

#include "math.hpp"

namespace cortado {
namespace {

void clip_forward(i64 n, const float* x, float* y, float low, float high) {
    sweep(n, [=](i64 i, auto l) { put(y + i, at_most(at_least(get(x + i, l), low), high), l); });
}

void clip_backward(i64 n, const float* x, const float* dy, float* dx, float low, float high) {
    sweep(n, [=](i64 i, auto l) {
        const vf v = get(x + i, l);
        const vi inside = (v >= splat(low)) & (v <= splat(high));
        put(dx + i, get(dy + i, l) * (inside ? splat(1) : vf{}), l);
    });
}

void hard_sigmoid_forward(i64 n, const float* x, float* y, float alpha, float beta) {
    sweep(n, [=](i64 i, auto l) {
        put(y + i, at_most(at_least(get(x + i, l) * splat(alpha) + splat(beta), 0), 1), l);
    });
}

void hard_sigmoid_backward(i64 n, const float* y, const float* dy, float* dx, float alpha) {
    sweep(n, [=](i64 i, auto l) {
        const vf v = get(y + i, l);
        const vi inside = (v > vf{}) & (v < splat(1));
        put(dx + i, get(dy + i, l) * (inside ? splat(alpha) : vf{}), l);
    });
}

void hard_swish_forward(i64 n, const float* x, float* y) {
    sweep(n, [=](i64 i, auto l) {
        const vf v = get(x + i, l);
        put(y + i, v * at_most(at_least(v * splat(1.0f / 6) + splat(0.5f), 0), 1), l);
    });
}

void hard_swish_backward(i64 n, const float* x, const float* dy, float* dx) {
    sweep(n, [=](i64 i, auto l) {
        const vf v = get(x + i, l), between = v * splat(1.0f / 3) + splat(0.5f);
        put(dx + i, get(dy + i, l) * (v <= splat(-3) ? vf{} : v >= splat(3) ? splat(1) : between), l);
    });
}

// tanh(log(1 + exp(x))), and, through *e*, exp(-|x|): of which only powers and one division are needed.
inline vf mish_gate(vf x, vf& e) {
    e = exponential(-absolute(x));
    const vi negative = x < vf{};
    const vf square = e * e, twice = e + e;
    // with n = exp(x), (n^2 + 2 n) / (n^2 + 2 n + 2); for positive x both are divided by n^2
    const vf above = negative ? square + twice : splat(1) + twice;
    const vf below = negative ? above + splat(2) : above + (square + square);
    return above / below;
}

void mish_forward(i64 n, const float* x, float* y) {
    sweep(n, [=](i64 i, auto l) {
        vf e;
        const vf v = get(x + i, l);
        put(y + i, v * mish_gate(v, e), l);
    });
}

void mish_backward(i64 n, const float* x, const float* dy, float* dx) {
    sweep(n, [=](i64 i, auto l) {
        vf e;
        const vf v = get(x + i, l), gate = mish_gate(v, e);
        const vf share = (v < vf{} ? e : splat(1)) / (splat(1) + e), square = gate * gate;
        put(dx + i, get(dy + i, l) * (gate + v * share * (splat(1) - square)), l);
    });
}

// The share of a normal distribution below x. erfc(a) = exp(-a^2) t P(2 t - 1) with t = 3 / (3 + a), a >= 0: see erf.py.
inline vf normal_share(vf x) {
    constexpr float kTerms[] = {2.260987852402578e-05f,  7.030988922803929e-05f,  -1.6928351762659e-04f,
                                -9.911235675145347e-04f, -4.107903472013445e-04f, 8.933907198412055e-03f,
                                3.984410023021237e-02f,  1.0349057075351656e-01f, 1.9674265853470232e-01f,
                                2.9446474467980094e-01f, 3.580023041045045e-01f};
    const vf a = absolute(x) * splat(0.70710678f), t = splat(3) / (splat(3) + a), s = t + t - splat(1);
    vf p = splat(kTerms[0]);
    for (size_t k = 1; k < sizeof kTerms / sizeof *kTerms; ++k) p = p * s + splat(kTerms[k]);
    const vf half = splat(0.5f) * (p * t * exponential(-(a * a)));
    return x > vf{} ? splat(1) - half : half;
}

void gelu_forward(i64 n, const float* x, float* y) {
    sweep(n, [=](i64 i, auto l) {
        const vf v = get(x + i, l);
        put(y + i, v * normal_share(v), l);
    });
}

void gelu_backward(i64 n, const float* x, const float* dy, float* dx) {
    sweep(n, [=](i64 i, auto l) {
        const vf v = get(x + i, l), square = v * v;
        const vf density = exponential(square * splat(-0.5f)) * splat(0.39894228f);
        put(dx + i, get(dy + i, l) * (normal_share(v) + density * v), l);
    });
}

constexpr float kRoot = 0.79788456f, kCubic = 0.044715f;

inline vf cubic_tanh(vf x) {
    const vf square = x * x;
    return hyperbolic_tangent((square * splat(kRoot * kCubic) + splat(kRoot)) * x);
}

void gelu_tanh_forward(i64 n, const float* x, float* y) {
    sweep(n, [=](i64 i, auto l) {
        const vf v = get(x + i, l);
        put(y + i, v * ((cubic_tanh(v) + splat(1)) * splat(0.5f)), l);
    });
}

void gelu_tanh_backward(i64 n, const float* x, const float* dy, float* dx) {
    sweep(n, [=](i64 i, auto l) {
        const vf v = get(x + i, l), t = cubic_tanh(v), squared = t * t;
        const vf near = at_most(at_least(v, -30), 30), square = near * near;  // further out 1 - t^2 is 0
        const vf inner = (square * splat(1.5f * kRoot * kCubic) + splat(0.5f * kRoot)) * near;
        put(dx + i, get(dy + i, l) * ((t + splat(1)) * splat(0.5f) + (splat(1) - squared) * inner), l);
    });
}

// base^power for each lane; what the usual powers need not go through the library for.
inline vf raised(vf base, float power) {
    if (power == 1) return base;
    if (power == 2) return base * base;
    if (power == 0.5f) return root(base);
    if (power == 0) return splat(1);
    vf y{};
    for (int l = 0; l < V; ++l) y[l] = powf(base[l], power);
    return y;
}

void power_forward(i64 n, const float* x, float* y, float power, float scale, float shift) {
    sweep(n, [=](i64 i, auto l) { put(y + i, raised(get(x + i, l) * splat(scale) + splat(shift), power), l); });
}

void power_backward(i64 n, const float* x, const float* dy, float* dx, float power, float less, float scale, float shift) {
    const float factor = power * scale;
    sweep(n, [=](i64 i, auto l) {
        const vf base = get(x + i, l) * splat(scale) + splat(shift);
        put(dx + i, factor == 0 ? vf{} : get(dy + i, l) * (raised(base, less) * splat(factor)), l);
    });
}

}  // namespace
}  // namespace cortado
