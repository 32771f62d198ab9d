"""Every kernel of the table, native against reference, on every instruction set."""

from __future__ import annotations

import numpy as np
import pytest

from cortado.engines import get_engine
from cortado.engines.table import KERNELS, Maker, copy_arguments, support

# Where rounding of the elementary functions adds up to more than the reference's own.
LOOSE = {
    "lrn_across_forward": 4,
    "lrn_across_backward": 4,
    "lrn_within_forward": 4,
    "lrn_within_backward": 4,
    "bnll_forward": 2,
    "swish_backward": 2,
    "tanh_forward": 2,
}

# Where a NaN may show at other places than in the reference: whether a convolution multiplies the padding, and whether
# it takes several outputs together, depends on the way it goes.
SPREADING = {"conv_forward", "conv_fused", "conv_separable", "conv_backward_data", "conv_backward_weights"}
# What is positive in every net.
POSITIVE = {("lrn_across_backward", "scale"), ("lrn_within_backward", "scale")}


def outputs(kernel, arguments, returned):
    found = {name: arguments[name] for name in kernel.outputs if arguments[name] is not None}
    if returned is not None:
        found["return"] = np.asarray(returned)
    return found


def both(name, case, engine, dtype=np.float32):
    kernel = KERNELS[name]
    mine, theirs = copy_arguments(case), copy_arguments(case)
    got = outputs(kernel, mine, getattr(engine, name)(**mine))
    want = outputs(kernel, theirs, getattr(get_engine("reference"), name)(**theirs))
    return got, want


def assert_close(name, label, got, want):
    for output, expected in want.items():
        found = got[output]
        if expected.dtype.kind == "i":
            np.testing.assert_array_equal(found, expected, err_msg=f"{name}, {label}: {output}")
            continue
        close = 32 * KERNELS[name].tolerance * LOOSE.get(name, 1) * float(np.finfo(np.float32).eps)
        scale = max(1.0, float(np.abs(expected[np.isfinite(expected)]).max(initial=0)))
        np.testing.assert_allclose(
            found, expected, rtol=close, atol=close * scale, err_msg=f"{name}, {label}: {output}"
        )


@pytest.mark.parametrize("name", KERNELS)
def test_native_agrees_with_reference(name, engine):
    for case in KERNELS[name].cases(Maker(), False):
        assert_close(name, case.label, *both(name, case.arguments, engine))


@pytest.mark.parametrize("name", KERNELS)
def test_float64_is_exactly_the_reference(name, engine):
    for case in KERNELS[name].cases(Maker(np.float64), False):
        got, want = both(name, case.arguments, engine)
        for output, expected in want.items():
            np.testing.assert_array_equal(got[output], expected, err_msg=f"{name}, {case.label}: {output}")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", KERNELS)
def test_strange_numbers_pass_as_in_the_reference(name, value, engine):
    kernel = KERNELS[name]
    for case in kernel.cases(Maker(), False):
        for argument in set(case.arguments) - set(kernel.writes) - {"label", "target"}:
            array = case.arguments[argument]
            if not isinstance(array, np.ndarray) or array.dtype.kind != "f" or not array.size:
                continue
            if (name, argument) in POSITIVE and value < 0:
                continue
            arguments = copy_arguments(case.arguments)
            arguments[argument].reshape(-1)[:: max(1, array.size // 3)] = value
            got, want = both(name, arguments, engine)
            for output, expected in want.items():
                where = f"{name}, {case.label}, {argument} {value}: {output}"
                found, wanted = np.isnan(got[output]), np.isnan(expected)
                if name in SPREADING:
                    found, wanted = found.any(keepdims=True) & wanted.any(), wanted.any(keepdims=True)
                np.testing.assert_array_equal(found, wanted, err_msg=where)


def test_every_kernel_is_native(native):
    assert not {name for name, who in support(type(native)).items() if who == "reference"}
