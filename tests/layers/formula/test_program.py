"""Programs: equal parts are worked out once, and memory is used again."""

from __future__ import annotations

import numpy as np

from cortado.engines import get_engine
from cortado.layers.formula import Program, derivative, parse


def test_equal_parts_are_worked_out_once():
    tree = parse("exp(x) + 2 * exp(x) - 1 / exp(x)", ["x"])
    program = Program([tree])
    assert len(program.steps) == 5, "exp, *, +, /, -"


def test_a_function_and_its_derivative_share():
    tree = parse("sigmoid(x)", ["x"])
    alone, both = Program([derivative(tree, "x")]), Program([tree, derivative(tree, "x")])
    assert len(both.steps) == len(alone.steps)


def test_a_long_chain_needs_two_arrays():
    program = Program([parse("x" + " * 2 + 1" * 40, ["x"])])
    assert len({step.out.source for step in program.steps}) == 2


def test_what_depends_on_scalars_alone_has_no_axes():
    program = Program([parse("x * exp(-b)", ["x", "b"])], ["b"])
    assert [step.out.wide for step in program.steps] == [False, False, True]


def test_writes_to_out_and_leaves_the_inputs():
    x = np.linspace(-1, 1, 5)
    out, before = np.empty(5), x.copy()
    (result,) = Program([parse("tanh(x) + x", ["x"])]).run(get_engine("reference"), {"x": x}, (5,), x.dtype, out=out)
    assert result is out
    np.testing.assert_array_equal(x, before)
    np.testing.assert_allclose(out, np.tanh(x) + x)


def test_single_precision_stays_single():
    x = np.ones(3, np.float32)
    values = {"x": x, "b": np.array(2, np.float32)}
    (result,) = Program([parse("b * x + 1", ["x", "b"])], ["b"]).run(get_engine("reference"), values, (3,), x.dtype)
    assert result.dtype == np.float32
