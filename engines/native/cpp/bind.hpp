// What the bindings share: arrays as arguments, never converted or copied. An argument that is not a C-contiguous
// float32 array, or has not the size that the others ask for, is a TypeError, on which the Python side takes the
// reference kernel.
#pragma once

#include <nanobind/nanobind.h>

#include <chrono>
#include <optional>

#include "table.hpp"

namespace nb = nanobind;

namespace cortado {

// A view of a Python array, held while the call runs.
class View {
public:
    View() = default;
    View(const View&) = delete;
    View& operator=(const View&) = delete;
    ~View() {
        if (held_) PyBuffer_Release(&buffer_);
    }

    bool take(PyObject* object, int flags, char format) {
        if (PyObject_GetBuffer(object, &buffer_, flags | PyBUF_FORMAT) != 0) {
            PyErr_Clear();
            return false;
        }
        held_ = true;
        return buffer_.format != nullptr && buffer_.format[0] == format && buffer_.format[1] == 0;
    }
    int axes() const { return buffer_.ndim; }
    i64 shape(int axis) const { return buffer_.shape[axis]; }
    i64 stride(int axis) const { return buffer_.strides[axis]; }
    i64 size() const { return buffer_.itemsize == 0 ? 0 : buffer_.len / buffer_.itemsize; }

protected:
    void* memory() const { return held_ ? buffer_.buf : nullptr; }

private:
    Py_buffer buffer_{};
    bool held_ = false;
};

template <class T, char Format, int Flags, bool Optional = false>
class Typed : public View {
public:
    bool from(PyObject* object) {
        if (Optional && object == Py_None) return true;
        return take(object, Flags, Format);
    }
    T* data() const { return static_cast<T*>(memory()); }
    explicit operator bool() const { return memory() != nullptr; }
};

using In = Typed<const float, 'f', PyBUF_C_CONTIGUOUS>;
using Out = Typed<float, 'f', PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE>;
using MaybeIn = Typed<const float, 'f', PyBUF_C_CONTIGUOUS, true>;
using MaybeOut = Typed<float, 'f', PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE, true>;
using Mask = Typed<const int32_t, 'i', PyBUF_C_CONTIGUOUS>;
using OutMask = Typed<int32_t, 'i', PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE>;
using MaybeOutMask = Typed<int32_t, 'i', PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE, true>;
using Bytes = Typed<const uint8_t, 'B', PyBUF_C_CONTIGUOUS>;
using Numbers = Typed<const long, 'l', PyBUF_C_CONTIGUOUS>;
using StridedIn = Typed<const float, 'f', PyBUF_STRIDES>;
using StridedOut = Typed<float, 'f', PyBUF_STRIDES | PyBUF_WRITABLE>;

// The kernel is left to the reference unless this holds.
inline void need(bool condition) {
    if (!condition) throw nb::type_error("sizes that the compiled kernel does not take");
}

template <class First, class... Rest>
i64 same_size(const First& first, const Rest&... rest) {
    need(((first.size() == rest.size()) && ...));
    return first.size();
}

// [outer, channels, inner] of an array with any number of spatial axes, its channels on axis 1.
template <class Array>
Axes axes_of(const Array& x) {
    need(x.axes() >= 2);
    i64 inner = 1;
    for (int a = 2; a < x.axes(); ++a) inner *= x.shape(a);
    return {x.shape(0), x.shape(1), inner};
}

// Where a thread spends its time in this module, in nanoseconds, counted while `counts`: in kernels, and until it may
// go on with Python afterwards, because another thread has the interpreter.
struct Clock {
    bool counts = false;
    int64_t kernels = 0, waiting = 0;
};
inline thread_local Clock own_clock;

// While it lives, kernels compute and other threads may use the interpreter. Within another one it does nothing.
class Free {
public:
    Free() : outermost_(!inside_), begin_(outermost_ && own_clock.counts ? now() : 0) {
        if (!outermost_) return;
        inside_ = true;
        others_.emplace();
    }
    Free(const Free&) = delete;
    Free& operator=(const Free&) = delete;
    ~Free() {
        if (!outermost_) return;
        inside_ = false;
        const int64_t end = begin_ != 0 ? now() : 0;
        others_.reset();
        if (begin_ == 0) return;
        own_clock.kernels += end - begin_;
        own_clock.waiting += now() - end;
    }

private:
    static int64_t now() {
        const auto since = std::chrono::steady_clock::now().time_since_epoch();
        return std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
    }

    inline static thread_local bool inside_ = false;
    bool outermost_;
    int64_t begin_;
    std::optional<nb::gil_scoped_release> others_;
};

void bind_channels(nb::module_& m);
void bind_commands(nb::module_& m);
void bind_convolution(nb::module_& m);
void bind_curves(nb::module_& m);
void bind_elementwise(nb::module_& m);
void bind_linear(nb::module_& m);
void bind_losses(nb::module_& m);
void bind_normalization(nb::module_& m);
void bind_pooling(nb::module_& m);
void bind_updates(nb::module_& m);

}  // namespace cortado

namespace nanobind::detail {

template <class T, char Format, int Flags, bool Optional>
struct type_caster<cortado::Typed<T, Format, Flags, Optional>> {
    using Value = cortado::Typed<T, Format, Flags, Optional>;
    static constexpr auto Name = const_name("array");
    template <class U>
    using Cast = Value&;
    template <class U>
    static constexpr bool can_cast() { return true; }
    bool from_python(handle source, uint8_t, cleanup_list*) noexcept { return value.from(source.ptr()); }
    explicit operator Value&() { return value; }
    Value value;
};

}  // namespace nanobind::detail
