// Packing: what a matrix product reads, laid out in the order in which it is read.
#pragma once

#include "vec.hpp"

namespace cortado {
namespace {

// Where packed columns go: panels of NR columns, each `deep` deep, of which the depths from `first` on are written. A last
// panel of up to V columns is V wide.
struct Panels {
    float* at;
    i64 deep, first = 0;

    // Depth k of the panel of column j, a multiple of NR.
    float* row(i64 j, i64 k, i64 width) const { return at + j * deep + (first + k) * width; }
};

// to[depth][rows] from rows that are `stride` apart and lie one depth after the other.
inline void pack_rows(float* to, const float* from, i64 stride, i64 rows, i64 depth) {
    constexpr i64 groups = (MR + V - 1) / V;
    vf block[groups][V];
    for (i64 k = 0; k < depth; k += V) {
        const i64 count = min(V, depth - k);
        for (i64 g = 0; g * V < rows; ++g) {
            for (i64 r = 0; r < V; ++r) {
                const float* row = from + (g * V + r) * stride + k;
                block[g][r] = g * V + r >= rows ? vf{} : count == V ? load(row) : load_part(row, count);
            }
            transpose(block[g]);
        }
        // One depth after the other: what a store writes too far is overwritten by the next.
        for (i64 l = 0; l < count; ++l)
            for (i64 g = 0; g * V < rows; ++g) store(to + (k + l) * rows + g * V, block[g][l]);
    }
}

// to[depth][rows] from depths that are `stride` apart and lie one row after the other; `beyond` rows may be read.
inline void pack_row_columns(float* to, const float* from, i64 stride, i64 rows, i64 depth, i64 beyond) {
    for (i64 k = 0; k < depth; ++k)
        for (i64 r = 0; r < rows; r += V) {
            const float* p = from + k * stride + r;
            store(to + k * rows + r, beyond - r >= V ? load(p) : load_part(p, beyond - r));
        }
}

// Panels from depths that are `stride` apart, their columns one after the other.
inline void pack_columns(const Panels& to, const float* from, i64 stride, i64 cols, i64 depth) {
    constexpr i64 kTogether = 2 * NR;  // so that what is written stays in L1 until its lines are full
    const i64 full = cols / NR * NR, rest = cols - full, width = rest > V ? NR : V;
    for (i64 first = 0; first < full; first += kTogether)
        for (i64 k = 0; k < depth; ++k)
            for (i64 j = first; j < min(full, first + kTogether); j += NR) {
                const float* p = from + k * stride + j;
                float* q = to.row(j, k, NR);
                store(q, load(p));
                store(q + V, load(p + V));
            }
    for (i64 k = 0; rest > 0 && k < depth; ++k) {
        const float* p = from + k * stride + full;
        float* q = to.row(full, k, width);
        store(q, load_part(p, min(V, rest)));
        if (rest > V) store(q + V, load_part(p + V, rest - V));
    }
}

// Panels from columns that are `stride` apart and lie one depth after the other.
inline void pack_column_rows(const Panels& to, const float* from, i64 stride, i64 cols, i64 depth) {
    for (i64 j = 0; j < cols; j += V) {
        const i64 panel = j / NR * NR, count = min(V, cols - j), width = cols - panel > V ? NR : V;
        float* q = to.row(panel, 0, width) + (j - panel);
        for (i64 k = 0; k < depth; k += V) {
            const i64 deep = min(V, depth - k);
            vf block[V];
            for (i64 r = 0; r < V; ++r) {
                const float* p = from + (j + r) * stride + k;
                block[r] = r >= count ? vf{} : deep == V ? load(p) : load_part(p, deep);
            }
            transpose(block);
            for (i64 l = 0; l < deep; ++l) store(q + (k + l) * width, block[l]);
        }
    }
}

}  // namespace
}  // namespace cortado
