"""Expression layers: formulas of one and several bottoms, with learned scalars; and what they refuse."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from cortado.errors import MissingExtraError, ParameterError, ParseError, ShapeError
from cortado.layers import Phase
from cortado.layers.formula import symbolic
from cortado.testing import check_gradient, make_layer

SWISH = 'expression_param { formula: "x * sigmoid(beta * x)" scalar { name: "beta" value: 1.5 } }'


def expression(formula: str, extra: str = "") -> str:
    return f'type: "Expression" expression_param {{ formula: "{formula}" {extra} }}'


def test_agrees_with_the_layer_that_has_the_same_formula(rng):
    x, dy = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3, 4))
    ours, theirs = (
        make_layer(f'type: "Expression" {SWISH}', [x]),
        make_layer('type: "Swish" swish_param { beta: 1.5 }', [x]),
    )
    np.testing.assert_allclose(ours.forward()[0], theirs.forward()[0], rtol=1e-12)
    np.testing.assert_allclose(ours.backward(dy)[0], theirs.backward(dy)[0], rtol=1e-12)
    assert float(ours.layer.blobs[0].data) == 1.5
    assert ours.layer.blobs[0].shape == ()


@pytest.mark.parametrize(
    "formula",
    [
        "x / (1 + exp(-x))",
        "x^2",
        "3",
        "where(x > 0, x, exp(x) - 1)",
        "x * (1 + erf(x / sqrt(2))) / 2",
        "-x",
        "2 * x + 1",
    ],
)
@pytest.mark.parametrize("top", ["x", "y"])
def test_gradient(formula, top, rng):
    if formula == "3":
        formula = "0 * x + 3"
    check_gradient(f'layer {{ bottom: "x" top: "{top}" {expression(formula)} }}', [rng.normal(size=(2, 3, 2))])


@pytest.mark.parametrize("shape", [(), (1,), (0, 3), (2, 3, 4)])
def test_gradient_of_scalars(shape, rng):
    own = 'scalar { name: "a" value: 2 } scalar { name: "b" }'
    text = expression("a * tanh(x) + b * x^2 + a * b", own)
    run = make_layer(text, [rng.normal(size=shape)])
    assert [float(blob.data) for blob in run.layer.blobs] == [2, 0]
    if 0 not in shape:
        check_gradient(text, [rng.normal(size=shape)])


@pytest.mark.parametrize("top", ["x", "z"])
def test_several_bottoms(top, rng):
    x, w, b = rng.normal(size=(3, 2, 4))
    names = f'bottom: "x" bottom: "w" bottom: "b" top: "{top}"'
    own = expression("tanh(x * w + b) * x1", 'input: "x" input: "w" input: "b"')
    text = f"layer {{ {names} {own} }}"
    with pytest.raises(ParameterError, match="unknown name; got 'x1'"):
        make_layer(text, [x, w, b])
    text = text.replace(" * x1", "")
    (y,) = make_layer(text, [x, w, b]).forward()
    np.testing.assert_allclose(y, np.tanh(x * w + b))
    check_gradient(text, [x, w, b])


def test_bottoms_have_names_by_default(rng):
    x0, x1 = rng.normal(size=(2, 5))
    (y,) = make_layer(expression("max(x0, x1)"), [x0, x1]).forward()
    np.testing.assert_array_equal(y, np.maximum(x0, x1))


def test_kinks_are_where_the_sheet_says():
    x = np.zeros(3)
    for formula, slope in (("relu(x)", 0), ("abs(x)", 0), ("max(x, 2 * x)", 2), ("min(x, 2 * x)", 2)):
        run = make_layer(expression(formula), [x])
        run.forward()
        np.testing.assert_array_equal(run.backward(np.ones(3))[0], slope)


def test_single_precision_and_the_other_engine(rng):
    x = rng.normal(size=(4, 5)).astype(np.float32)
    results = []
    for engine in ("reference", "auto"):
        run = make_layer(f'type: "Expression" {SWISH}', [x], dtype=np.float32, engine=engine)
        results.append([run.forward()[0], run.backward(x)[0], run.layer.blobs[0].diff.copy()])
        assert results[-1][0].dtype == np.float32
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "bottoms", "message"),
    [
        (expression("x +"), 1, "layer.prototxt:1:.*formula, column 4: there must be a number"),
        (expression("2"), 1, "'x' must occur in the formula"),
        (expression("x", 'scalar { name: "b" }'), 1, "'b' must occur in the formula"),
        (expression("x0 + x1", 'input: "x0"'), 2, "input must name all 2 bottoms, or none; got 1"),
        (expression("x", 'scalar { name: "x" }'), 1, "must be different; got 'x' twice"),
        (expression("x", 'scalar { name: "exp" }'), 1, "must not be that of a function or constant; got 'exp'"),
        (expression("x", 'scalar { name: "a b" }'), 1, "must be letters, digits"),
    ],
)
def test_refused(text, bottoms, message):
    with pytest.raises(ParameterError, match=message):
        make_layer(text, [np.zeros(2)] * bottoms)


def test_a_formula_is_required():
    with pytest.raises((ParseError, ParameterError), match="formula"):
        make_layer('type: "Expression" expression_param { }', [np.zeros(2)])


def test_shapes_are_checked():
    with pytest.raises(ShapeError, match="all bottoms must have the same shape"):
        make_layer(expression("x0 + x1"), [np.zeros(2), np.zeros(3)])


def test_without_sympy_a_net_can_be_used_but_not_trained(monkeypatch):
    monkeypatch.setitem(sys.modules, "sympy", None)
    symbolic._boxes.cache_clear()
    try:
        formula = expression("x^5 - 17")
        assert make_layer(formula, [np.ones(1)], phase=Phase.TEST).forward()[0] == -16
        with pytest.raises(MissingExtraError, match=r"cortado\[sympy\]"):
            make_layer(formula, [np.ones(1)], phase=Phase.TRAIN)
    finally:
        symbolic._boxes.cache_clear()


def test_shows_its_derivatives():
    run = make_layer(f'type: "Expression" {SWISH}', [np.zeros(1)])
    shown = {name: str(slope) for name, slope in run.layer.derivatives().items()}
    gate = "sigmoid(beta * x)"
    assert shown == {"x": f"beta * x * (1 - {gate}) * {gate} + {gate}", "beta": f"x^2 * (1 - {gate}) * {gate}"}
