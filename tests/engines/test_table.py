from __future__ import annotations

import inspect
import re

import numpy as np
import pytest

from cortado.engines import ReferenceEngine
from cortado.engines.table import KERNELS, Maker, copy_arguments, support

# Where a NaN never shows, and why.
HIDDEN = {
    ("relu_backward", "x"): "only its sign is used",
    ("prelu_backward_data", "x"): "only its sign is used",
    ("clip_backward", "x"): "it only says where the gradient passes",
    ("hard_sigmoid_backward", "y"): "it only says where the gradient passes",
    ("batch_norm_scale_backward", "y"): "only its sign is used",
    ("stochastic_pool_forward", "uniform"): "it only says which pixel",
}
LABELS = {"label", "target"}


def methods():
    found = inspect.getmembers(ReferenceEngine, inspect.isfunction)
    return {name: method for name, method in found if getattr(method, "is_kernel", False)}


def test_every_kernel_has_a_row_and_every_row_a_kernel():
    assert set(KERNELS) == set(methods())


@pytest.mark.parametrize("name", KERNELS)
def test_a_row_names_the_arguments_of_its_kernel(name):
    parameters = [*inspect.signature(methods()[name]).parameters][1:]
    for case in KERNELS[name].cases(Maker(), False):
        assert set(case.arguments) == set(parameters), case.label
    assert set(KERNELS[name].outputs) <= set(parameters)


@pytest.mark.parametrize("name", KERNELS)
def test_a_contract_names_every_output(name):
    for output in KERNELS[name].outputs:
        assert re.search(rf"\b{output}\b", methods()[name].__doc__)


@pytest.mark.parametrize("name", KERNELS)
def test_cases_are_the_same_for_the_same_seed_and_differ_in_label(name):
    first, second = (list(KERNELS[name].cases(Maker(), False)) for _ in range(2))
    assert len({case.label for case in first}) == len(first)
    for one, other in zip(first, second, strict=True):
        for argument, value in one.arguments.items():
            np.testing.assert_equal(value, other.arguments[argument])


def poisoned(name, value):
    """Every case with one of the numbers it reads, in turn, all set to *value*: argument, arguments."""
    kernel = KERNELS[name]
    for case in kernel.cases(Maker(), False):
        for argument in set(case.arguments) - set(kernel.writes) - LABELS:
            arguments = copy_arguments(case.arguments)
            array = arguments[argument]
            if isinstance(array, np.ndarray) and array.dtype.kind == "f" and array.size:
                array.fill(value)
                yield argument, arguments


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", KERNELS)
def test_strange_numbers_pass_without_a_warning_and_nan_shows(name, value, engine):
    shown, tried = set(), set()
    for argument, arguments in poisoned(name, value):
        returned = getattr(engine, name)(**arguments)
        outputs = [arguments[output] for output in KERNELS[name].outputs if arguments[output] is not None]
        tried.add(argument)
        if any(np.isnan(output).any() for output in [*outputs, *np.atleast_1d(returned or 0)]):
            shown.add(argument)
    if np.isnan(value):
        assert shown == {argument for argument in tried if (name, argument) not in HIDDEN}


@pytest.mark.parametrize("name", [name for name in KERNELS if "pool_forward" in name])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -1.0])
def test_a_mask_never_leaves_the_plane(name, value, engine):
    for _, arguments in poisoned(name, value):
        mask = arguments.get("mask")
        if mask is not None and mask.size:
            getattr(engine, name)(**arguments)
            assert mask.min() >= -1
            assert mask.max() < np.prod(arguments["x"].shape[2:])


def test_support_tells_whose_method_it_is():
    class Half(ReferenceEngine):
        name = "half"

        def gemm(self, *arguments):
            raise NotImplementedError

    matrix = support(Half)
    assert matrix.pop("gemm") == "half"
    assert set(matrix.values()) == {"reference"}
    assert set(support(ReferenceEngine).values()) == {"reference"}


def test_copies_keep_aliases_and_strides_and_share_nothing():
    x, wide = np.ones(3), np.arange(24.0).reshape(2, 4, 3)
    view = wide[:, 1:3]
    copies = copy_arguments({"x": x, "y": x, "inputs": [x, view], "size": 3})
    assert copies["x"] is copies["y"] is copies["inputs"][0]
    assert copies["inputs"][1].strides == view.strides
    np.testing.assert_array_equal(copies["inputs"][1], view)
    assert not np.shares_memory(copies["inputs"][1], wide)
    assert not np.shares_memory(copies["x"], x)


def test_realistic_cases_have_operations_and_memory():
    """Shapes and counts only: the arrays of the largest cases are many megabytes."""
    kernel = KERNELS["conv_forward"]
    case = next(iter(kernel.cases(Maker(), True)))
    assert case.label == "LeNet conv2 5x5"
    assert kernel.operations(case.arguments) == 2 * 64 * 50 * 20 * 25 * 8 * 8
    floats = 64 * 20 * 12 * 12 + 50 * 20 * 25 + 50 + 64 * 50 * 8 * 8
    assert kernel.memory(case.arguments) == 4 * floats
    accumulating = KERNELS["axpy"]
    arguments = {"alpha": 1.0, "x": np.ones(5, np.float32), "y": np.ones(5, np.float32)}
    assert accumulating.memory(arguments) == 4 * 15
