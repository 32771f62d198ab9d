// What the processor can do at most: multiply-adds that wait for nothing, on every thread.
#pragma once

#include "vec.hpp"

namespace cortado {
namespace {

// More chains than the units times their latency, and few enough for the registers.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kChains = 24;
#else
constexpr int kChains = 12;
#endif

// `rounds` multiply-adds on each of so many independent chains, in 8 tasks per thread. Returns how many additions and
// multiplications that were.
double burst(i64 rounds) {
    const i64 tasks = 8 * threads();
    parallel(tasks, [&](i64) {
        volatile float numbers[2] = {0.999999f, 1e-6f};  // read at run time, so that nothing is worked out beforehand
        const vf factor = splat(numbers[0]), term = splat(numbers[1]);
        vf chain[kChains];
#pragma GCC unroll 24
        for (int c = 0; c < kChains; ++c) chain[c] = splat(static_cast<float>(c));
        for (i64 round = 0; round < rounds; ++round)
#pragma GCC unroll 24
            for (int c = 0; c < kChains; ++c) chain[c] = chain[c] * factor + term;
        vf total{};
#pragma GCC unroll 24
        for (int c = 0; c < kChains; ++c) total += chain[c];
        numbers[0] = sum_of(total);
    });
    return 2.0 * V * kChains * static_cast<double>(tasks) * static_cast<double>(rounds);
}

}  // namespace
}  // namespace cortado
