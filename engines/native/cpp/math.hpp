// Elementary functions of a vector, and the loops that apply something to every element of arrays.
#pragma once

#include <math.h>

#include "table.hpp"
#include "vec.hpp"

namespace cortado {
namespace {

inline vf as_float(vi v) { return (vf)v; }
inline vi as_int(vf v) { return (vi)v; }
inline vf absolute(vf x) { return as_float(as_int(x) & isplat(0x7fffffff)); }
// With a NaN in x the result is NaN: no comparison holds for it.
inline vf at_most(vf x, float limit) { return x > splat(limit) ? splat(limit) : x; }
inline vf at_least(vf x, float limit) { return x < splat(limit) ? splat(limit) : x; }

inline vf root(vf x) {
    vf y;
    for (int l = 0; l < V; ++l) y[l] = __builtin_sqrtf(x[l]);
    return y;
}

// 2^n for whole n in [-126, 127].
inline vf power_of_two(vi n) { return as_float((n + isplat(127)) << 23); }

// x = n ln 2 + r with |r| <= ln 2 / 2: returns exp(r) - 1 and sets n, which is at most 128 from 0 after clamping.
inline vf split_exp(vf x, vi& n) {
    const vf magic = splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to whole numbers
    const vf whole = (x * splat(1.44269504f) + magic) - magic;
    vf r = x - whole * splat(0.693359375f);
    r = r - whole * splat(-2.12194440e-4f);
    n = __builtin_convertvector(whole, vi);
    vf q = splat(1.99150017e-4f);
    q = q * r + splat(1.39420212e-3f);
    q = q * r + splat(8.33327137e-3f);
    q = q * r + splat(4.16663438e-2f);
    q = q * r + splat(1.66666672e-1f);
    q = q * r + splat(0.5f);
    return q * r * r + r;
}

inline vf exponential(vf x) {
    const vf bound = at_least(at_most(x, 89.0f), -104.0f);
    vi n;
    const vf p = split_exp(bound, n) + splat(1.0f);
    // 2^n in two factors, so that results beyond the normal numbers come out right at both ends.
    const vi half = n >> 1;
    const vf y = p * power_of_two(half) * power_of_two(n - half);
    return x != x ? x : y;
}

// exp(x) - 1 for x <= 0, accurate near 0.
inline vf exponential_less_one(vf x) {
    const vf bound = at_least(x, -80.0f);
    vi n;
    const vf p = split_exp(bound, n), two = power_of_two(n);
    const vf y = p * two + (two - splat(1.0f));
    return x != x ? x : y;
}

// log(x) for positive normal x.
inline vf logarithm(vf x) {
    // x = m 2^e with m in [sqrt(1/2), sqrt(2))
    const vi shifted = as_int(x) - isplat(0x3f3504f3);
    const vi e = shifted >> 23;
    const vf m = as_float((shifted & isplat(0x7fffff)) + isplat(0x3f3504f3));
    const vf t = m - splat(1.0f);
    vf q = splat(6.91798404e-2f);
    q = q * t + splat(-1.17796667e-1f);
    q = q * t + splat(1.18660353e-1f);
    q = q * t + splat(-1.23857982e-1f);
    q = q * t + splat(1.42199188e-1f);
    q = q * t + splat(-1.66691974e-1f);
    q = q * t + splat(2.00021520e-1f);
    q = q * t + splat(-2.49999866e-1f);
    q = q * t + splat(3.33333105e-1f);
    const vf f = __builtin_convertvector(e, vf);
    const vf y = ((q * t * t * t + f * splat(-2.12194440e-4f)) - t * t * splat(0.5f)) + t + f * splat(0.693359375f);
    return x > splat(3.4028234e38f) || x != x ? x : y;
}

// log(1 + e) for e in [0, 1].
inline vf logarithm_of_one_more(vf e) {
    const vf u = splat(1.0f) + e;
    // What rounding u has lost, over u; of which a straight line from 1 to 2 is near enough.
    return logarithm(u) - ((u - splat(1.0f)) - e) * (splat(1.5f) - splat(0.5f) * u);
}

inline vf logistic(vf x) {
    const vf e = exponential(-absolute(x));
    const vf numerator = x < vf{} ? e : splat(1.0f);
    return numerator / (splat(1.0f) + e);
}

// x P(x^2) / Q(x^2), both of degree 4, fitted by least squares to a relative error of 2e-8 for |x| up to 9.01, beyond which
// it is 1 to the last bit; 3 units of the last place with the rounding.
inline vf hyperbolic_tangent(vf x) {
    constexpr float kEnd = 9.01f;
    const vf bound = at_most(at_least(x, -kEnd), kEnd), z = bound * bound;
    vf p = splat(1.33389619e-8f), q = splat(7.77019409e-7f);
    p = p * z + splat(2.05979504e-5f), q = q * z + splat(3.28453549e-4f);
    p = p * z + splat(3.49491881e-3f), q = q * z + splat(2.58744434e-2f);
    p = p * z + splat(1.33804649e-1f), q = q * z + splat(4.67137784e-1f);
    p = p * z + splat(1.0f), q = q * z + splat(1.0f);
    const vf y = at_most(at_least(bound * p / q, -1.0f), 1.0f);
    return x > splat(kEnd) ? splat(1.0f) : x < splat(-kEnd) ? splat(-1.0f) : y;
}

// x^-beta for positive x; 3/4, which LRN uses, by roots.
inline vf inverse_power(vf x, float beta) {
    if (beta == 0.75f) {
        const vf r = root(x);
        return splat(1.0f) / (r * root(r));
    }
    return exponential(splat(-beta) * logarithm(x));
}

// How many of the V lanes are in use: all, or the first few.
struct All {};
struct First {
    i64 count;
};

inline vf get(const float* p, All) { return load(p); }
inline vf get(const float* p, First f) { return load_part(p, f.count); }
inline void put(float* p, vf v, All) { store(p, v); }
inline void put(float* p, vf v, First f) { store_part(p, v, f.count); }

// 0 in the lanes that are not in use.
inline vf only(vf v, All) { return v; }
inline vf only(vf v, First f) { return first_lanes(f.count) ? v : vf{}; }

// body(i, lanes) for i = 0, V, 2 V, ... up to n.
template <class Body>
inline void along(i64 n, const Body& body) {
    i64 i = 0;
    for (; i + V <= n; i += V) body(i, All{});
    if (i < n) body(i, First{n - i});
}

// The same on all threads, in pieces that are worth waking one for.
template <class Body>
inline void sweep(i64 n, const Body& body) {
    constexpr i64 kPiece = 16384;
    parallel(ceil_div(n, kPiece), [&](i64 piece) {
        const i64 start = piece * kPiece, count = min(kPiece, n - start);
        along(count, [&](i64 i, auto lanes) { body(start + i, lanes); });
    });
}

// body(c, row, i, lanes) for every element i of each row of [outer, channels, inner]; c is its channel and row the
// index of its first element. With inner 1 the channels themselves are the row, and c is that of the first lane.
template <class Body>
inline void sweep_channels(const Axes& s, const Body& body) {
    const i64 rows = s.outer * s.channels, each = max(1, 16384 / max(1, s.inner));
    parallel(ceil_div(rows, each), [&](i64 piece) {
        for (i64 row = piece * each; row < min(rows, (piece + 1) * each); ++row) {
            const i64 c = row % s.channels, base = row * s.inner;
            along(s.inner, [&](i64 i, auto lanes) { body(c, base + i, lanes); });
        }
    });
}

}  // namespace
}  // namespace cortado
