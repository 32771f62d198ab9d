// The two products of a convolution with the pixels as columns, from shifted rows: forward, and backward to the data.
#pragma once

#include "shifted.hpp"

namespace cortado {
namespace {

// c[ROWS][VECS * V] = the finished a[depth][ROWS] times the pixels of all channels and taps; b is at the first place.
template <int ROWS, int VECS>
void shifted_tile(const Shifts& s, i64 channels, const float* a, const float* b, float* c, i64 stride,
                  const Finish& f) {
    vf acc[ROWS][VECS];
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; ++i)
#pragma GCC unroll 2
        for (int j = 0; j < VECS; ++j) acc[i][j] = f.bias ? splat(f.bias[i]) : vf{};
    const i64* offset = s.offset;
    const i64 taps = s.taps, plane = s.plane;
    for (i64 channel = 0; channel < channels; ++channel, b += plane)
        for (i64 t = 0; t < taps; ++t) {
            const float* p = b + offset[t];
            vf column[VECS];
#pragma GCC unroll 2
            for (int j = 0; j < VECS; ++j) column[j] = load(p + j * V);
#pragma GCC unroll 16
            for (int i = 0; i < ROWS; ++i) {
                const vf row = splat(a[i]);
#pragma GCC unroll 2
                for (int j = 0; j < VECS; ++j) acc[i][j] += row * column[j];
            }
            a += ROWS;
        }
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; ++i)
#pragma GCC unroll 2
        for (int j = 0; j < VECS; ++j) {
            float* to = c + i * stride + j * V;
            const vf v = f.add ? load(to) + acc[i][j] : acc[i][j];
            store(to, f.rectify ? rectified(v, f.slope) : v);
        }
}

struct Shifted {
    using Tile = void (*)(const Shifts&, i64, const float*, const float*, float*, i64, const Finish&);
    template <int ROWS, int VECS>
    static Tile make() { return shifted_tile<ROWS, VECS>; }
};

// Floats of the copies that one task works on, and of a panel of weights that meets all of them: L2 and half of L1.
constexpr i64 kCopyFloats = 96 << 10, kShiftedDepth = 256;

// The product of packed weights with the copies of one image or some rows of it.
struct ShiftedProduct {
    Window window;
    i64 channels, outputs;          // per group
    i64 from_image, to_image;       // floats from image to image
    const float* from;
    Finish finish;                  // its bias is of row 0
    float* to;
    const float* a;                 // packed: [block of channels][panel][depth][rows of it]
    i64 rows, panels, block, blocks;  // rows per panel, panels, channels per block, blocks

    i64 panel_floats() const { return round_up(rows * block * window.kernel_h * window.kernel_w + MR + V, 16); }
};

inline void cut_product(ShiftedProduct& p) {
    const i64 taps = p.window.kernel_h * p.window.kernel_w;
    p.panels = ceil_div(p.outputs, MR);
    p.rows = ceil_div(p.outputs, p.panels);
    p.panels = ceil_div(p.outputs, p.rows);
    p.blocks = ceil_div(p.channels, max(1, kShiftedDepth / taps));
    p.block = ceil_div(p.channels, p.blocks);
    p.blocks = ceil_div(p.channels, p.block);
}

// How many rows of places a task takes: what fits, and enough tasks for the threads. The results do not depend on it.
inline i64 rows_of_task(const ShiftedProduct& p, i64 images) {
    const Window& w = p.window;
    const i64 line = p.block * w.kernel_w * min(w.stride_h, w.kernel_h) * w.out_w;
    const i64 fit = max(1, kCopyFloats / max(1, line) - halo_of(w));
    i64 parts = ceil_div(w.out_h, fit);
    while (images * parts < 2 * threads() && parts < w.out_h && w.out_h / (parts + 1) > halo_of(w)) ++parts;
    return ceil_div(w.out_h, parts);
}

// One block of channels after the other: its copies meet all panels.
inline void shifted_task(const ShiftedProduct& p, const Shifts& s, ShiftRows shift, const float* from, float* to) {
    const i64 area = p.window.out_h * p.window.out_w, places = s.places();
    float* copies = space_for_copies(kSlotPackedB, p.block * s.plane);
    to += s.first_row * s.cols;
    for (i64 block = 0; block < p.blocks; ++block) {
        const i64 first = block * p.block, channels = min(p.block, p.channels - first);
        for (i64 c = 0; c < channels; ++c)
            shift(s, from + (first + c) * s.height * s.width, copies + c * s.plane);
        for (i64 panel = 0; panel < p.panels; ++panel) {
            const i64 i = panel * p.rows, rows = min(p.rows, p.outputs - i);
            const float* a = p.a + (block * p.panels + panel) * p.panel_floats();
            Finish f = p.finish;
            f.add = p.finish.add || block > 0;
            f.rectify = p.finish.rectify && block == p.blocks - 1;
            f.bias = block > 0 || p.finish.bias == nullptr ? nullptr : p.finish.bias + i;
            Finish plain;
            plain.bias = f.bias;
            for (i64 j = 0; j < places; j += NR) {
                const i64 count = min(NR, places - j), width = count > V ? NR : V;
                const Shifted::Tile tile = tiles_of<Shifted>().entry[rows][width / V - 1];
                float* target = to + i * area + j;
                if (count == width) {
                    tile(s, channels, a, copies + j, target, area, f);
                    continue;
                }
                alignas(64) float values[MR * NR + V];
                tile(s, channels, a, copies + j, values, width, plain);
                for (i64 r = 0; r < rows; ++r) place_row(target + r * area, values + r * width, count, f);
            }
        }
    }
}

inline void multiply_shifted(const ShiftedProduct& p, i64 images) {
    const i64 rows = rows_of_task(p, images), parts = ceil_div(p.window.out_h, rows);
    const Shifts all = shifts_for(p.window, rows);
    const ShiftRows shift = shift_rows_for(p.window.stride_w);
    parallel(images * parts, [&](i64 task) {
        Shifts s = all;
        const i64 image = task / parts;
        s.first_row = task % parts * rows;
        s.rows = min(rows, p.window.out_h - s.first_row);
        shifted_task(p, s, shift, p.from + image * p.from_image, p.to + image * p.to_image);
    });
}

void shifted_forward(const ConvShape& s, const float* x, const float* w, const float* bias, float* y,
                     const Fusion& fused) {
    ShiftedProduct p;
    p.finish.add = fused.add, p.finish.rectify = fused.rectify, p.finish.slope = fused.slope;
    p.window = forward_window(s);
    p.channels = s.channels / s.groups, p.outputs = s.outputs / s.groups;
    p.from_image = s.channels * s.height * s.width, p.to_image = fused.image_size;
    cut_product(p);
    const i64 taps = s.kernel_h * s.kernel_w, depth = p.channels * taps;
    float* a = space<float>(kSlotPackedA, p.blocks * p.panels * p.panel_floats());
    p.a = a;
    for (i64 g = 0; g < s.groups; ++g) {
        parallel(p.blocks * p.panels, [&](i64 n) {
            const i64 first = n / p.panels * p.block, i = n % p.panels * p.rows;
            pack_rows(a + n * p.panel_floats(), w + (g * p.outputs + i) * depth + first * taps, depth,
                      min(p.rows, p.outputs - i), min(p.block, p.channels - first) * taps);
        });
        p.from = x + g * p.channels * s.height * s.width;
        p.finish.bias = bias == nullptr ? nullptr : bias + g * p.outputs;
        p.to = y + g * p.outputs * s.out_h * s.out_w;
        multiply_shifted(p, s.images);
    }
}

// Without stride.
void shifted_backward_data(const ConvShape& s, const float* dy, const float* w, float* dx) {
    ShiftedProduct p;
    p.window = backward_window(s);
    p.channels = s.outputs / s.groups, p.outputs = s.channels / s.groups;
    p.from_image = s.outputs * s.out_h * s.out_w, p.to_image = s.channels * s.height * s.width;
    cut_product(p);
    const i64 taps = s.kernel_h * s.kernel_w;
    float* a = space<float>(kSlotPackedA, p.blocks * p.panels * p.panel_floats());
    p.a = a;
    for (i64 g = 0; g < s.groups; ++g) {
        const float* weights = w + g * p.channels * p.outputs * taps;
        parallel(p.blocks * p.panels, [&](i64 n) {
            const i64 first = n / p.panels * p.block, i = n % p.panels * p.rows, rows = min(p.rows, p.outputs - i);
            float* to = a + n * p.panel_floats();
            for (i64 o = first; o < min(p.channels, first + p.block); ++o)
                for (i64 r = 0; r < rows; ++r) {
                    const float* turned = weights + (o * p.outputs + i + r) * taps;
                    for (i64 t = 0; t < taps; ++t) to[((o - first) * taps + t) * rows + r] = turned[taps - 1 - t];
                }
        });
        p.from = dy + g * p.channels * s.out_h * s.out_w;
        p.to = dx + g * p.outputs * s.height * s.width;
        multiply_shifted(p, s.images);
    }
}

}  // namespace
}  // namespace cortado
