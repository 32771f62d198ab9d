// The cross entropy of answers that are yes or no, each by itself, and its gradient.
#pragma once

#include "math.hpp"

namespace cortado {
namespace {

typedef double vd __attribute__((vector_size(V * 8)));

// Which targets become `label` when their fraction is dropped. That of a label of 0 may be lost on either side.
class Ignored {
public:
    Ignored(bool ignores, float label)
        : label_(splat(ignores ? label : __builtin_nanf(""))),
          low_(splat(ignores ? (label > 0 ? label : label - 1) : 0)),
          high_(splat(ignores ? (label < 0 ? label : label + 1) : 0)) {}

    vi operator()(vf target) const { return (target == label_) | ((target > low_) & (target < high_)); }

private:
    vf label_, low_, high_;
};

// Each piece by itself in float64, then the pieces in order, whatever thread made them.
double sigmoid_cross_entropy_forward(i64 n, const float* x, const float* target, bool ignores, float label, i64* counted) {
    constexpr i64 kPiece = 16384;
    struct Part {
        double loss;
        i64 counted;
    };
    const Ignored ignored(ignores, label);
    const i64 pieces = ceil_div(n, kPiece);
    Part* parts = space<Part>(kSlotParts, max(1, pieces));
    parallel(pieces, [&](i64 piece) {
        const i64 start = piece * kPiece, count = min(kPiece, n - start);
        vd loss = {};
        vi gone = {};
        along(count, [&](i64 i, auto l) {
            const vf v = get(x + start + i, l), t = get(target + start + i, l);
            const vf term = at_least(v, 0) + logarithm_of_one_more(exponential(-absolute(v))) - v * t;
            const vi out = ignored(t);
            loss += __builtin_convertvector(only(out ? vf{} : term, l), vd);
            gone += as_int(only(as_float(out), l));
        });
        parts[piece] = {0, count};
        for (int l = 0; l < V; ++l) parts[piece].loss += loss[l], parts[piece].counted += gone[l];
    });
    double total = 0;
    *counted = 0;
    for (i64 piece = 0; piece < pieces; ++piece) total += parts[piece].loss, *counted += parts[piece].counted;
    return total;
}

void sigmoid_cross_entropy_backward(i64 n, const float* x, const float* target, bool ignores, float label, float scale,
                                    float* dx) {
    const Ignored ignored(ignores, label);
    sweep(n, [=](i64 i, auto l) {
        const vf t = get(target + i, l);
        put(dx + i, (ignored(t) ? vf{} : logistic(get(x + i, l)) - t) * splat(scale), l);
    });
}

}  // namespace
}  // namespace cortado
