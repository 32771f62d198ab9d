#include <nanobind/stl/pair.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>
#include <vector>

#include "command.hpp"
#include "pool.hpp"

namespace cortado {
namespace {

void regularize(const In& w, const Out& g, float l1, float l2) {
    const i64 n = same_size(w, g);
    Free free;
    kernels().regularize(n, w.data(), g.data(), l1, l2);
}

template <auto Kernel, class... Numbers>
void with_history(const Out& w, const Out& g, const Out& h, Numbers... numbers) {
    const i64 n = same_size(w, g, h);
    Free free;
    (kernels().*Kernel)(n, w.data(), g.data(), h.data(), numbers...);
}

template <auto Kernel, class... Numbers>
void with_histories(const Out& w, const Out& g, const Out& a, const Out& b, Numbers... numbers) {
    const i64 n = same_size(w, g, a, b);
    Free free;
    (kernels().*Kernel)(n, w.data(), g.data(), a.data(), b.data(), numbers...);
}

// A part of a parameter, with its gradient and history, and what is to be done to it.
struct Part {
    float *w, *g, *a, *b;
    i64 n;
    float shrink, l1, l2;
    const float* numbers;
};

template <auto Kernel, class Slots, size_t... I>
void apply(const Part& p, std::index_sequence<I...>) {
    if constexpr (Slots::value == 1) (kernels().*Kernel)(p.n, p.w, p.g, p.a, p.numbers[I]...);
    else (kernels().*Kernel)(p.n, p.w, p.g, p.a, p.b, p.numbers[I]...);
}

// An update rule: how many arrays of history and how many numbers it takes.
struct Rule {
    const char* name;
    size_t slots, numbers;
    void (*apply)(const Part&);
};

template <auto Kernel, size_t Slots, size_t Numbers>
constexpr Rule rule(const char* name) {
    return {name, Slots, Numbers, [](const Part& part) {
                apply<Kernel, std::integral_constant<size_t, Slots>>(part, std::make_index_sequence<Numbers>());
            }};
}

constexpr Rule kRules[] = {
    rule<&Kernels::sgd_update, 1, 2>("sgd_update"),         rule<&Kernels::nesterov_update, 1, 2>("nesterov_update"),
    rule<&Kernels::adagrad_update, 1, 2>("adagrad_update"), rule<&Kernels::rmsprop_update, 1, 3>("rmsprop_update"),
    rule<&Kernels::adadelta_update, 2, 3>("adadelta_update"), rule<&Kernels::adam_update, 2, 4>("adam_update"),
};

const Rule& rule_called(const char* name) {
    for (const Rule& rule : kRules)
        if (std::strcmp(rule.name, name) == 0) return rule;
    throw nb::type_error("no such update rule");
}

template <class Task>
void on_all_threads(i64 count, Task& task) {
    run_tasks(count, [](void* context, i64 i) { (*static_cast<Task*>(context))(i); }, &task);
}

// See Engine.update_all. Every piece goes through all steps in the cache of the one thread that takes it.
std::pair<bool, bool> update_all(const char* name, const nb::list& arrays, const nb::list& factors,
                                 const nb::list& numbers, float share, bool watch, i64 size) {
    const Rule& rule = rule_called(name);
    std::deque<Out> views;
    std::vector<float> constants;
    std::vector<Part> parts;
    constants.reserve(arrays.size() * rule.numbers);
    need(factors.size() == arrays.size() && numbers.size() == arrays.size() && size > 0);
    for (size_t i = 0; i < arrays.size(); ++i) {
        const auto of = nb::cast<nb::tuple>(arrays[i]), terms = nb::cast<nb::tuple>(factors[i]);
        const auto given = nb::cast<nb::tuple>(numbers[i]);
        need(of.size() == 2 + rule.slots && terms.size() == 3 && given.size() == rule.numbers);
        float* memory[4] = {};
        const i64 first = static_cast<i64>(views.size());
        for (size_t k = 0; k < of.size(); ++k) {
            need(views.emplace_back().from(nb::handle(of[k]).ptr()));
            need(views.back().size() == views[first].size());
            memory[k] = views.back().data();
        }
        const float* own = constants.data() + constants.size();
        for (nb::handle number : given) constants.push_back(nb::cast<float>(number));
        const float shrink = nb::cast<float>(terms[0]), l1 = nb::cast<float>(terms[1]), l2 = nb::cast<float>(terms[2]);
        for (i64 at = 0; at < views[first].size(); at += size) {
            const i64 n = std::min(size, views[first].size() - at);
            float* b = memory[3] == nullptr ? nullptr : memory[3] + at;
            parts.push_back({memory[0] + at, memory[1] + at, memory[2] + at, b, n, shrink, l1, l2, own});
        }
    }
    std::atomic<bool> gradients{true}, weights{true};
    auto task = [&](i64 i) {
        const Part& part = parts[i];
        if (watch && !kernels().all_finite(part.n, part.g)) {
            gradients = false;
            return;
        }
        if (share != 1) kernels().scale_by(part.n, share, part.g, part.g);
        if (part.shrink != 1) kernels().scale_by(part.n, part.shrink, part.w, part.w);
        if (part.l1 != 0 || part.l2 != 0) kernels().regularize(part.n, part.w, part.g, part.l1, part.l2);
        rule.apply(part);
        if (watch && !kernels().all_finite(part.n, part.w)) weights = false;
    };
    Free free;
    on_all_threads(static_cast<i64>(parts.size()), task);
    return {gradients, weights};
}

void clear(const nb::list& arrays) {
    constexpr i64 kPiece = 1 << 18;
    std::deque<Out> views;
    std::vector<std::pair<float*, i64>> pieces;
    for (nb::handle array : arrays) {
        need(views.emplace_back().from(array.ptr()));
        const Out& view = views.back();
        for (i64 at = 0; at < view.size(); at += kPiece)
            pieces.emplace_back(view.data() + at, std::min(kPiece, view.size() - at));
    }
    auto task = [&](i64 i) { std::fill_n(pieces[i].first, pieces[i].second, 0.0f); };
    Free free;
    on_all_threads(static_cast<i64>(pieces.size()), task);
}

}  // namespace

void bind_updates(nb::module_& m) {
    m.def("clear", clear);
    m.def("update_all", update_all);
    def(m, "regularize", regularize);
    def(m, "sgd_update", with_history<&Kernels::sgd_update, float, float>);
    def(m, "nesterov_update", with_history<&Kernels::nesterov_update, float, float>);
    def(m, "adagrad_update", with_history<&Kernels::adagrad_update, float, float>);
    def(m, "rmsprop_update", with_history<&Kernels::rmsprop_update, float, float, float>);
    def(m, "adadelta_update", with_histories<&Kernels::adadelta_update, float, float, float>);
    def(m, "adam_update", with_histories<&Kernels::adam_update, float, float, float, float>);
}

}  // namespace cortado
