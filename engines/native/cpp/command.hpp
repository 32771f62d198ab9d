// Commands: calls of kernels whose arguments have been taken from Python once, to be made again and again, several in
// a row without the interpreter.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include <nanobind/stl/optional.h>

#include "bind.hpp"

namespace cortado {

struct Command {
    virtual ~Command() = default;
    virtual void run() = 0;
};

// Takes the arguments of one kernel; null where it does not take them.
using Maker = std::unique_ptr<Command> (*)(const void* kernel, const nb::args& arguments);

struct Entry {
    const void* kernel;
    Maker make;
};

// All kernels that can be commands, by name; one name may have several, of which the first that fits counts.
std::unordered_map<std::string, std::vector<Entry>>& command_table();

template <class T>
constexpr bool is_view = std::is_base_of_v<View, T>;

template <class T>
bool take(T& value, nb::handle argument) {
    if constexpr (is_view<T>) return value.from(argument.ptr());
    else return nb::try_cast<T>(argument, value);
}

template <class... A>
class Bound final : public Command {
public:
    explicit Bound(void (*kernel)(A...)) : kernel_(kernel) {}

    bool take_all(const nb::args& arguments) {
        return arguments.size() == sizeof...(A) && take_each(arguments, std::index_sequence_for<A...>());
    }
    void run() override {
        std::apply([this](auto&... values) { kernel_(values...); }, values_);
    }

private:
    template <size_t... I>
    bool take_each(const nb::args& arguments, std::index_sequence<I...>) {
        return (take(std::get<I>(values_), arguments[I]) && ...);
    }

    void (*kernel_)(A...);
    std::tuple<std::remove_cv_t<std::remove_reference_t<A>>...> values_;
};

template <class T, class Plain = std::remove_cv_t<std::remove_reference_t<T>>>
constexpr bool can_be_held = is_view<Plain> || std::is_arithmetic_v<Plain> ||
                             std::is_same_v<Plain, std::optional<float>> || std::is_same_v<Plain, std::optional<i64>>;

// Binds the kernel as a function of the module, and where it returns nothing and takes only arrays and numbers (or none),
// as a command too.
template <class Result, class... A, class... Extra>
void def(nb::module_& m, const char* name, Result (*kernel)(A...), const Extra&... extra) {
    m.def(name, kernel, extra...);
    if constexpr (std::is_void_v<Result> && (can_be_held<A> && ...))
        command_table()[name].push_back(
            {reinterpret_cast<const void*>(kernel), [](const void* it, const nb::args& arguments) {
                 auto made = std::make_unique<Bound<A...>>(reinterpret_cast<void (*)(A...)>(const_cast<void*>(it)));
                 const bool fits = made->take_all(arguments);
                 return fits ? std::unique_ptr<Command>(std::move(made)) : nullptr;
             }});
}

}  // namespace cortado
