// Convolution with a 3 x 3 window and stride 1 by Winograd's minimal filtering.
//
// The image is cut into tiles of M x M outputs. Every tile of T x T = (M + 2) x (M + 2) inputs is transformed, and so is
// every filter; each of the T x T points is then a matrix product of its own,
//     products[point][tile, o] = sum over c of tiles[point][tile, c] * weights[point][c, o],
// and the products are transformed back. That takes (T / M)^2 multiplications per output and channel instead of 9.
//
// Lanes are channels: V channels of a pixel are brought together by transposing blocks of V pixels by V channels, so
// the transforms cost the same for narrow images as for wide ones. Tiles are kept as [point][channel block][tile][V],
// where the matrix product takes its rows without packing.
#pragma once

#include "conv.hpp"
#include "winograd_transforms.hpp"

namespace cortado {
namespace {

// A convolution of stride 1: x (channels, height, width) to y (outputs, out_h, out_w), and its tiles.
struct Tiling {
    i64 images, channels, height, width, outputs, out_h, out_w, pad_h, pad_w;
    i64 in_size, out_size;  // floats from one image of x, and of y, to the next
    i64 tiles_y, tiles_x;
    i64 in_blocks, out_blocks, panels;  // of V channels, of V outputs, of NR outputs

    Tiling(i64 n, i64 c, i64 h, i64 w, i64 o, i64 oh, i64 ow, i64 ph, i64 pw, i64 m)
        : images(n), channels(c), height(h), width(w), outputs(o), out_h(oh), out_w(ow), pad_h(ph), pad_w(pw),
          in_size(c * h * w), out_size(o * oh * ow), tiles_y(ceil_div(oh, m)), tiles_x(ceil_div(ow, m)), in_blocks(ceil_div(c, V)), out_blocks(ceil_div(o, V)),
          panels(ceil_div(o, NR)) {}

    i64 rows() const { return images * tiles_y; }  // of tiles
};

// Rows of tiles [first, last): what is worked on at a time.
struct Chunk {
    i64 first, last, tiles;

    Chunk(i64 begin, i64 end, const Tiling& t) : first(begin), last(end), tiles((end - begin) * t.tiles_x) {}
    i64 block() const { return tiles * V; }
    // Floats from one point to the next: an odd number of cache lines, so that the points do not collide in the cache.
    static i64 odd(i64 floats) { return (ceil_div(floats, 16) | 1) * 16; }
    i64 stride(i64 blocks) const { return odd(blocks * block()); }
};

// Row `y` of V channels of a plane as to[x + shift][V], its pixels side by side; `to` is zero where there is no pixel.
inline void gather_row(float* to, const float* plane, i64 plane_size, i64 channels, i64 y, i64 height, i64 width,
                       i64 shift, i64 length) {
    if (y < 0 || y >= height) {
        memset(to, 0, static_cast<size_t>(length * V) * sizeof(float));
        return;
    }
    const i64 filled = min(width, length - shift);
    if (shift > 0) memset(to, 0, static_cast<size_t>(shift * V) * sizeof(float));
    for (i64 x = 0; x < filled; x += V) {
        const i64 count = min(V, filled - x);
        vf block[V];
        for (i64 c = 0; c < V; ++c) {
            const float* p = plane + c * plane_size + y * width + x;
            block[c] = c >= channels ? vf{} : count == V ? load(p) : load_part(p, count);
        }
        transpose(block);
        for (i64 l = 0; l < count; ++l) store(to + (x + shift + l) * V, block[l]);
    }
    const i64 end = shift + filled;
    if (end < length) memset(to + end * V, 0, static_cast<size_t>((length - end) * V) * sizeof(float));
}

// body(block, first row, last row): every block of channels with every piece of the chunk's rows of tiles, cut finely
// enough for all threads.
template <class Body>
inline void over_rows_of(const Chunk& chunk, i64 blocks, const Body& body) {
    const i64 rows = chunk.last - chunk.first, pieces = min(rows, ceil_div(2 * threads(), blocks));
    const i64 each = ceil_div(rows, pieces);
    parallel(blocks * pieces, [&](i64 task) {
        const i64 first = chunk.first + task % pieces * each;
        if (first < chunk.last) body(task / pieces, first, min(chunk.last, first + each));
    });
}

// tiles[point][block][tile][V] of x for one chunk.
template <int M>
void input_tiles(const Tiling& t, const Chunk& chunk, const float* x, float* tiles) {
    constexpr int T = M + 2;
    const i64 length = t.tiles_x * M + 2, plane = t.height * t.width, stride = chunk.stride(t.in_blocks);
    over_rows_of(chunk, t.in_blocks, [&](i64 block, i64 first, i64 last) {
        float* ring = space<float>(kSlotA, 2 * T * length * V);
        float* columns = ring + T * length * V;
        for (i64 row = first; row < last; ++row) {
            const i64 image = row / t.tiles_y, ty = row % t.tiles_y, top = ty * M - t.pad_h;
            const float* from = x + image * t.in_size + block * V * plane;
            // The last two rows of the tile above are the first two of this one.
            const bool continues = row > first && ty > 0;
            for (i64 r = continues ? 2 : 0; r < T; ++r)
                gather_row(ring + (ty * M + r) % T * length * V, from, plane, t.channels - block * V, top + r, t.height,
                           t.width, t.pad_w, length);
            for (i64 at = 0; at < length; ++at) {
                vf d[T], v[T];
#pragma GCC unroll 6
                for (int r = 0; r < T; ++r) d[r] = load(ring + ((ty * M + r) % T * length + at) * V);
                Minimal<M>::input(d, v);
#pragma GCC unroll 6
                for (int r = 0; r < T; ++r) store(columns + (r * length + at) * V, v[r]);
            }
            float* to = tiles + block * chunk.block() + (row - chunk.first) * t.tiles_x * V;
            for (i64 r = 0; r < T; ++r)
                for (i64 tx = 0; tx < t.tiles_x; ++tx) {
                    vf d[T], v[T];
#pragma GCC unroll 6
                    for (int k = 0; k < T; ++k) d[k] = load(columns + (r * length + tx * M + k) * V);
                    Minimal<M>::input(d, v);
#pragma GCC unroll 6
                    for (int k = 0; k < T; ++k) store(to + (r * T + k) * stride + tx * V, v[k]);
                }
        }
    });
}

// The tiles of dy, spread over the points: tiles[point][block][tile][V].
template <int M>
void gradient_tiles(const Tiling& t, const Chunk& chunk, const float* dy, float* tiles) {
    constexpr int T = M + 2;
    const i64 length = t.tiles_x * M, plane = t.out_h * t.out_w, stride = chunk.stride(t.out_blocks);
    over_rows_of(chunk, t.out_blocks, [&](i64 block, i64 first, i64 last) {
        float* rows = space<float>(kSlotA, (M + T) * length * V);
        float* columns = rows + M * length * V;
        for (i64 row = first; row < last; ++row) {
            const i64 image = row / t.tiles_y, ty = row % t.tiles_y;
            const float* from = dy + image * t.out_size + block * V * plane;
            for (i64 r = 0; r < M; ++r)
                gather_row(rows + r * length * V, from, plane, t.outputs - block * V, ty * M + r, t.out_h, t.out_w, 0,
                           length);
            for (i64 at = 0; at < length; ++at) {
                vf d[M], v[T];
#pragma GCC unroll 4
                for (int r = 0; r < M; ++r) d[r] = load(rows + (r * length + at) * V);
                Minimal<M>::gradient(d, v);
#pragma GCC unroll 6
                for (int r = 0; r < T; ++r) store(columns + (r * length + at) * V, v[r]);
            }
            float* to = tiles + block * chunk.block() + (row - chunk.first) * t.tiles_x * V;
            for (i64 r = 0; r < T; ++r)
                for (i64 tx = 0; tx < t.tiles_x; ++tx) {
                    vf d[M], v[T];
#pragma GCC unroll 4
                    for (int k = 0; k < M; ++k) d[k] = load(columns + (r * length + tx * M + k) * V);
                    Minimal<M>::gradient(d, v);
#pragma GCC unroll 6
                    for (int k = 0; k < T; ++k) store(to + (r * T + k) * stride + tx * V, v[k]);
                }
        }
    });
}

// y from products[point][panel][tile][NR].
template <int M>
void output_pixels(const Tiling& t, const Chunk& chunk, const float* products, const float* bias, float* y,
                   const Finish& f) {
    constexpr int T = M + 2;
    const i64 length = t.tiles_x * M, plane = t.out_h * t.out_w, stride = Chunk::odd(t.panels * chunk.tiles * NR);
    over_rows_of(chunk, t.out_blocks, [&](i64 block, i64 first, i64 last) {
        float* rows = space<float>(kSlotA, M * round_up(length, V) * V);
        const i64 outputs = min(V, t.outputs - block * V);
        const vf start = bias == nullptr ? vf{} : load_part(bias + block * V, outputs);
        const float* from = products + block * V / NR * chunk.tiles * NR + block * V % NR;
        for (i64 row = first; row < last; ++row) {
            const i64 image = row / t.tiles_y, ty = row % t.tiles_y;
            for (i64 tx = 0; tx < t.tiles_x; ++tx) {
                const float* m = from + ((row - chunk.first) * t.tiles_x + tx) * NR;
                vf half[M][T];
#pragma GCC unroll 6
                for (int k = 0; k < T; ++k) {
                    vf d[T], v[M];
#pragma GCC unroll 6
                    for (int r = 0; r < T; ++r) d[r] = load(m + (r * T + k) * stride);
                    Minimal<M>::output(d, v);
#pragma GCC unroll 4
                    for (int r = 0; r < M; ++r) half[r][k] = v[r];
                }
#pragma GCC unroll 4
                for (int r = 0; r < M; ++r) {
                    vf v[M];
                    Minimal<M>::output(half[r], v);
#pragma GCC unroll 4
                    for (int k = 0; k < M; ++k) store(rows + (r * round_up(length, V) + tx * M + k) * V, v[k] + start);
                }
            }
            float* to = y + image * t.out_size + block * V * plane;
            for (i64 r = 0; r < min(M, t.out_h - ty * M); ++r)
                for (i64 at = 0; at < t.out_w; at += V) {
                    const i64 count = min(V, t.out_w - at);
                    vf pixels[V];
                    for (i64 l = 0; l < V; ++l)
                        pixels[l] = l < count ? load(rows + (r * round_up(length, V) + at + l) * V) : vf{};
                    transpose(pixels);
                    float* p = to + (ty * M + r) * t.out_w + at;
                    for (i64 o = 0; o < outputs; ++o) {
                        vf v = pixels[o];
                        if (f.add) v += count == V ? load(p + o * plane) : load_part(p + o * plane, count);
                        if (f.rectify) v = rectified(v, f.slope);
                        if (count == V) store(p + o * plane, v);
                        else store_part(p + o * plane, v, count);
                    }
                }
        }
    });
}

// weights[point][panel][c][NR] of w[o][c][3][3]; or, for the way back to the data, of the filters turned by 180
// degrees with inputs and outputs exchanged (then w is [channels][outputs][3][3] in the terms of the tiling).
template <int M>
void weight_points(const Tiling& t, const float* w, bool turned, float* weights) {
    constexpr int T = M + 2;
    const i64 depth = t.in_blocks * V, stride = Chunk::odd(t.panels * depth * NR);
    parallel(t.panels * (NR / V) * t.in_blocks, [&](i64 task) {
        const i64 block = task / t.in_blocks, first = task % t.in_blocks * V;
        const i64 o = block * V, outputs = max(0, min(V, t.outputs - o));
        alignas(64) float taps[9 * V];
        float* to = weights + block * V / NR * depth * NR + block * V % NR;
        for (i64 c = first; c < first + V; ++c) {
            for (i64 l = 0; l < V; ++l)
                for (i64 k = 0; k < 9; ++k) {
                    float value = 0;
                    if (l < outputs && c < t.channels)
                        value = turned ? w[(c * t.outputs + o + l) * 9 + 8 - k] : w[((o + l) * t.channels + c) * 9 + k];
                    taps[k * V + l] = value;
                }
            vf half[T][3];
#pragma GCC unroll 3
            for (int k = 0; k < 3; ++k) {
                vf g[3], u[T];
                for (int r = 0; r < 3; ++r) g[r] = load(taps + (r * 3 + k) * V);
                Minimal<M>::weights(g, u);
                for (int r = 0; r < T; ++r) half[r][k] = u[r];
            }
#pragma GCC unroll 6
            for (int r = 0; r < T; ++r) {
                vf u[T];
                Minimal<M>::weights(half[r], u);
#pragma GCC unroll 6
                for (int k = 0; k < T; ++k) store(to + (r * T + k) * stride + c * NR, u[k]);
            }
        }
    });
}

// c[ROWS][NR] = a b, a as [channel block][tile][V] of which ROWS tiles are taken.
template <int ROWS>
void tile_product(i64 blocks, const float* a, i64 stride, const float* b, float* c) {
    vf acc[ROWS][2] = {};
    for (i64 block = 0; block < blocks; ++block) {
#pragma GCC unroll 2
        for (int k = 0; k < V; ++k) {
            const vf left = load(b), right = load(b + V);
#pragma GCC unroll 16
            for (int i = 0; i < ROWS; ++i) {
                const vf row = splat(a[i * V + k]);
                acc[i][0] += row * left;
                acc[i][1] += row * right;
            }
            b += NR;
        }
        a += stride;
    }
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; ++i) store(c + i * NR, acc[i][0]), store(c + i * NR + V, acc[i][1]);
}

using TileProduct = void (*)(i64, const float*, i64, const float*, float*);

template <int ROWS>
struct TileProducts : TileProducts<ROWS - 1> {
    TileProducts() { this->entry[ROWS] = tile_product<ROWS>; }
};
template <>
struct TileProducts<0> {
    TileProduct entry[MR + 1];
};

// products[point][panel][tile][NR] = tiles times weights, for all points.
inline void multiply_points(const Tiling& t, const Chunk& chunk, i64 points, const float* tiles, const float* weights,
                            float* products) {
    static const TileProducts<MR> kernels;
    const i64 depth = t.in_blocks * V, in_stride = chunk.stride(t.in_blocks);
    const i64 weight_stride = Chunk::odd(t.panels * depth * NR), out_stride = Chunk::odd(t.panels * chunk.tiles * NR);
    const i64 groups = ceil_div(chunk.tiles, MR), rows = ceil_div(chunk.tiles, groups);
    parallel(points, [&](i64 point) {
        for (i64 panel = 0; panel < t.panels; ++panel) {
            const float* b = weights + point * weight_stride + panel * depth * NR;
            float* c = products + point * out_stride + panel * chunk.tiles * NR;
            for (i64 tile = 0; tile < chunk.tiles; tile += rows)
                kernels.entry[min(rows, chunk.tiles - tile)](t.in_blocks, tiles + point * in_stride + tile * V,
                                                             chunk.block(), b, c + tile * NR);
        }
    });
}

// How many rows of tiles to take at a time, and whether each thread works on a chunk of its own.
struct Plan {
    i64 rows;
    bool apart;
};

inline Plan plan_for(const Tiling& t, i64 points) {
    const i64 per_row = t.tiles_x * points * 4 * (t.in_blocks * V + t.panels * NR);
    const i64 weight_bytes = points * 4 * t.in_blocks * V * t.panels * NR;
    // Small weights: chunks that fit into the cache of one core. Large ones: each thread takes some of the points, so
    // that the weights are read once for as many tiles as the shared cache holds.
    const bool apart = weight_bytes <= (5 << 20);
    i64 rows = max(1, (apart ? 640 << 10 : 12 << 20) / per_row);
    if (apart) {
        rows = max(rows, ceil_div(MR, t.tiles_x));
        const i64 chunks = round_up(max(1, ceil_div(t.rows(), rows)), threads());
        rows = ceil_div(t.rows(), chunks);
    }
    return {min(rows, t.rows()), apart && rows < t.rows()};
}

template <class Body>
inline void over_chunks(const Tiling& t, const Plan& plan, const Body& body) {
    const i64 chunks = ceil_div(t.rows(), plan.rows);
    const auto one = [&](i64 i) { body(Chunk(i * plan.rows, min(t.rows(), (i + 1) * plan.rows), t)); };
    if (plan.apart) return parallel(chunks, one);
    for (i64 i = 0; i < chunks; ++i) one(i);
}

// How many floats the weights take at all points.
template <int M>
i64 winograd_packed(const Tiling& t) {
    return (M + 2) * (M + 2) * Chunk::odd(t.panels * t.in_blocks * V * NR);
}

template <int M>
void winograd(const Tiling& t, const float* x, const float* w, bool turned, const float* bias, float* y,
              const Finish& f = {}, const float* packed = nullptr) {
    constexpr i64 points = (M + 2) * (M + 2);
    const float* weights = packed;
    if (weights == nullptr) {
        float* made = space<float>(kSlotWeights, winograd_packed<M>(t));
        weight_points<M>(t, w, turned, made);
        weights = made;
    }
    over_chunks(t, plan_for(t, points), [&](const Chunk& chunk) {
        float* tiles = space<float>(kSlotTiles, points * chunk.stride(t.in_blocks));
        float* products = space<float>(kSlotProducts, points * Chunk::odd(t.panels * chunk.tiles * NR));
        input_tiles<M>(t, chunk, x, tiles);
        multiply_points(t, chunk, points, tiles, weights, products);
        output_pixels<M>(t, chunk, products, bias, y, f);
    });
}

// sums[o][V] (+)= over the tiles: gradient[tile][o] * tiles[tile][V], for ROWS outputs and COLS blocks of channels.
template <int ROWS, int COLS>
void sum_products(i64 count, const float* gradient, const float* tiles, i64 block, float* sums, i64 next, bool add) {
    vf acc[ROWS][COLS] = {};
    for (i64 tile = 0; tile < count; ++tile) {
        vf d[COLS];
#pragma GCC unroll 3
        for (int j = 0; j < COLS; ++j) d[j] = load(tiles + j * block + tile * V);
#pragma GCC unroll 8
        for (int i = 0; i < ROWS; ++i) {
            const vf g = splat(gradient[tile * V + i]);
#pragma GCC unroll 3
            for (int j = 0; j < COLS; ++j) acc[i][j] += g * d[j];
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < ROWS; ++i)
#pragma GCC unroll 3
        for (int j = 0; j < COLS; ++j) {
            float* to = sums + j * next + i * V;
            store(to, add ? load(to) + acc[i][j] : acc[i][j]);
        }
}

// sums[point][output block][channel block][o][V] (+)= the products of both kinds of tiles, over the chunk's tiles.
inline void correlate_points(const Tiling& t, const Chunk& chunk, i64 points, const float* tiles, const float* gradient,
                             float* sums, bool add) {
    constexpr int ROWS = V == 16 ? 8 : 4;
    constexpr i64 kTogether = 192;  // tiles: three blocks of channels of so many stay in L1
    const i64 in_stride = chunk.stride(t.in_blocks), out_stride = chunk.stride(t.out_blocks);
    const i64 sum_stride = Chunk::odd(t.in_blocks * t.out_blocks * V * V);
    parallel(points, [&](i64 point) {
        for (i64 tile = 0; tile < chunk.tiles; tile += kTogether) {
            const i64 count = min(kTogether, chunk.tiles - tile);
            const bool again = add || tile > 0;
            for (i64 in = 0; in < t.in_blocks; in += 3) {
                const float* d = tiles + point * in_stride + in * chunk.block() + tile * V;
                const i64 cols = min(3, t.in_blocks - in);
                const auto kernel = cols == 3 ? sum_products<ROWS, 3> : cols == 2 ? sum_products<ROWS, 2>
                                                                                  : sum_products<ROWS, 1>;
                for (i64 out = 0; out < t.out_blocks; ++out) {
                    const float* g = gradient + point * out_stride + out * chunk.block() + tile * V;
                    float* to = sums + point * sum_stride + (out * t.in_blocks + in) * V * V;
                    for (int row = 0; row < V; row += ROWS)
                        kernel(count, g + row, d, chunk.block(), to + row * V, V * V, again);
                }
            }
        }
    });
}

// dw[o][c][3][3] += the sums, brought back from the points to the taps.
template <int M>
void add_taps(const Tiling& t, const float* sums, float* dw) {
    constexpr int T = M + 2;
    const i64 stride = Chunk::odd(t.in_blocks * t.out_blocks * V * V);
    parallel(t.outputs, [&](i64 o) {
        for (i64 in = 0; in < t.in_blocks; ++in) {
            const float* from = sums + (o / V * t.in_blocks + in) * V * V + o % V * V;
            vf half[3][T];
#pragma GCC unroll 6
            for (int k = 0; k < T; ++k) {
                vf u[T], g[3];
#pragma GCC unroll 6
                for (int r = 0; r < T; ++r) u[r] = load(from + (r * T + k) * stride);
                Minimal<M>::filter(u, g);
#pragma GCC unroll 3
                for (int r = 0; r < 3; ++r) half[r][k] = g[r];
            }
            alignas(64) float taps[9 * V];
#pragma GCC unroll 3
            for (int r = 0; r < 3; ++r) {
                vf g[3];
                Minimal<M>::filter(half[r], g);
                for (int k = 0; k < 3; ++k) store(taps + (r * 3 + k) * V, g[k]);
            }
            const i64 channels = min(V, t.channels - in * V);
            float* to = dw + (o * t.channels + in * V) * 9;
            for (i64 l = 0; l < channels; ++l)
                for (i64 k = 0; k < 9; ++k) to[l * 9 + k] += taps[k * V + l];
        }
    });
}

template <int M>
void winograd_backward_weights(const Tiling& t, const float* x, const float* dy, float* dw) {
    constexpr i64 points = (M + 2) * (M + 2);
    const i64 per_row = t.tiles_x * points * 4 * V * (t.in_blocks + t.out_blocks);
    const Plan plan{min(t.rows(), max(1, (6 << 20) / per_row)), false};
    float* sums = space<float>(kSlotWeights, points * Chunk::odd(t.in_blocks * t.out_blocks * V * V));
    over_chunks(t, plan, [&](const Chunk& chunk) {
        float* tiles = space<float>(kSlotTiles, points * chunk.stride(t.in_blocks));
        float* gradient = space<float>(kSlotProducts, points * chunk.stride(t.out_blocks));
        input_tiles<M>(t, chunk, x, tiles);
        gradient_tiles<M>(t, chunk, dy, gradient);
        correlate_points(t, chunk, points, tiles, gradient, sums, chunk.first > 0);
    });
    add_taps<M>(t, sums, dw);
}

}  // namespace
}  // namespace cortado
