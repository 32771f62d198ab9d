// Backward to the data by columns: a product gives what every place sends back through every tap, and its sums are the
// image. With few channels the rows of the product are the taps, where a product that writes the image would have few.
#pragma once

#include "columns.hpp"
#include "gemm.hpp"
#include "wish.hpp"

namespace cortado {
namespace {

constexpr i64 kMostColumns = 4 << 20;  // floats, of one image and group

// CORTADO_COLUMNS=0 turns columns off, 1 takes them for all but single taps; otherwise where they are faster. Measured:
// with a stride, but for small images of many channels, whose weights are read again for each; without one for up to four
// channels, and where the image is larger than what is known of it, so that other ways compute with much that is 0.
inline bool columns_win(const ConvShape& s) {
    static const int wish = wish_for("CORTADO_COLUMNS");
    const i64 channels = s.channels / s.groups, taps = s.kernel_h * s.kernel_w, area = s.out_h * s.out_w;
    if (taps == 1 || wish == 0) return false;
    if (wish == 1) return true;
    if (channels * taps * area > kMostColumns) return false;
    if (s.stride_h > 1 || s.stride_w > 1) return area >= 200 || channels <= 24 || taps >= 16;
    return channels <= 4 || 14 * area < 10 * s.height * s.width;
}

void columns_backward_data(const ConvShape& s, const float* dy, const float* w, float* dx) {
    const i64 channels = s.channels / s.groups, outputs = s.outputs / s.groups, area = s.out_h * s.out_w;
    const i64 rows = channels * s.kernel_h * s.kernel_w, size = s.height * s.width;
    float* columns = space<float>(kSlotProducts, rows * area);
    ConvShape image = s;
    image.images = 1, image.channels = channels;
    for (i64 n = 0; n < s.images; ++n)
        for (i64 g = 0; g < s.groups; ++g) {
            gemm(rows, area, outputs, 1, w + g * outputs * rows, true, dy + (n * s.groups + g) * outputs * area, false, 0,
                 columns);
            col2im(image, columns, dx + (n * s.groups + g) * channels * size);
        }
}

}  // namespace
}  // namespace cortado
