// Mean and variance normalization of each row of [rows, n], and its gradient.
#pragma once

#include "channels.hpp"

namespace cortado {
namespace {

// sums[n] = the sum over [0, n) of the numbers n that term(i, lanes, numbers) gives, on all threads: the sums of pieces
// are added up in order, whatever thread made them.
template <int N, class Term>
inline void sums_of_pieces(i64 n, double* sums, const Term& term) {
    constexpr i64 kPiece = 16384;
    const i64 pieces = ceil_div(n, kPiece);
    double* parts = space<double>(kSlotParts, max(1, pieces * N));
    parallel(pieces, [&](i64 piece) {
        const i64 start = piece * kPiece;
        channel_sums<N>({1, 1, min(kPiece, n - start)}, 0, parts + piece * N,
                        [&](i64 i, auto lanes, vf* numbers) { term(start + i, lanes, numbers); });
    });
    for (int k = 0; k < N; ++k) sums[k] = 0;
    for (i64 i = 0; i < pieces * N; ++i) sums[i % N] += parts[i];
}

// body(row) for every row, some at a time, on all threads. Within it pieces run one after the other; few long rows run
// one after the other, and their pieces on all threads.
template <class Body>
inline void over_rows(i64 rows, i64 n, const Body& body) {
    if (rows >= 2 * threads() || n < 65536) return over_channels({1, rows, n}, body);
    for (i64 row = 0; row < rows; ++row) body(row);
}

void mvn_forward(i64 rows, i64 n, const float* x, float* y, float* mean, float* std, float eps, bool normalize_variance) {
    const double count = static_cast<double>(max(1, n));
    over_rows(rows, n, [&](i64 row) {
        const float* from = x + row * n;
        float* to = y + row * n;
        double sum;
        sums_of_pieces<1>(n, &sum, [=](i64 i, auto l, vf* v) { *v = get(from + i, l); });
        mean[row] = static_cast<float>(sum / count);
        const vf centre = splat(mean[row]);
        if (!normalize_variance) return sweep(n, [=](i64 i, auto l) { put(to + i, get(from + i, l) - centre, l); });
        sums_of_pieces<1>(n, &sum, [=](i64 i, auto l, vf* v) {
            const vf d = only(get(from + i, l) - centre, l);
            *v = d * d;
        });
        std[row] = __builtin_sqrtf(static_cast<float>(sum / count));
        const vf divisor = splat(std[row] + eps);
        sweep(n, [=](i64 i, auto l) { put(to + i, (get(from + i, l) - centre) / divisor, l); });
    });
}

void mvn_backward(i64 rows, i64 n, const float* y, const float* std, const float* dy, float* dx, float eps,
                  bool normalize_variance) {
    const double count = static_cast<double>(max(1, n));
    over_rows(rows, n, [&](i64 row) {
        const float *normal = y + row * n, *from = dy + row * n;
        float* to = dx + row * n;
        double sums[2];
        if (!normalize_variance) {
            sums_of_pieces<1>(n, sums, [=](i64 i, auto l, vf* v) { *v = get(from + i, l); });
            const vf average = splat(static_cast<float>(sums[0] / count));
            return sweep(n, [=](i64 i, auto l) { put(to + i, get(from + i, l) - average, l); });
        }
        sums_of_pieces<2>(n, sums, [=](i64 i, auto l, vf* v) {
            v[0] = get(from + i, l);
            v[1] = v[0] * get(normal + i, l);
        });
        const vf a = splat(static_cast<float>(sums[0] / count)), b = splat(static_cast<float>(sums[1] / count));
        const vf divisor = splat(std[row] + eps);
        sweep(n, [=](i64 i, auto l) { put(to + i, (get(from + i, l) - (a + get(normal + i, l) * b)) / divisor, l); });
    });
}

}  // namespace
}  // namespace cortado
