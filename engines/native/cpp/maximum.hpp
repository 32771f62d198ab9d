// Maximum pooling where nobody asks which pixel held the maximum.
#pragma once

#include "planes.hpp"

namespace cortado {
namespace {

// The larger of two numbers; NaN if one is NaN. Either comparison alone would let a NaN on one side go, and together they
// differ only where one is.
struct Larger {
    vf operator()(vf a, vf b) const {
#if defined(__AVX512F__)
        return (vf)_mm512_or_ps(_mm512_max_ps((__m512)a, (__m512)b), _mm512_max_ps((__m512)b, (__m512)a));
#else
        return as_float(as_int(a > b ? a : b) | as_int(b > a ? b : a));
#endif
    }
};

// Windows beyond the image, which are empty, have the lowest finite number.
inline void fill_empty(const PoolShape& s, float* y) {
    const i64 rows = min(s.out_h, ceil_div(s.height + s.pad_h, s.stride_h));
    const i64 columns = min(s.out_w, ceil_div(s.width + s.pad_w, s.stride_w));
    if (rows == s.out_h && columns == s.out_w) return;
    for (i64 p = 0; p < s.planes; ++p)
        for (i64 oy = 0; oy < s.out_h; ++oy)
            for (i64 i = oy < rows ? columns : 0; i < s.out_w; ++i)
                y[(p * s.out_h + oy) * s.out_w + i] = -3.40282347e38f;
}

void maximum_of_windows(const PoolShape& s, const float* x, float* y) {
    constexpr float none = -__builtin_inff();
    if (is_global(s))
        return pool_planes(s, x, none, Larger{}, [&](i64 p, i64 count, vf most) { store_part(y + p, most, count); });
    pool_windows(s, x, none, Larger{}, [&](i64 row, i64, i64 i, auto l, vf most) { put(y + row * s.out_w + i, most, l); });
    fill_empty(s, y);
}

}  // namespace
}  // namespace cortado
