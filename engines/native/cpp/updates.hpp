// The update rules, each in one pass over the parameter, its gradient and its history.
#pragma once

#include "math.hpp"

namespace cortado {
namespace {

void regularize(i64 n, const float* w, float* g, float l1, float l2) {
    sweep(n, [=](i64 i, auto l) {
        const vf v = get(w + i, l);
        vf term = get(g + i, l);
        if (l1 != 0) term += splat(l1) * (v > vf{} ? splat(1) : v < vf{} ? splat(-1) : v == v ? vf{} : v);
        if (l2 != 0) term += splat(l2) * v;
        put(g + i, term, l);
    });
}

void sgd_update(i64 n, float* w, float* g, float* h, float rate, float momentum) {
    sweep(n, [=](i64 i, auto l) {
        const vf step = splat(momentum) * get(h + i, l) + splat(rate) * get(g + i, l);
        put(h + i, step, l);
        put(g + i, step, l);
        put(w + i, get(w + i, l) - step, l);
    });
}

void nesterov_update(i64 n, float* w, float* g, float* h, float rate, float momentum) {
    sweep(n, [=](i64 i, auto l) {
        const vf before = splat(momentum) * get(h + i, l), now = before + splat(rate) * get(g + i, l);
        const vf step = splat(1 + momentum) * now - before;
        put(h + i, now, l);
        put(g + i, step, l);
        put(w + i, get(w + i, l) - step, l);
    });
}

void adagrad_update(i64 n, float* w, float* g, float* h, float rate, float delta) {
    sweep(n, [=](i64 i, auto l) {
        const vf d = get(g + i, l), square = get(h + i, l) + d * d;
        const vf step = splat(rate) * d / (root(square) + splat(delta));
        put(h + i, square, l);
        put(g + i, step, l);
        put(w + i, get(w + i, l) - step, l);
    });
}

void rmsprop_update(i64 n, float* w, float* g, float* h, float rate, float decay, float delta) {
    sweep(n, [=](i64 i, auto l) {
        const vf d = get(g + i, l), square = splat(decay) * get(h + i, l) + splat(1 - decay) * (d * d);
        const vf step = splat(rate) * d / (root(square) + splat(delta));
        put(h + i, square, l);
        put(g + i, step, l);
        put(w + i, get(w + i, l) - step, l);
    });
}

void adadelta_update(i64 n, float* w, float* g, float* h1, float* h2, float rate, float momentum, float delta) {
    sweep(n, [=](i64 i, auto l) {
        const vf d = get(g + i, l), past = get(h2 + i, l);
        const vf square = splat(momentum) * get(h1 + i, l) + splat(1 - momentum) * (d * d);
        const vf step = d * root((past + splat(delta)) / (square + splat(delta)));
        put(h1 + i, square, l);
        put(h2 + i, splat(momentum) * past + splat(1 - momentum) * (step * step), l);
        put(g + i, splat(rate) * step, l);
        put(w + i, get(w + i, l) - splat(rate) * step, l);
    });
}

void adam_update(i64 n, float* w, float* g, float* m, float* v, float rate, float beta1, float beta2, float delta) {
    sweep(n, [=](i64 i, auto l) {
        const vf d = get(g + i, l);
        const vf mean = splat(beta1) * get(m + i, l) + splat(1 - beta1) * d;
        const vf square = splat(beta2) * get(v + i, l) + splat(1 - beta2) * (d * d);
        const vf step = splat(rate) * mean / (root(square) + splat(delta));
        put(m + i, mean, l);
        put(v + i, square, l);
        put(g + i, step, l);
        put(w + i, get(w + i, l) - step, l);
    });
}

}  // namespace
}  // namespace cortado
