// Depthwise 3 x 3 with stride 2, back to the data. Pixel q meets the taps of its parity: with r = q + pad, an even r meets
// tap 0 of place r / 2 and tap 2 of the place before, an odd one tap 1 of place (r - 1) / 2. Even and odd pixels of a row
// are computed V at a time and laid out in turn in registers.
#pragma once

#include "conv.hpp"
#include "math.hpp"

namespace cortado {
namespace {

inline bool is_halved(const ConvShape& s) {
    return s.kernel_h == 3 && s.kernel_w == 3 && s.stride_h == 2 && s.stride_w == 2 && s.dilation_h == 1 &&
           s.dilation_w == 1;
}

// The pixels 2 n and 2 n + 1 (padding included) of a row that meets the filter's row w at dy's row g.
inline void add_halved(const float* g, const float* w, vf& even, vf& odd) {
    const vf here = load(g);
    even += splat(w[0]) * here + splat(w[2]) * load(g - 1);
    odd += splat(w[1]) * here;
}

// dx (+)= one plane's gradient. `rows` is dy with a row of 0 above and below, and a float before each row of `pitch`.
inline void halved_plane(const ConvShape& s, const float* rows, i64 pitch, const float* w, bool add, float* line,
                         float* dx) {
    for (i64 q = 0; q < s.height; ++q) {
        const i64 r = q + s.pad_h, m = min(r / 2, s.out_h);
        const float* here = rows + (m + 1) * pitch + 1;
        for (i64 n = 0; 2 * n < s.width + s.pad_w; n += V) {
            vf even = {}, odd = {};
            if (r % 2 == 1) {
                add_halved(here + n, w + 3, even, odd);
            } else {
                add_halved(here + n, w, even, odd);
                add_halved(rows + min(r / 2, s.out_h + 1) * pitch + 1 + n, w + 6, even, odd);
            }
            store_in_turn(line + 2 * n, even, odd);
        }
        along(s.width, [&](i64 i, auto l) {
            const vf v = get(line + s.pad_w + i, l);
            put(dx + q * s.width + i, add ? get(dx + q * s.width + i, l) + v : v, l);
        });
    }
}

void halved_backward_data(const ConvShape& s, const float* dy, const float* w, float* dx) {
    const i64 each = s.outputs / s.groups, planes = s.images * s.channels, area = s.out_h * s.out_w;
    const i64 reach = max(s.out_w, ceil_div(s.width + s.pad_w, 2)), pitch = 1 + round_up(reach, V) + V;
    const i64 together = max(1, 4096 / max(1, s.height * s.width));
    parallel(ceil_div(planes, together), [&](i64 group) {
        float* rows = space<float>(kSlotA, (s.out_h + 2) * pitch + V);
        float* line = space<float>(kSlotB, 2 * round_up(reach, V) + s.pad_w + 2 * V);
        for (i64 i = 0; i < (s.out_h + 2) * pitch + V; ++i) rows[i] = 0;
        for (i64 p = group * together; p < min(planes, (group + 1) * together); ++p)
            for (i64 e = 0; e < each; ++e) {
                const i64 o = p % s.channels * each + e;
                const float* from = dy + (p / s.channels * s.outputs + o) * area;
                for (i64 y = 0; y < s.out_h; ++y)
                    along(s.out_w, [&](i64 i, auto l) {
                        put(rows + (y + 1) * pitch + 1 + i, get(from + y * s.out_w + i, l), l);
                    });
                halved_plane(s, rows, pitch, w + o * 9, e > 0, line, dx + p * s.height * s.width);
            }
    });
}

}  // namespace
}  // namespace cortado
