// Matrix products: packed panels and a register-blocked micro-kernel.
//
// c[m, n] = a[m, k] b[k, n] is cut into blocks `depth` deep. Of b, some panels of NR columns at a time are packed into
// the L2 cache; of a, a panel of at most MR rows lies in L1 while it meets them all. A tile of the panel's rows by NR
// columns lives in registers for the whole depth. Who the operands are is the business of a Product: a convolution
// packs its panels straight from the image.
#pragma once

#include "panels.hpp"

namespace cortado {
namespace {

constexpr i64 kDepth = 384;
// How many bytes of packed columns one thread works on at a time: half of a small L2 cache.
constexpr i64 kColumnBytes = 448 << 10;

// What is done to a sum of products on its way into c: c = rectify(sum + bias + c).
struct Finish {
    bool add = false;      // c is added rather than overwritten
    bool rectify = false;  // negative results are multiplied by the slope
    float slope = 0;
    const float* bias = nullptr;  // one per row
};

inline vf rectified(vf v, float slope) { return slope == 0 ? positive(v) : v <= vf{} ? v * splat(slope) : v; }

struct Product {
    i64 m = 0, n = 0, k = 0;
    bool splittable = false;           // if c is small, cut the depth among the threads and add up their parts
    Finish finish;                     // its bias is of row 0
    const float* packed = nullptr;     // all panels of a, as pack_panels makes them, if that has been done before

    // Packs rows [i, i + rows) at depths [k, k + depth) as to[depth][rows]; may write MR floats beyond the end.
    virtual void pack_a(float* to, i64 i, i64 rows, i64 k, i64 depth) const = 0;
    // Packs columns [j, j + cols) at depths [k, k + depth).
    virtual void pack_b(const Panels& to, i64 j, i64 cols, i64 k, i64 depth) const = 0;
    // How many columns are best packed together, if all rows meet them at once: so many, or at most `most`.
    virtual i64 together(i64 cols, i64) const { return cols; }
    // Where c[i, j..j + cols) is, if those are one after the other, with `*stride` to the next row; else null.
    virtual float* target(i64 i, i64 j, i64 cols, i64* stride) const = 0;
    // Writes a tile of rows by cols whose target was null; its bias has been added already.
    virtual void place(const float* tile, i64 width, i64 i, i64 rows, i64 j, i64 cols, const Finish& f) const = 0;
};

template <int ROWS, int VECS>
void micro(i64 depth, const float* a, const float* b, float* c, i64 stride, const Finish& f) {
    vf acc[ROWS][VECS];
    // The tile of c is far away: it is asked for while the products are made.
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; ++i) {
        __builtin_prefetch(c + i * stride, 1);
        __builtin_prefetch(c + i * stride + VECS * V - 1, 1);
    }
    const float* bias = f.bias;
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; ++i)
#pragma GCC unroll 2
        for (int j = 0; j < VECS; ++j) acc[i][j] = bias ? splat(bias[i]) : vf{};
    for (i64 k = 0; k < depth; ++k) {
        vf column[VECS];
#pragma GCC unroll 2
        for (int j = 0; j < VECS; ++j) column[j] = *reinterpret_cast<const vf*>(b + j * V);
#pragma GCC unroll 16
        for (int i = 0; i < ROWS; ++i) {
            const vf row = splat(a[i]);
#pragma GCC unroll 2
            for (int j = 0; j < VECS; ++j) acc[i][j] += row * column[j];
        }
        a += ROWS;
        b += VECS * V;
    }
    if (f.add) {
#pragma GCC unroll 16
        for (int i = 0; i < ROWS; ++i)
#pragma GCC unroll 2
            for (int j = 0; j < VECS; ++j) acc[i][j] += load(c + i * stride + j * V);
    }
    if (f.rectify) {
#pragma GCC unroll 16
        for (int i = 0; i < ROWS; ++i)
#pragma GCC unroll 2
            for (int j = 0; j < VECS; ++j) acc[i][j] = rectified(acc[i][j], f.slope);
    }
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; ++i)
#pragma GCC unroll 2
        for (int j = 0; j < VECS; ++j) store(c + i * stride + j * V, acc[i][j]);
}

// A family's tiles by their rows and vectors: Of::Tile, made by Of::make<ROWS, VECS>().
template <class Of, int ROWS = MR>
struct Tiles : Tiles<Of, ROWS - 1> {
    Tiles() {
        this->entry[ROWS][0] = Of::template make<ROWS, 1>();
        this->entry[ROWS][1] = Of::template make<ROWS, 2>();
    }
};
template <class Of>
struct Tiles<Of, 0> {
    typename Of::Tile entry[MR + 1][2];
};

template <class Of>
inline const Tiles<Of>& tiles_of() {
    static const Tiles<Of> table;
    return table;
}

struct Micro {
    using Tile = void (*)(i64, const float*, const float*, float*, i64, const Finish&);
    template <int ROWS, int VECS>
    static Tile make() { return micro<ROWS, VECS>; }
};

// How one product is cut: into chunks of rows and columns (a task each) and blocks of depth.
struct Cut {
    i64 rows, row_panels, chunk_rows, row_chunks;  // rows per panel, panels, panels per chunk, chunks
    i64 chunk_cols, col_chunks;                    // columns per chunk, chunks
    i64 depth, blocks;
};

// How many of `total` pieces, from `least` to `most`, to take at a time so that the thread with most to do is done first;
// so many of them cost `cost`.
template <class Cost>
inline i64 evenly(i64 total, i64 least, i64 most, const Cost& cost) {
    const auto time = [&](i64 count) { return ceil_div(ceil_div(total, count), threads()) * cost(count); };
    i64 best = most;
    for (i64 count = most - 1; count >= least; --count)
        if (time(count) < time(best)) best = count;
    return best;
}

inline Cut cut_for(const Product& p) {
    Cut cut;
    const i64 enough = 4 * threads();
    cut.row_panels = ceil_div(p.m, MR);
    cut.rows = ceil_div(p.m, cut.row_panels);
    cut.row_panels = ceil_div(p.m, cut.rows);
    cut.blocks = max(1, ceil_div(p.k, kDepth));
    cut.depth = ceil_div(p.k, cut.blocks);
    const i64 panels = ceil_div(p.n, NR);
    i64 each = max(1, kColumnBytes / (max(1, cut.depth) * NR * 4));
    each = min(each, 32);
    const i64 most = each * NR;
    while (each > 4 && ceil_div(panels, each) < enough) --each;
    each = evenly(panels, max(1, each / 2), each, [](i64 count) { return count; });
    cut.col_chunks = ceil_div(panels, each);
    cut.chunk_cols = each * NR;
    cut.row_chunks = cut.col_chunks >= enough ? 1 : min(cut.row_panels, ceil_div(enough, cut.col_chunks));
    cut.chunk_rows = ceil_div(cut.row_panels, cut.row_chunks);
    cut.row_chunks = ceil_div(cut.row_panels, cut.chunk_rows);
    if (cut.row_chunks == 1) {
        cut.chunk_cols = p.together(cut.chunk_cols, most);
        cut.col_chunks = ceil_div(p.n, cut.chunk_cols);
    }
    return cut;
}

// The tiles of one packed panel of rows with all packed panels of columns.
inline void row_panel(const Product& p, const float* a, const float* b, i64 i, i64 rows, i64 j, i64 cols, i64 depth,
                      bool first, bool last) {
    Finish f = p.finish;
    f.add = f.add || !first;
    f.rectify = f.rectify && last;
    f.bias = f.bias == nullptr || !first ? nullptr : f.bias + i;
    Finish plain;
    plain.bias = f.bias;
    const auto& kernel = tiles_of<Micro>().entry[rows];
    for (i64 at = 0; at < cols; at += NR) {
        const i64 count = min(NR, cols - at), width = count > V ? NR : V;
        i64 stride = 0;
        float* to = count == width ? p.target(i, j + at, count, &stride) : nullptr;
        if (to != nullptr) {
            kernel[width / V - 1](depth, a, b + at * depth, to, stride, f);
        } else {
            alignas(64) float tile[MR * NR + V];  // whole vectors are read at any column of the last row
            kernel[width / V - 1](depth, a, b + at * depth, tile, width, plain);
            p.place(tile, width, i, rows, j + at, count, f);
        }
    }
}

// A small c with a great depth: every part of the depth makes its own c, and the parts are added in order. Their number
// depends on the sizes alone, so the result is the same for any number of threads.
inline bool multiply_in_parts(const Product& p) {
    constexpr i64 kPartFloats = 128 << 10, kMostParts = 16;
    const i64 width = round_up(p.n, NR), panels = ceil_div(p.m, MR), rows = ceil_div(p.m, panels);
    if (p.m * width > kPartFloats) return false;
    const i64 blocks = ceil_div(p.k, kDepth), depth = round_up(ceil_div(p.k, max(1, blocks)), V);
    const i64 parts = min(blocks, kMostParts), each = ceil_div(blocks, max(1, parts));
    if (parts < 2) return false;
    float* all = space<float>(kSlotParts, parts * p.m * width);
    parallel(parts, [&](i64 part) {
        float* c = all + part * p.m * width;
        float* b = space<float>(kSlotPackedB, width * depth);
        float* a = space<float>(kSlotPanelA, rows * depth + MR + V);
        const i64 end = min(p.k, (part + 1) * each * depth);
        Finish f;
        if (part * each * depth >= end)
            for (i64 l = 0; l < p.m * width; ++l) c[l] = 0;
        for (i64 k = part * each * depth; k < end; k += depth, f.add = true) {
            const i64 deep = min(depth, end - k);
            p.pack_b({b, deep}, 0, p.n, k, deep);
            for (i64 i = 0; i < p.m; i += rows) {
                const i64 height = min(rows, p.m - i);
                p.pack_a(a, i, height, k, deep);
                for (i64 j = 0; j < p.n; j += NR) {
                    const i64 wide = p.n - j > V ? NR : V;
                    tiles_of<Micro>().entry[height][wide / V - 1](deep, a, b + j * deep, c + i * width + j, width, f);
                }
            }
        }
    });
    parallel(p.m, [&](i64 i) {
        float* sum = all + i * width;
        for (i64 part = 1; part < parts; ++part) {
            const float* other = all + (part * p.m + i) * width;
            for (i64 j = 0; j < p.n; j += V) store(sum + j, load(sum + j) + load(other + j));
        }
        p.place(sum, width, i, 1, 0, p.n, p.finish);
    });
    return true;
}

// Floats from one packed panel of rows to the next, and of all panels; they depend on m and k alone.
inline i64 panel_floats(const Cut& cut) { return round_up(cut.rows * cut.depth + MR + V, 16); }
inline i64 packed_floats(const Cut& cut) { return panel_floats(cut) * cut.row_panels * cut.blocks; }

// All panels of a, as to[block][panel][depth][rows].
inline void pack_panels(const Product& p, const Cut& cut, float* to) {
    parallel(cut.row_panels, [&](i64 panel) {
        const i64 i = panel * cut.rows, rows = min(cut.rows, p.m - i);
        for (i64 block = 0; block < cut.blocks; ++block) {
            const i64 k = block * cut.depth;
            p.pack_a(to + (block * cut.row_panels + panel) * panel_floats(cut), i, rows, k, min(cut.depth, p.k - k));
        }
    });
}

// All panels of b, as [block][panel][depth][NR], if several tasks read them and they are few; else null.
inline const float* share_columns(const Product& p, const Cut& cut) {
    constexpr i64 kSharedBytes = 2 << 20;
    const i64 width = round_up(p.n, NR);
    if (cut.row_chunks == 1 || p.k <= 0 || width * p.k * 4 > kSharedBytes) return nullptr;
    float* all = space<float>(kSlotShared, width * p.k);
    const i64 slices = ceil_div(4 * threads(), cut.blocks), slice = round_up(ceil_div(cut.depth, slices), V);
    parallel(cut.blocks * slices, [&](i64 task) {
        const i64 k = task / slices * cut.depth, deep = min(cut.depth, p.k - k), first = task % slices * slice;
        if (first < deep) p.pack_b({all + k * width, deep, first}, 0, p.n, k + first, min(slice, deep - first));
    });
    return all;
}

inline void multiply(const Product& p) {
    if (p.m <= 0 || p.n <= 0) return;
    if (p.splittable && multiply_in_parts(p)) return;
    const Cut cut = cut_for(p);
    const i64 panel_size = panel_floats(cut);
    // A panel of rows meets every chunk of columns: if there are several, all panels are packed once, before.
    const float* all = p.packed;
    if (all == nullptr && cut.col_chunks > 1 && p.k > 0) {
        float* panels = space<float>(kSlotPackedA, packed_floats(cut));
        pack_panels(p, cut, panels);
        all = panels;
    }
    const float* shared = share_columns(p, cut);
    parallel(cut.row_chunks * cut.col_chunks, [&](i64 task) {
        const i64 j = task / cut.row_chunks * cut.chunk_cols, cols = min(cut.chunk_cols, p.n - j);
        const i64 first = task % cut.row_chunks * cut.chunk_rows, last = min(cut.row_panels, first + cut.chunk_rows);
        float* packed = shared != nullptr ? nullptr : space<float>(kSlotPackedB, round_up(cut.chunk_cols, NR) * cut.depth);
        float* own = all != nullptr ? nullptr : space<float>(kSlotPanelA, panel_size);
        for (i64 block = 0; block < cut.blocks; ++block) {
            const i64 k = block * cut.depth, depth = max(0, min(cut.depth, p.k - k));
            const float* b = shared != nullptr ? shared + k * round_up(p.n, NR) + j * depth : packed;
            if (depth > 0 && shared == nullptr) p.pack_b({packed, depth}, j, cols, k, depth);
            for (i64 panel = first; panel < last; ++panel) {
                const i64 i = panel * cut.rows, rows = min(cut.rows, p.m - i);
                const float* a = own;
                if (all != nullptr) a = all + (block * cut.row_panels + panel) * panel_size;
                else if (depth > 0) p.pack_a(own, i, rows, k, depth);
                row_panel(p, a, b, i, rows, j, cols, depth, block == 0, block == cut.blocks - 1);
            }
        }
    });
}

// Writes one row of a tile.
inline void place_row(float* to, const float* from, i64 count, const Finish& f) {
    for (i64 j = 0; j < count; j += V) {
        const i64 part = min(V, count - j);
        vf v = load(from + j);
        if (f.add) v += part == V ? load(to + j) : load_part(to + j, part);
        if (f.rectify) v = rectified(v, f.slope);
        if (part == V) store(to + j, v);
        else store_part(to + j, v, part);
    }
}

struct Matrices final : Product {
    const float* a;
    const float* b;
    float* c;
    bool transpose_a, transpose_b;
    float alpha = 1;

    void pack_a(float* to, i64 i, i64 rows, i64 at, i64 depth) const override {
        if (transpose_a) pack_row_columns(to, a + at * m + i, m, rows, depth, m - i);
        else pack_rows(to, a + i * k + at, k, rows, depth);
        if (alpha != 1)
            for (i64 l = 0; l < rows * depth; ++l) to[l] *= alpha;
    }
    void pack_b(const Panels& to, i64 j, i64 cols, i64 at, i64 depth) const override {
        if (transpose_b) pack_column_rows(to, b + j * k + at, k, cols, depth);
        else pack_columns(to, b + at * n + j, n, cols, depth);
    }
    float* target(i64 i, i64 j, i64, i64* stride) const override {
        *stride = n;
        return c + i * n + j;
    }
    void place(const float* tile, i64 width, i64 i, i64 rows, i64 j, i64 cols, const Finish& f) const override {
        for (i64 r = 0; r < rows; ++r) place_row(c + (i + r) * n + j, tile + r * width, cols, f);
    }
};

void inner_product_forward(i64 m, i64 n, i64 k, const float* x, const float* w, const float* bias, float* y,
                           bool transposed) {
    if (bias != nullptr)
        for (i64 i = 0; i < m; ++i) memcpy(y + i * n, bias, static_cast<size_t>(n) * sizeof(float));
    Matrices p;
    p.m = m, p.n = n, p.k = k, p.a = x, p.b = w, p.c = y;
    p.transpose_a = false, p.transpose_b = !transposed;
    p.finish.add = bias != nullptr;
    multiply(p);
}

inline void scale_all(float* x, i64 count, float factor) {
    for (i64 i = 0; i < count; ++i) x[i] = factor == 0 ? 0 : x[i] * factor;
}

void gemm(i64 m, i64 n, i64 k, float alpha, const float* a, bool transpose_a, const float* b, bool transpose_b,
          float beta, float* c) {
    if (beta != 0 && beta != 1) scale_all(c, m * n, beta);
    Matrices p;
    p.m = m, p.n = n, p.k = k, p.a = a, p.b = b, p.c = c, p.alpha = alpha;
    p.transpose_a = transpose_a, p.transpose_b = transpose_b;
    p.finish.add = beta != 0;
    multiply(p);
}

}  // namespace
}  // namespace cortado
