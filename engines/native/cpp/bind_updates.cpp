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

// A part of a parameter, with its gradient and history.
struct Part {
    float* memory[4];
    i64 n;
    size_t parameter;
};

template <auto Kernel, class Slots, size_t... I>
void apply(const Part& p, const float* numbers, std::index_sequence<I...>) {
    const auto [w, g, a, b] = p.memory;
    if constexpr (Slots::value == 1) (kernels().*Kernel)(p.n, w, g, a, numbers[I]...);
    else (kernels().*Kernel)(p.n, w, g, a, b, numbers[I]...);
}

// An update rule: how many arrays of history and how many numbers it takes.
struct Rule {
    const char* name;
    size_t slots, numbers;
    void (*apply)(const Part&, const float* numbers);
};

constexpr size_t kMostNumbers = 4;

template <auto Kernel, size_t Slots, size_t Numbers>
constexpr Rule rule(const char* name) {
    static_assert(Numbers <= kMostNumbers);
    return {name, Slots, Numbers, [](const Part& part, const float* numbers) {
                apply<Kernel, std::integral_constant<size_t, Slots>>(part, numbers, std::make_index_sequence<Numbers>());
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

// See Engine.updater. Every piece goes through all steps in the cache of the one thread that takes it.
class Updater {
public:
    Updater(const char* name, const nb::list& parameters, i64 size) : rule_(rule_called(name)), factors_(parameters.size()) {
        need(size > 0);
        for (size_t i = 0; i < parameters.size(); ++i) {
            const auto arrays = nb::cast<nb::tuple>(parameters[i]);
            need(arrays.size() == 2 + rule_.slots);
            float* memory[4] = {};
            i64 count = 0;
            for (size_t k = 0; k < arrays.size(); ++k) {
                need(views_.emplace_back().from(nb::handle(arrays[k]).ptr()));
                need(k == 0 || views_.back().size() == count);
                count = views_.back().size();
                memory[k] = views_.back().data();
            }
            for (i64 at = 0; at < count; at += size) {
                Part& part = parts_.emplace_back(Part{{}, std::min(size, count - at), i});
                for (size_t k = 0; k < arrays.size(); ++k) part.memory[k] = memory[k] + at;
            }
        }
    }

    Updater(const Updater&) = delete;
    Updater& operator=(const Updater&) = delete;

    std::pair<bool, bool> update(const nb::list& factors, float share, bool watch, bool clear) {
        need(factors.size() == factors_.size());
        for (size_t i = 0; i < factors.size(); ++i) factors_[i].take(nb::cast<nb::tuple>(factors[i]), rule_.numbers);
        std::atomic<bool> gradients{true}, weights{true};
        auto task = [&](i64 i) {
            const Part& part = parts_[i];
            const Factors& own = factors_[part.parameter];
            float *w = part.memory[0], *g = part.memory[1];
            if (watch && !kernels().all_finite(part.n, g)) {
                gradients = false;
                return;
            }
            if (share != 1) kernels().scale_by(part.n, share, g, g);
            if (own.shrink != 1) kernels().scale_by(part.n, own.shrink, w, w);
            if (own.l1 != 0 || own.l2 != 0) kernels().regularize(part.n, w, g, own.l1, own.l2);
            rule_.apply(part, own.numbers);
            if (watch && !kernels().all_finite(part.n, w)) weights = false;
            if (clear) std::fill_n(g, part.n, 0.0f);
        };
        Free free;
        on_all_threads(static_cast<i64>(parts_.size()), task);
        return {gradients, weights};
    }

private:
    struct Factors {
        float shrink, l1, l2, numbers[kMostNumbers];

        void take(const nb::tuple& given, size_t count) {
            need(given.size() == 3 + count);
            shrink = nb::cast<float>(given[0]);
            l1 = nb::cast<float>(given[1]);
            l2 = nb::cast<float>(given[2]);
            for (size_t i = 0; i < count; ++i) numbers[i] = nb::cast<float>(given[3 + i]);
        }
    };

    const Rule& rule_;
    std::deque<Out> views_;
    std::vector<Part> parts_;
    std::vector<Factors> factors_;
};

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
    nb::class_<Updater>(m, "Updater").def(nb::init<const char*, const nb::list&, i64>()).def("__call__", &Updater::update);
    def(m, "regularize", regularize);
    def(m, "sgd_update", with_history<&Kernels::sgd_update, float, float>);
    def(m, "nesterov_update", with_history<&Kernels::nesterov_update, float, float>);
    def(m, "adagrad_update", with_history<&Kernels::adagrad_update, float, float>);
    def(m, "rmsprop_update", with_history<&Kernels::rmsprop_update, float, float, float>);
    def(m, "adadelta_update", with_histories<&Kernels::adadelta_update, float, float, float>);
    def(m, "adam_update", with_histories<&Kernels::adam_update, float, float, float, float>);
}

}  // namespace cortado
