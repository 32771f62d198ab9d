"""The language: what it means, what it refuses and where, and its limits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cortado.engines import get_engine
from cortado.errors import ParameterError
from cortado.layers.formula import Program, parse
from cortado.layers.formula.tree import FUNCTIONS

X = np.linspace(-2, 2, 9)


def value(text: str, x: np.ndarray = X) -> np.ndarray:
    out = np.empty_like(x)
    Program([parse(text, ["x"])]).run(get_engine("reference"), {"x": x}, x.shape, x.dtype, out=out)
    return out


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("1 + 2 * x ^ 2", 1 + 2 * X**2),
        ("-x^2", -(X**2)),
        ("2^3^2 * x", 512 * X),
        ("x - 1 - 1", X - 2),
        ("x / 2 / 2", X / 4),
        ("2^-x", 2.0**-X),
        ("--x * -1", -X),
        ("+x", X),
        ("(x)", X),
        ("3", np.full(9, 3.0)),
        ("pi * x - e", math.pi * X - math.e),
        ("1.5e-1*x + .5", 0.15 * X + 0.5),
        ("x^3 + x^4", X**3 + X**4),
        ("where(x >= 0, x, 2*x)", np.where(X >= 0, X, 2 * X)),
        ("where(x^2 != 1, 0, x)", np.where(X**2 != 1, 0, X)),
        ("where(0 > x, 1, where(x == 0, 2, 3))", np.where(X < 0, 1, np.where(X == 0, 2, 3))),
        ("min(x, 1) + max(x, -1)", np.minimum(X, 1) + np.maximum(X, -1)),
    ],
)
def test_means(text, want):
    np.testing.assert_allclose(value(text), want, rtol=1e-14)


@pytest.mark.parametrize("name", [name for name, (arity, _) in FUNCTIONS.items() if arity == 1])
def test_functions(name):
    x = np.linspace(0.1, 3, 7) if name in ("log", "sqrt") else X
    np.testing.assert_allclose(
        value(f"{name}(x)", x), [FUNCTIONS[name][1](float(v)) for v in x], rtol=1e-14, atol=1e-16
    )
    shown = f"{FUNCTIONS[name][1](0.5):.12g}"
    assert str(parse(f"{name}(0.5)", [])) == shown, "numbers alone are worked out at once"


@pytest.mark.parametrize(
    "text",
    ["x - (1 - x)", "-(x - 1)^2", "(x + 1) * (x - 1)", "x / (2 / x)", "(-x)^2", "2 - -x", "-x * 3", "(x^2)^3 / -4"],
)
def test_text_of_a_tree_means_the_same(text):
    x = np.linspace(1, 2, 5)
    np.testing.assert_allclose(value(str(parse(text, ["x"])), x), value(text, x), rtol=1e-14)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column 1: there must be a number, a name or a bracket; got the end"),
        ("x +", "column 4: there must be a number, a name or a bracket; got the end"),
        ("x ** 2", "column 3: an operator must be + - * / or ^; got '**' (a power is written x^2)"),
        ("2 x", "column 3: there must be an operator or the end; got 'x' (a product is written 2 * x)"),
        ("x > 0", "column 3: a comparison may only be the first argument of where(); got '>' (where(x > 0, x, 0))"),
        ("(x", "column 3: there must be a ')'; got the end"),
        ("exp x", "column 5: there must be a '('; got 'x'"),
        ("exp(x, 1)", "column 1: exp() takes 1 argument; got 2"),
        ("min(x)", "column 1: min() takes 2 arguments; got 1"),
        ("where(x, 1, 2)", "column 8: the first argument of where() must be a comparison; got ','"),
        ("where(1 < 2, x, 0)", "column 9: a condition must depend on a name"),
        ("sigmod(x)", "column 1: unknown name; got 'sigmod' (did you mean 'sigmoid'?)"),
        ("y", "column 1: unknown name; got 'y' (names here are x)"),
        ("x + 1/0", "column 6: numbers must stay finite; got '1 / 0'"),
        ("log(0 - 1) + x", "column 1: numbers must stay finite; got 'log(-1)'"),
        ("9^9^9^9", "column 4: numbers must stay finite"),
        ("1e999 * x", "column 1: numbers must be finite; got '1e999'"),
        ("x; import os", "column 2: there must be an operator or the end; got ';'"),
        ("__import__('os')", "column 1: unknown name; got '__import__'"),
        ("x.__class__", "column 2: there must be an operator or the end; got '.'"),
        ("x[0]", "column 2: there must be an operator or the end; got '['"),
        ("lambda: x", "column 1: unknown name; got 'lambda'"),
        ("х", "column 1: there must be a number, a name or a bracket; got 'х'"),
        ("(x^100)^100", "column 3: a constant power, times those around it, must not be above 1000; got 10000"),
    ],
)
def test_refused_with_the_column(text, message):
    with pytest.raises(ParameterError) as caught:
        parse(text, ["x"])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x" * 1001, "at most 1000 characters; got 1001"),
        ("(" * 50 + "x" + ")" * 50, "at most 40 levels deep"),
        ("-" * 50 + "x", "at most 40 levels deep"),
        ("x^" * 50 + "x", "at most 40 levels deep"),
        ("x" + "+x" * 201, "at most 200 operations"),
    ],
)
def test_limits(text, message):
    with pytest.raises(ParameterError, match=message):
        parse(text, ["x"])
