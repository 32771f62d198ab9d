// Backward to the weights from shifted rows: dw[o, c, tap] is the sum over the places of dy[o] times the pixels that the
// tap meets. Lanes are places, so that nothing is packed or transposed; a tile of the result is some outputs by kTapTile
// taps, a vector of partial sums each.
#pragma once

#include "shifted.hpp"

namespace cortado {
namespace {

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kOutputTile = 5;
#else
constexpr int kOutputTile = 2;
#endif
constexpr int kTapTile = 5;

// sums[OUTPUTS][kTapTile] += dy times the pixels of the taps, over the places of some images. dy is packed [image]
// [vector of places][output][V], 0 beyond the last place; the copies of an image lie `copies_image` floats further.
template <int OUTPUTS>
void shifted_sums(i64 images, i64 vectors, const float* dy, const float* copies, i64 copies_image, const i64* offset,
                  vf* sums) {
    vf acc[OUTPUTS][kTapTile];
#pragma GCC unroll 5
    for (int o = 0; o < OUTPUTS; ++o)
#pragma GCC unroll 5
        for (int t = 0; t < kTapTile; ++t) acc[o][t] = sums[o * kTapTile + t];
    const i64 at[kTapTile] = {offset[0], offset[1], offset[2], offset[3], offset[4]};
    for (i64 image = 0; image < images; ++image) {
        const float* p = copies + image * copies_image;
        for (const float* end = p + vectors * V; p < end; p += V, dy += OUTPUTS * V) {
            vf g[OUTPUTS];
#pragma GCC unroll 5
            for (int o = 0; o < OUTPUTS; ++o) g[o] = load(dy + o * V);
#pragma GCC unroll 5
            for (int t = 0; t < kTapTile; ++t) {
                const vf pixel = load(p + at[t]);
#pragma GCC unroll 5
                for (int o = 0; o < OUTPUTS; ++o) acc[o][t] += g[o] * pixel;
            }
        }
    }
#pragma GCC unroll 5
    for (int o = 0; o < OUTPUTS; ++o)
#pragma GCC unroll 5
        for (int t = 0; t < kTapTile; ++t) sums[o * kTapTile + t] = acc[o][t];
}

using ShiftedSums = void (*)(i64, i64, const float*, const float*, i64, const i64*, vf*);

inline ShiftedSums shifted_sums_for(i64 outputs) {
    static const ShiftedSums table[] = {nullptr, shifted_sums<1>, shifted_sums<2>,
#if defined(__AVX512F__) || defined(__aarch64__)
                                        shifted_sums<3>, shifted_sums<4>, shifted_sums<5>
#endif
    };
    return table[outputs];
}

// How many places a tile goes over at a time (what it reads of dy stays in L1 from tile to tile), and what a task has at
// most, so that its partial sums stay in L2.
constexpr i64 kTilePlaces = 1024, kTaskOutputs = 128, kTaskChannels = 4, kTaskSums = 512 << 10;

// How the places are cut: into some images, or some rows of one. The sums depend on it, so it depends on sizes alone.
struct PlacesCut {
    i64 rows, images;

    explicit PlacesCut(const Window& w)
        : rows(max(1, min(w.out_h, kTilePlaces / max(1, w.out_w)))),
          images(rows < w.out_h ? 1 : max(1, kTilePlaces / max(1, w.out_h * w.out_w))) {}
};

// to[i] = the sum of the lanes of sums[i]; whole groups of V.
inline void sums_of(vf* sums, i64 count, float* to) {
    for (i64 i = 0; i < count; i += V) {
        transpose(sums + i);
        vf total = sums[i];
        for (i64 l = 1; l < V; ++l) total += sums[i + l];
        store(to + i, total);
    }
}

// Packs dy[outputs][area] of some images for shifted_sums; `count` of the places of each.
inline void pack_gradients(float* to, const float* dy, i64 images, i64 dy_image, i64 outputs, i64 area, i64 count) {
    for (i64 n = 0; n < images; ++n, dy += dy_image)
        for (i64 j = 0; j < count; j += V)
            for (i64 o = 0; o < outputs; ++o, to += V) {
                const float* p = dy + o * area + j;
                store(to, count - j >= V ? load(p) : load_part(p, count - j));
            }
}

// The weights of some channels to some outputs; x, dy and dw are theirs.
struct WeightsTask {
    const ConvShape& s;
    const Shifts& shifts;
    const PlacesCut& cut;
    const i64* order;    // of the taps
    i64 channels, outputs;
    const float* x;
    const float* dy;
    float* dw;
    i64 dw_row;

    void run() const {
        const i64 taps = shifts.taps, width = round_up(taps, kTapTile), area = s.out_h * s.out_w;
        const i64 high = ceil_div(outputs, ceil_div(outputs, kOutputTile)), block = round_up(outputs, high) * width;
        // Partial sums [channel][group of `high` outputs][tile of taps][output][tap].
        const i64 held = round_up(channels * block, V);
        vf* sums = space<vf>(kSlotParts, held);
        for (i64 i = 0; i < held; ++i) sums[i] = vf{};
        // A tile that is not full reads the first tap again.
        i64* offset = space<i64>(kSlotColumns, width);
        for (i64 t = 0; t < width; ++t) offset[t] = shifts.offset[order[t < taps ? t : 0]];
        const i64 x_image = s.channels * s.height * s.width, dy_image = s.outputs * area;
        const i64 images_apart = channels * shifts.plane;
        float* copies = space_for_copies(kSlotPackedB, cut.images * images_apart);
        float* packed = space<float>(kSlotPanelA, high * cut.images * round_up(cut.rows * s.out_w, V));
        const ShiftRows shift = shift_rows_for(s.stride_w);
        Shifts at = shifts;
        for (i64 image = 0; image < s.images; image += cut.images)
            for (at.first_row = 0; at.first_row < s.out_h; at.first_row += cut.rows) {
                const i64 rows = min(cut.rows, s.out_h - at.first_row), images = min(cut.images, s.images - image);
                const i64 places = rows * s.out_w, vectors = ceil_div(places, V);
                for (i64 n = 0; n < images; ++n)
                    for (i64 c = 0; c < channels; ++c)
                        shift(at, x + (image + n) * x_image + c * s.height * s.width,
                              copies + n * images_apart + c * shifts.plane);
                const float* from = dy + image * dy_image + at.first_row * s.out_w;
                for (i64 o = 0; o < outputs; o += high) {
                    const i64 count = min(high, outputs - o);
                    const ShiftedSums kernel = shifted_sums_for(count);
                    pack_gradients(packed, from + o * area, images, dy_image, count, area, places);
                    for (i64 c = 0; c < channels; ++c)
                        for (i64 t = 0; t < width; t += kTapTile)
                            kernel(images, vectors, packed, copies + c * shifts.plane, images_apart, offset + t,
                                   sums + c * block + o * width + t * high);
                }
            }
        float* totals = space<float>(kSlotTiles, held);
        sums_of(sums, held, totals);
        for (i64 o = 0; o < outputs; ++o)
            for (i64 c = 0; c < channels; ++c)
                for (i64 t = 0; t < taps; ++t) {
                    const i64 group = o / high * high, tile = t / kTapTile * kTapTile;
                    dw[o * dw_row + c * taps + order[t]] +=
                        totals[c * block + group * width + tile * high + (o - group) * kTapTile + t - tile];
                }
    }
};

// The taps by where they read, so that those of one tile read the same copy, some rows apart.
inline const i64* taps_by_offset(const Shifts& s) {
    i64* order = space<i64>(kSlotPhases, s.taps);
    for (i64 t = 0; t < s.taps; ++t) {
        i64 at = t;
        for (; at > 0 && s.offset[order[at - 1]] > s.offset[t]; --at) order[at] = order[at - 1];
        order[at] = t;
    }
    return order;
}

void shifted_backward_weights(const ConvShape& s, const float* x, const float* dy, float* dw) {
    const i64 channels = s.channels / s.groups, outputs = s.outputs / s.groups, taps = s.kernel_h * s.kernel_w;
    const Window window = forward_window(s);
    const PlacesCut cut(window);
    const Shifts shifts = shifts_for(window, cut.rows);
    const i64* order = taps_by_offset(shifts);
    // The results do not depend on how channels and outputs are cut.
    const i64 enough = 2 * threads();
    i64 blocks = ceil_div(outputs, kTaskOutputs);
    const i64 sums = ceil_div(outputs, blocks) * taps * V * 4;
    i64 together = min(min(channels, kTaskChannels), max(1, kTaskSums / sums));
    while (together > 1 && s.groups * ceil_div(channels, together) * blocks < enough) --together;
    const i64 parts = ceil_div(channels, together);
    while (s.groups * parts * blocks < enough && outputs >= 8 * (blocks + 1)) ++blocks;
    const i64 block = ceil_div(outputs, blocks);
    blocks = ceil_div(outputs, block);
    parallel(s.groups * parts * blocks, [&](i64 task) {
        const i64 group = task / (parts * blocks), c = task / blocks % parts * together, o = task % blocks * block;
        const i64 channel = group * channels + c, output = group * outputs + o;
        WeightsTask{s, shifts, cut, order, min(together, channels - c), min(block, outputs - o),
                    x + channel * s.height * s.width, dy + output * s.out_h * s.out_w,
                    dw + (output * channels + c) * taps, channels * taps}
            .run();
    });
}

}  // namespace
}  // namespace cortado
