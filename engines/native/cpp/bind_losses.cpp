// What losses and accuracy take from scores by their labels. With one number per position plain loops do.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>

#include <algorithm>
#include <atomic>
#include <cfloat>
#include <cmath>
#include <vector>

#include "bind.hpp"
#include "pool.hpp"

namespace cortado {
namespace {

bool labels_fit(const In& labels, float classes) {
    return std::all_of(labels.data(), labels.data() + labels.size(), [&](float v) { return v >= 0 && v < classes; });
}

struct Sum {
    double total = 0;
    i64 count = 0;
    bool fits = true;
};

// See Losses.softmax_loss_forward of the reference.
std::pair<double, i64> loss_of(const Axes& s, const float* prob, const In& label, nb::handle ignore) {
    constexpr i64 kPiece = 4096;
    const i64 classes = s.channels, inner = s.inner, n = label.size();
    need(n == s.outer * inner);
    const bool ignores = !ignore.is_none();
    const float ignored = ignores ? nb::cast<float>(ignore) : 0;
    std::vector<Sum> sums(static_cast<size_t>((n + kPiece - 1) / kPiece));
    auto task = [&](i64 piece) {
        Sum sum;
        for (i64 i = piece * kPiece; i < std::min(n, (piece + 1) * kPiece); ++i) {
            const float given = label.data()[i];
            if (ignores && std::trunc(given) == ignored) continue;
            if (!(given > -1 && given < static_cast<float>(classes))) {
                sum.fits = false;
                break;
            }
            const float p = prob[(i / inner * classes + static_cast<i64>(given)) * inner + i % inner];
            sum.total -= std::log(p < FLT_MIN ? FLT_MIN : p);
            ++sum.count;
        }
        sums[static_cast<size_t>(piece)] = sum;
    };
    {
        Free free;
        run_tasks(static_cast<i64>(sums.size()),
                  [](void* context, i64 i) { (*static_cast<decltype(task)*>(context))(i); }, &task);
    }
    Sum all;
    for (const Sum& sum : sums) {
        need(sum.fits);
        all.total += sum.total;
        all.count += sum.count;
    }
    return {all.total + 0.0, all.count};
}

std::pair<double, i64> softmax_loss_forward(const In& prob, const In& label, nb::handle ignore) {
    need(prob.axes() == 3);
    return loss_of(axes_of(prob), prob.data(), label, ignore);
}

std::pair<double, i64> softmax_loss(const In& x, const Out& prob, const In& label) {
    need(x.axes() == 3 && prob.axes() == 3 && x.size() == prob.size());
    need(labels_fit(label, static_cast<float>(x.shape(1))));
    {
        Free free;
        kernels().softmax_forward(axes_of(x), x.data(), prob.data());
    }
    return loss_of(axes_of(prob), prob.data(), label, nb::none());
}

std::pair<double, i64> sigmoid_cross_entropy_forward(const In& x, const In& target, std::optional<i64> ignored) {
    const i64 n = same_size(x, target);
    i64 counted;
    Free free;
    const double total = kernels().sigmoid_cross_entropy_forward(n, x.data(), target.data(), ignored.has_value(),
                                                                 static_cast<float>(ignored.value_or(0)), &counted);
    return {total, counted};
}

// See Engine.count_right.
i64 count_right(const In& x, const In& label, i64 top_k) {
    constexpr i64 kPiece = 256;
    need(x.axes() == 3);
    const Axes s = axes_of(x);
    const i64 pieces = (s.inner + kPiece - 1) / kPiece;
    need(label.size() == s.outer * s.inner && labels_fit(label, static_cast<float>(s.channels)));
    std::atomic<i64> right{0};
    auto task = [&](i64 at) {
        const i64 o = at / pieces, first = at % pieces * kPiece, n = std::min(kPiece, s.inner - first);
        const float *scores = x.data() + o * s.channels * s.inner + first, *given = label.data() + o * s.inner + first;
        float own[kPiece];
        int32_t worse[kPiece] = {};
        for (i64 i = 0; i < n; ++i) own[i] = scores[static_cast<i64>(given[i]) * s.inner + i];
        for (i64 c = 0; c < s.channels; ++c)
            for (i64 i = 0; i < n; ++i) worse[i] += scores[c * s.inner + i] < own[i];
        right += std::count_if(worse, worse + n, [&](int32_t count) { return s.channels - 1 - count < top_k; });
    };
    Free free;
    run_tasks(s.outer * pieces, [](void* context, i64 i) { (*static_cast<decltype(task)*>(context))(i); }, &task);
    return right;
}

}  // namespace

void bind_losses(nb::module_& m) {
    m.def("count_right", count_right);
    m.def("labels_fit", labels_fit);
    m.def("softmax_loss", softmax_loss);
    m.def("softmax_loss_forward", softmax_loss_forward, nb::arg(), nb::arg(), nb::arg().none());
    m.def("sigmoid_cross_entropy_forward", sigmoid_cross_entropy_forward, nb::arg(), nb::arg(), nb::arg().none());
}

}  // namespace cortado
