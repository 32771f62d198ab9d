// The one-dimensional transforms of Winograd's minimal filtering, M outputs of a filter of 3 taps from M + 2 inputs:
// y = output(weights(g) * input(d)). The gradient to the filter is their adjoint: gradient() spreads dy over the M + 2
// points, filter() brings their products back to 3 taps.
#pragma once

#include "vec.hpp"

namespace cortado {
namespace {

template <int M>
struct Minimal;

// Points 0, 1, -1, infinity.
template <>
struct Minimal<2> {
    static constexpr int M = 2, T = 4;
    static void input(const vf* d, vf* v) {
        v[0] = d[0] - d[2];
        v[1] = d[1] + d[2];
        v[2] = d[2] - d[1];
        v[3] = d[1] - d[3];
    }
    static void weights(const vf* g, vf* u) {
        const vf half = splat(0.5f), sum = g[0] + g[2];
        u[0] = g[0];
        u[1] = (sum + g[1]) * half;
        u[2] = (sum - g[1]) * half;
        u[3] = g[2];
    }
    static void output(const vf* m, vf* y) {
        y[0] = m[0] + m[1] + m[2];
        y[1] = m[1] - m[2] - m[3];
    }
    static void gradient(const vf* y, vf* m) {
        m[0] = y[0];
        m[1] = y[0] + y[1];
        m[2] = y[0] - y[1];
        m[3] = -y[1];
    }
    static void filter(const vf* u, vf* g) {
        const vf half = splat(0.5f);
        g[0] = u[0] + (u[1] + u[2]) * half;
        g[1] = (u[1] - u[2]) * half;
        g[2] = (u[1] + u[2]) * half + u[3];
    }
};

// Points 0, 1, -1, 2, -2, infinity.
template <>
struct Minimal<4> {
    static constexpr int M = 4, T = 6;
    static void input(const vf* d, vf* v) {
        const vf four = splat(4), five = splat(5), two = splat(2);
        const vf a = d[4] - four * d[2], b = d[3] - four * d[1];
        const vf c = d[4] - d[2], e = two * (d[3] - d[1]);
        v[0] = four * d[0] - five * d[2] + d[4];
        v[1] = a + b;
        v[2] = a - b;
        v[3] = c + e;
        v[4] = c - e;
        v[5] = four * d[1] - five * d[3] + d[5];
    }
    static void weights(const vf* g, vf* u) {
        const vf sixth = splat(1.0f / 6), small = splat(1.0f / 24), twelfth = splat(1.0f / 12);
        const vf a = -sixth * (g[0] + g[2]), b = -sixth * g[1];
        const vf c = small * g[0] + sixth * g[2], e = twelfth * g[1];
        u[0] = splat(0.25f) * g[0];
        u[1] = a + b;
        u[2] = a - b;
        u[3] = c + e;
        u[4] = c - e;
        u[5] = g[2];
    }
    static void output(const vf* m, vf* y) {
        const vf a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], e = m[3] - m[4];
        y[0] = m[0] + a + c;
        y[1] = b + splat(2) * e;
        y[2] = a + splat(4) * c;
        y[3] = b + splat(8) * e + m[5];
    }
    static void gradient(const vf* y, vf* m) {
        const vf a = y[0] + y[2], b = y[1] + y[3];
        const vf c = y[0] + splat(4) * y[2], e = splat(2) * y[1] + splat(8) * y[3];
        m[0] = y[0];
        m[1] = a + b;
        m[2] = a - b;
        m[3] = c + e;
        m[4] = c - e;
        m[5] = y[3];
    }
    static void filter(const vf* u, vf* g) {
        const vf sixth = splat(1.0f / 6), small = splat(1.0f / 24), twelfth = splat(1.0f / 12);
        const vf a = u[1] + u[2], b = u[1] - u[2], c = u[3] + u[4], e = u[3] - u[4];
        g[0] = splat(0.25f) * u[0] - sixth * a + small * c;
        g[1] = twelfth * e - sixth * b;
        g[2] = u[5] - sixth * a + sixth * c;
    }
};

}  // namespace
}  // namespace cortado
