// What the two ways of pooling share.
#pragma once

#include "math.hpp"

namespace cortado {
namespace {

// body(plane) for all planes, some at a time.
template <class Body>
inline void over_planes(const PoolShape& s, const Body& body) {
    const i64 together = max(1, 16384 / max(1, s.height * s.width));
    parallel(ceil_div(s.planes, together), [&](i64 group) {
        for (i64 p = group * together; p < min(s.planes, (group + 1) * together); ++p) body(p);
    });
}

// One window that is the whole plane, without padding.
inline bool is_global(const PoolShape& s) {
    return s.out_h == 1 && s.out_w == 1 && s.pad_h == 0 && s.pad_w == 0 && s.kernel_h >= s.height &&
           s.kernel_w >= s.width;
}

}  // namespace
}  // namespace cortado
