// One vector of floats, as wide as the instruction set of this translation unit has it.
//
// Every kernel is compiled once per instruction set, so nothing here may have external linkage: the linker would keep
// one copy for all. That is also why <algorithm> is not used: an inline function of the standard library that happens
// not to be inlined would be compiled for AVX-512 and called on machines without it.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

#include "pool.hpp"

namespace cortado {
namespace {

using i64 = int64_t;

// The pieces of workspace that may be in use at the same time.
enum Slot { kSlotPackedA, kSlotPanelA, kSlotPackedB, kSlotParts, kSlotTaps, kSlotPhases, kSlotRow, kSlotColumns, kSlotA, kSlotB, kSlotWeights, kSlotTiles, kSlotProducts, kSlotShared };

#if defined(__AVX512F__)
constexpr int V = 16;
constexpr int MR = 14;
#elif defined(__AVX__)
constexpr int V = 8;
constexpr int MR = 6;
#elif defined(__aarch64__)
constexpr int V = 4;
constexpr int MR = 12;
#else
constexpr int V = 4;
constexpr int MR = 6;
#endif

// A panel of columns is two vectors wide.
constexpr int NR = 2 * V;

typedef float vf __attribute__((vector_size(V * 4)));
typedef int32_t vi __attribute__((vector_size(V * 4)));
typedef float vf_unaligned __attribute__((vector_size(V * 4), aligned(4), may_alias));
typedef int32_t vi_unaligned __attribute__((vector_size(V * 4), aligned(4), may_alias));

inline vf load(const float* p) { return *reinterpret_cast<const vf_unaligned*>(p); }
inline void store(float* p, vf v) { *reinterpret_cast<vf_unaligned*>(p) = v; }
inline vf splat(float x) { return x - vf{}; }
inline vi isplat(int32_t x) { return x - vi{}; }

// Keeps the compiler from reading from memory again, once per use, what has been read already.
inline void hold(vf& v) {
#if defined(__x86_64__)
    asm("" : "+v"(v));
#elif defined(__aarch64__)
    asm("" : "+w"(v));
#else
    (void)v;
#endif
}

inline i64 min(i64 a, i64 b) { return a < b ? a : b; }
inline i64 max(i64 a, i64 b) { return a > b ? a : b; }
inline i64 ceil_div(i64 a, i64 b) { return (a + b - 1) / b; }
inline i64 round_up(i64 a, i64 b) { return ceil_div(a, b) * b; }

// What is below 0 as 0; NaN stays.
inline vf positive(vf v) {
#if defined(__AVX512F__)
    return (vf)_mm512_max_ps(_mm512_setzero_ps(), (__m512)v);
#else
    return vf{} > v ? vf{} : v;
#endif
}

// -1 in the lanes from `begin` up to `end`, 0 in the others.
inline vi lanes_between(i64 begin, i64 end) {
    vi lane;
    for (int l = 0; l < V; ++l) lane[l] = l;
    return (lane >= isplat(static_cast<int32_t>(begin))) & (lane < isplat(static_cast<int32_t>(end)));
}
inline vi first_lanes(i64 n) { return lanes_between(0, n); }

// Whether any bit is set.
inline bool any(vi v) {
#if defined(__AVX2__) && !defined(__AVX512F__)
    return _mm256_testz_si256((__m256i)v, (__m256i)v) == 0;
#else
    i64 part[V / 2], all = 0;
    memcpy(part, &v, sizeof v);
    for (i64 bits : part) all |= bits;
    return all != 0;
#endif
}

// The first n floats at p, 0 in the other lanes; what lies beyond them is not touched.
inline vf load_part(const float* p, i64 n) {
#if defined(__AVX512F__)
    return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif defined(__AVX2__)
    return (vf)_mm256_maskload_ps(p, (__m256i)first_lanes(n));
#else
    alignas(64) float lanes[V] = {};
    for (i64 i = 0; i < n; ++i) lanes[i] = p[i];
    return load(lanes);
#endif
}

inline void store_part(float* p, vf v, i64 n) {
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#elif defined(__AVX2__)
    _mm256_maskstore_ps(p, (__m256i)first_lanes(n), (__m256)v);
#else
    alignas(64) float lanes[V];
    store(lanes, v);
    for (i64 i = 0; i < n; ++i) p[i] = lanes[i];
#endif
}

inline float sum_of(vf v) {
    alignas(64) float lanes[V];
    store(lanes, v);
    float total = 0;
    for (int half = V / 2; half > 0; half /= 2)
        for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
    total = lanes[0];
    return total;
}

// Asks for the cache lines of so many floats; the address may be anywhere.
inline void prefetch(const float* p, i64 count) {
    for (i64 i = 0; i < count; i += 16) __builtin_prefetch(p + i);
}

inline float sum(const float* p, i64 count) {
    vf total[4] = {};
    i64 i = 0;
    for (; i + 4 * V <= count; i += 4 * V)
        for (int a = 0; a < 4; ++a) total[a] += load(p + i + a * V);
    for (; i < count; i += V) total[0] += count - i >= V ? load(p + i) : load_part(p + i, count - i);
    return sum_of((total[0] + total[1]) + (total[2] + total[3]));
}

// Transposes the V vectors in place: log2(V) rounds, in each of which rows at distance h exchange blocks of h lanes.
template <int H>
inline void exchange(vf* rows) {
    vi low, high;
    for (int l = 0; l < V; ++l) {
        low[l] = (l & H) ? l - H + V : l;
        high[l] = (l & H) ? l + V : l + H;
    }
#pragma GCC unroll 16
    for (int r = 0; r < V; ++r) {
        if (r & H) continue;
        const vf a = rows[r], b = rows[r + H];
#if defined(__clang__)
        vf x, y;
        for (int l = 0; l < V; ++l) {
            x[l] = (l & H) ? b[l - H] : a[l];
            y[l] = (l & H) ? b[l] : a[l + H];
        }
        rows[r] = x;
        rows[r + H] = y;
#else
        rows[r] = __builtin_shuffle(a, b, low);
        rows[r + H] = __builtin_shuffle(a, b, high);
#endif
    }
}

inline void transpose(vf* rows) {
    if constexpr (V >= 16) exchange<8>(rows);
    if constexpr (V >= 8) exchange<4>(rows);
    exchange<2>(rows);
    exchange<1>(rows);
}

// a0 b0 a1 b1 ...
inline void store_in_turn(float* to, vf a, vf b) {
#if defined(__clang__)
    for (int l = 0; l < V; ++l) to[2 * l] = a[l], to[2 * l + 1] = b[l];
#else
    vi low, high;
    for (int l = 0; l < V; ++l) low[l] = l / 2 + l % 2 * V, high[l] = (V + l) / 2 + l % 2 * V;
    store(to, __builtin_shuffle(a, b, low));
    store(to + V, __builtin_shuffle(a, b, high));
#endif
}

// p[0], p[2], p[4] ..., where a has the V floats at p and b those at p + V - 1.
inline vf alternate(vf a, vf b) {
#if defined(__clang__)
    vf v;
    for (int l = 0; l < V; ++l) v[l] = 2 * l < V ? a[2 * l] : b[2 * l - V + 1];
    return v;
#else
    vi even;
    for (int l = 0; l < V; ++l) even[l] = 2 * l < V ? 2 * l : 2 * l + 1;
    return __builtin_shuffle(a, b, even);
#endif
}
inline vf load_alternate(const float* p) { return alternate(load(p), load(p + V - 1)); }

// parallel(n, [&](i64 i) { ... }): every i in [0, n) once, on all threads.
template <class Body>
inline void parallel(i64 tasks, const Body& body) {
    run_tasks(
        tasks, [](void* context, i64 task) { (*static_cast<const Body*>(context))(task); },
        const_cast<void*>(static_cast<const void*>(&body)));
}

template <class T>
inline T* space(int slot, i64 count) {
    return static_cast<T*>(workspace(slot, static_cast<size_t>(count) * sizeof(T)));
}

}  // namespace
}  // namespace cortado
