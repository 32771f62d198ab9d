// Convolution as a matrix product whose panels are packed straight from the images.
//
// forward            y[o, places]      = w[o, (c, tap)]      x[(c, tap), places]
// backward to data   dx[c, places]     = w[(o, tap), c]^T    dy[(o, tap), places], one product per residue of the
//                    pixel by the stride: the pixels of one residue meet the same taps
// backward to w      dw[o, (c, tap)]  += dy[o, places]       x[(c, tap), places]^T
#pragma once

#include "gemm.hpp"
#include "table.hpp"
#include "window.hpp"

namespace cortado {
namespace {

// Products with places as columns: forward, and backward to data.
struct ToPlaces : Product {
    Grid grid;
    const float* from;
    // Destination: floats from image to image and row to row of c, then where place (y, x) lies in a plane.
    float* to;
    i64 image_size, plane, width, step_y, step_x, first;

    void pack_b(const Panels& panels, i64 j, i64 cols, i64 at, i64 depth) const override {
        const i64 area = grid.area(), image = j / area;
        if (grid.taps == 1 && grid.step_y == 1 && area == grid.plane() && grid.tap[0].y == 0 && grid.tap[0].x == 0 &&
            j + cols <= (image + 1) * area)
            pack_columns(panels, from + image * grid.image_size + at * area + j % area, area, cols, depth);
        else pack_places(panels, from, grid, j, cols, at, depth);
    }
    float* target(i64 i, i64 j, i64 cols, i64* stride) const override {
        const i64 area = grid.area(), image = j / area;
        if (step_x != 1 || step_y != 1 || j + cols > (image + 1) * area) return nullptr;
        *stride = plane;
        return to + image * image_size + i * plane + j % area;
    }
    void place(const float* tile, i64 wide, i64 i, i64 rows, i64 j, i64 cols, const Finish& f) const override {
        const i64 area = grid.area();
        if (step_x == 1 && step_y == 1) {
            for (i64 at = 0; at < cols;) {
                const i64 image = (j + at) / area, rest = (j + at) % area, count = min(cols - at, area - rest);
                float* p = to + image * image_size + i * plane + rest;
                for (i64 r = 0; r < rows; ++r) place_row(p + r * plane, tile + r * wide + at, count, f);
                at += count;
            }
            return;
        }
        i64 offset[NR];
        for (i64 l = 0; l < cols; ++l) {
            const i64 image = (j + l) / area, rest = (j + l) % area;
            offset[l] = image * image_size + rest / grid.cols * step_y * width + rest % grid.cols * step_x + first;
        }
        for (i64 r = 0; r < rows; ++r) {
            float* p = to + (i + r) * plane;
            const float* t = tile + r * wide;
            for (i64 l = 0; l < cols; ++l) p[offset[l]] = f.add ? p[offset[l]] + t[l] : t[l];
        }
    }
};

struct ConvForward : ToPlaces {
    const float* w;
    void pack_a(float* panel, i64 i, i64 rows, i64 at, i64 depth) const override {
        pack_rows(panel, w + i * k + at, k, rows, depth);
    }

    // The sums go to the images of y, finished as `fused` says.
    void into(const ConvShape& s, float* y, const Fusion& fused) {
        to = y, image_size = fused.image_size, plane = s.out_h * s.out_w, width = s.out_w;
        step_y = step_x = 1, first = 0;
        finish.add = fused.add, finish.rectify = fused.rectify, finish.slope = fused.slope;
    }
};

struct ConvToData final : ToPlaces {
    const float* w;
    i64 channels, all_taps;   // of the weights w[o][channels][all_taps]
    const i64* tap_index;     // of the grid's taps in w
    void pack_a(float* panel, i64 i, i64 rows, i64 at, i64 depth) const override {
        if (all_taps == 1) return pack_row_columns(panel, w + at * channels + i, channels, rows, depth, channels - i);
        i64 o = at / grid.taps, tap = at % grid.taps;
        for (i64 d = 0; d < depth; ++d) {
            const float* p = w + (o * channels + i) * all_taps + tap_index[tap];
            for (i64 r = 0; r < rows; ++r) panel[d * rows + r] = p[r * all_taps];
            if (++tap == grid.taps) tap = 0, ++o;
        }
    }
};

struct ConvToWeights final : Product {
    Grid grid;
    const float* x;
    const float* dy;
    float* dw;
    i64 dy_image;

    void pack_a(float* panel, i64 i, i64 rows, i64 at, i64 depth) const override {
        const i64 area = grid.area();
        for (i64 d = 0; d < depth;) {
            const i64 image = (at + d) / area, rest = (at + d) % area, count = min(depth - d, area - rest);
            pack_rows(panel + d * rows, dy + image * dy_image + i * area + rest, area, rows, count);
            d += count;
        }
    }
    void pack_b(const Panels& panels, i64 j, i64 cols, i64 at, i64 depth) const override {
        pack_taps(panels, x, grid, j, cols, at, depth, space<Lanes>(kSlotA, grid.taps));
    }
    float* target(i64 i, i64 j, i64, i64* stride) const override {
        *stride = n;
        return dw + i * n + j;
    }
    void place(const float* tile, i64 wide, i64 i, i64 rows, i64 j, i64 cols, const Finish& f) const override {
        for (i64 r = 0; r < rows; ++r) place_row(dw + (i + r) * n + j, tile + r * wide, cols, f);
    }
};

// x split into the phases of a horizontal stride, row by row: pixels 0, s, 2 s ... then 1, s + 1 ..., so that a tap
// reads neighbours. Returns x itself where there is no stride.
inline const float* split_phases(const ConvShape& s, const float* x, i64 pitch) {
    if (s.stride_w == 1) return x;
    float* split = space<float>(kSlotPhases, s.images * s.channels * s.height * pitch);
    const i64 rows = s.images * s.channels * s.height, together = max(1, 16384 / max(1, s.width));
    const i64 step = s.stride_w, width = pitch / step;
    parallel(ceil_div(rows, together), [&](i64 group) {
        for (i64 row = group * together; row < min(rows, (group + 1) * together); ++row)
            for (i64 phase = 0; phase < step; ++phase) {
                const float* from = x + row * s.width + phase;
                float* to = split + row * pitch + phase * width;
                const i64 count = s.width > phase ? (s.width - phase - 1) / step + 1 : 0;
                for (i64 i = 0; i < count; ++i) to[i] = from[i * step];
            }
    });
    return split;
}

inline i64 pitch_of(const ConvShape& s) { return ceil_div(s.width, s.stride_w) * s.stride_w; }

// The places of the output over the (split) input; taps in workspace memory of the caller.
inline Grid forward_grid(const ConvShape& s) {
    Grid g{};
    const i64 pitch = pitch_of(s), width = pitch / s.stride_w;
    g.images = s.images, g.image_size = s.channels * s.height * pitch;
    g.height = s.height, g.pitch = pitch, g.rows = s.out_h, g.cols = s.out_w, g.step_y = s.stride_h;
    g.taps = s.kernel_h * s.kernel_w;
    Tap* taps = space<Tap>(kSlotTaps, g.taps);
    for (i64 t = 0; t < g.taps; ++t) {
        const i64 x = t % s.kernel_w * s.dilation_w - s.pad_w;
        const i64 phase = (x % s.stride_w + s.stride_w) % s.stride_w;
        const i64 limit = s.width > phase ? (s.width - phase - 1) / s.stride_w + 1 : 0;
        taps[t] = {t / s.kernel_w * s.dilation_h - s.pad_h, (x - phase) / s.stride_w, phase * width, limit};
    }
    g.tap = taps;
    return g;
}

// A 1 x 1 window with a stride reads few pixels: they are gathered, and the rest is a window without stride.
inline bool is_sparse_pointwise(const ConvShape& s) {
    return s.kernel_h == 1 && s.kernel_w == 1 && s.pad_h == 0 && s.pad_w == 0 && (s.stride_h > 1 || s.stride_w > 1);
}

inline ConvShape without_stride(ConvShape s) {
    s.height = s.out_h, s.width = s.out_w, s.stride_h = s.stride_w = 1;
    return s;
}

inline const float* gather_pixels(const ConvShape& s, const float* x) {
    float* few = space<float>(kSlotPhases, s.images * s.channels * s.out_h * s.out_w);
    parallel(s.images * s.channels, [&](i64 p) {
        for (i64 y = 0; y < s.out_h; ++y) {
            const float* from = x + (p * s.height + y * s.stride_h) * s.width;
            float* to = few + (p * s.out_h + y) * s.out_w;
            for (i64 i = 0; i < s.out_w; ++i) to[i] = from[i * s.stride_w];
        }
    });
    return few;
}

inline void spread_pixels(const ConvShape& s, const float* few, float* dx) {
    parallel(s.images * s.channels, [&](i64 p) {
        float* plane = dx + p * s.height * s.width;
        memset(plane, 0, static_cast<size_t>(s.height * s.width) * sizeof(float));
        for (i64 y = 0; y < s.out_h; ++y)
            for (i64 i = 0; i < s.out_w; ++i)
                plane[y * s.stride_h * s.width + i * s.stride_w] = few[(p * s.out_h + y) * s.out_w + i];
    });
}

// The product of one group's weights with no image yet: enough to pack the weights.
inline ConvForward forward_product(const ConvShape& s, const float* w) {
    ConvForward p;
    p.m = s.outputs / s.groups, p.k = s.channels / s.groups * s.kernel_h * s.kernel_w, p.n = NR, p.w = w;
    return p;
}

i64 product_packed(const ConvShape& s) { return s.groups * packed_floats(cut_for(forward_product(s, nullptr))); }

void product_pack(const ConvShape& s, const float* w, float* to) {
    for (i64 g = 0; g < s.groups; ++g) {
        const ConvForward p = forward_product(s, w + g * s.outputs / s.groups * forward_product(s, w).k);
        const Cut cut = cut_for(p);
        pack_panels(p, cut, to + g * packed_floats(cut));
    }
}

void product_forward(const ConvShape& s, const float* x, const float* w, const float* bias, float* y,
                     const Fusion& fused) {
    if (is_sparse_pointwise(s)) return product_forward(without_stride(s), gather_pixels(s, x), w, bias, y, fused);
    const i64 channels = s.channels / s.groups, outputs = s.outputs / s.groups, area = s.out_h * s.out_w;
    ConvForward p;
    p.grid = forward_grid(s);
    p.m = outputs, p.n = p.grid.places(), p.k = channels * p.grid.taps;
    p.into(s, y, fused);
    const float* from = split_phases(s, x, p.grid.pitch);
    for (i64 g = 0; g < s.groups; ++g) {
        p.from = from + g * channels * p.grid.plane();
        p.w = w + g * outputs * p.k;
        p.to = y + g * outputs * area;
        p.finish.bias = bias == nullptr ? nullptr : bias + g * outputs;
        if (fused.packed != nullptr) p.packed = fused.packed + g * packed_floats(cut_for(p));
        multiply(p);
    }
}

// Of all pixels with (q + pad) % stride == residue: the first, how many, and the taps that reach them.
struct Residue {
    i64 first, count, taps;
    i64 tap[kMaxTaps], offset[kMaxTaps];

    Residue(i64 residue, i64 size, i64 kernel, i64 stride, i64 pad, i64 dilation) {
        first = ((residue - pad) % stride + stride) % stride;
        count = first < size ? (size - first - 1) / stride + 1 : 0;
        taps = 0;
        // From the last tap to the first, so that the offsets ascend.
        for (i64 t = kernel - 1; t >= 0; --t) {
            if (t * dilation % stride != residue) continue;
            tap[taps] = t;
            // Divides without a rest, so it does not matter that division rounds to zero.
            offset[taps++] = (first + pad - t * dilation) / stride;
        }
    }
};

void product_backward_data(const ConvShape& s, const float* dy, const float* w, float* dx) {
    if (is_sparse_pointwise(s)) {
        float* few = space<float>(kSlotPhases, s.images * s.channels * s.out_h * s.out_w);
        product_backward_data(without_stride(s), dy, w, few);
        return spread_pixels(s, few, dx);
    }
    const i64 channels = s.channels / s.groups, outputs = s.outputs / s.groups;
    const i64 plane = s.height * s.width, area = s.out_h * s.out_w, taps = s.kernel_h * s.kernel_w;
    ConvToData p;
    p.channels = channels, p.all_taps = taps;
    p.image_size = s.channels * plane, p.plane = plane, p.width = s.width;
    p.step_y = s.stride_h, p.step_x = s.stride_w;
    Grid& g = p.grid;
    g.images = s.images, g.image_size = s.outputs * area, g.height = s.out_h, g.pitch = s.out_w, g.step_y = 1;
    Tap* list = space<Tap>(kSlotTaps, taps);
    i64* index = space<i64>(kSlotRow, taps);
    g.tap = list, p.tap_index = index;
    for (i64 ry = 0; ry < s.stride_h; ++ry) {
        const Residue down(ry, s.height, s.kernel_h, s.stride_h, s.pad_h, s.dilation_h);
        for (i64 rx = 0; rx < s.stride_w; ++rx) {
            const Residue across(rx, s.width, s.kernel_w, s.stride_w, s.pad_w, s.dilation_w);
            g.rows = down.count, g.cols = across.count, g.taps = down.taps * across.taps;
            for (i64 t = 0; t < g.taps; ++t) {
                const i64 a = t / across.taps, b = t % across.taps;
                list[t] = {down.offset[a], across.offset[b], 0, s.out_w};
                index[t] = down.tap[a] * s.kernel_w + across.tap[b];
            }
            p.first = down.first * s.width + across.first;
            p.m = channels, p.n = g.places(), p.k = outputs * g.taps;
            for (i64 group = 0; group < s.groups; ++group) {
                p.from = dy + group * outputs * area;
                p.w = w + group * outputs * channels * taps;
                p.to = dx + group * channels * plane;
                multiply(p);
            }
        }
    }
}

void product_backward_weights(const ConvShape& s, const float* x, const float* dy, float* dw) {
    if (is_sparse_pointwise(s)) return product_backward_weights(without_stride(s), gather_pixels(s, x), dy, dw);
    const i64 channels = s.channels / s.groups, outputs = s.outputs / s.groups, area = s.out_h * s.out_w;
    ConvToWeights p;
    p.grid = forward_grid(s);
    p.m = outputs, p.n = channels * p.grid.taps, p.k = p.grid.places();
    p.finish.add = true;
    p.splittable = true;
    p.dy_image = s.outputs * area;
    const float* from = split_phases(s, x, p.grid.pitch);
    for (i64 g = 0; g < s.groups; ++g) {
        p.x = from + g * channels * p.grid.plane();
        p.dy = dy + g * outputs * area;
        p.dw = dw + g * outputs * p.n;
        multiply(p);
    }
}

}  // namespace
}  // namespace cortado
