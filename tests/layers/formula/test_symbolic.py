"""Derivatives: by hand, against differences, and of formulas made to be slow."""

from __future__ import annotations

import contextlib
import sys
import time

import numpy as np
import pytest

from cortado.engines import get_engine
from cortado.errors import MissingExtraError, ParameterError
from cortado.layers.formula import derivative, parse, symbolic
from cortado.layers.formula.program import Program

NAMES = ["x", "b"]


def value(tree, x, b):
    out = np.empty_like(x)
    Program([tree], ["b"]).run(get_engine("reference"), {"x": x, "b": np.array(b)}, x.shape, x.dtype, out=out)
    return out


@pytest.mark.parametrize(
    ("text", "by_x", "by_b"),
    [
        ("x^2 / 2", "x", "0"),
        ("b * x", "b", "x"),
        ("x - (b - x)", "2", "-1"),
        ("exp(-x)", "-exp(-x)", "0"),
        ("tanh(x)", "1 - tanh(x)^2", "0"),
        ("sigmoid(b * x)", "b * (1 - sigmoid(b * x)) * sigmoid(b * x)", "x * (1 - sigmoid(b * x)) * sigmoid(b * x)"),
        ("where(x > 0, x, b * (exp(x) - 1))", "where(x > 0, 1, b * exp(x))", "where(x > 0, 0, exp(x) - 1)"),
        ("max(x, b * x)", "where(x > b * x, 1, b)", "where(x > b * x, 0, x)"),
        ("relu(x)", "where(x > 0, 1, 0)", "0"),
        ("softplus(x)", "sigmoid(x)", "0"),
        ("sqrt(x)", "0.5 / sqrt(x)", "0"),
        ("abs(x)", "sign(x)", "0"),
    ],
)
def test_by_hand(text, by_x, by_b):
    tree = parse(text, NAMES)
    assert str(derivative(tree, "x")) == by_x
    assert str(derivative(tree, "b")) == by_b


FORMULAS = [
    *("x/(1+exp(-b*x))", "x*sigmoid(b*x)", "0.5*x*(1+erf(x/sqrt(2)))", "abs(x)^b", "abs(x)-sqrt(x^2+1)", "2^x"),
    *("x*tanh(softplus(x))", "-x^2+3*x-(-2)", "relu(x)^2", "min(x,1)^3", "sin(x)*cos(b*x)/(x^2+1)^1.5", "x^4-x^3"),
    *(
        "(x-b)/abs(x)",
        "(x^2)^0.5",
        "log(x^2)/x",
        "-(x-1)^2*-b",
        "x^-2*3^-x",
        "1/(2*x)^3*b^-x",
        "x/(b/x)/2",
        "sign(x)*x",
    ),
    *("(3*x)^2^2/1e6", "where(x^2<=b,tanh(x),x)", "sigmoid(softplus(sin(x)-b))*cos(erf(x))", "-b/(x-7)"),
    *("exp(-x^2/b)/(1+b^2)", "(x+1)/(x^2+b)-1e-3*x"),
]


@pytest.mark.parametrize("text", FORMULAS)
def test_against_differences(text):
    tree, x, b, h = parse(text, NAMES), np.random.default_rng(0).normal(size=30), 0.7, 1e-6
    by_x = (value(tree, x + h, b) - value(tree, x - h, b)) / (2 * h)
    by_b = (value(tree, x, b + h) - value(tree, x, b - h)) / (2 * h)
    np.testing.assert_allclose(value(derivative(tree, "x"), x, b), by_x, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(value(derivative(tree, "b"), x, b), by_b, rtol=1e-5, atol=1e-6)


def test_the_branch_not_taken_may_overflow():
    tree = parse("where(x > 0, x, exp(x) - 1)", ["x"])
    np.testing.assert_array_equal(value(derivative(tree, "x"), np.array([1e5, -1e5]), 0), [1, 0])


@pytest.mark.parametrize(
    "text",
    [
        "exp(100000 * 100000 * log(x + x))",
        "x^x^x^x^x^x^x^x^x^x^x^x",
        "(1e300 * x)^1000",
        "((x + x)^30)^30",
        "1/(1+" * 30 + "x" + ")" * 30,
        "tanh(x+" * 38 + "x" + ")" * 38,
        "x" + "*(x+1)" * 90,
        "x" + "*sin(x)" * 90,
    ],
)
def test_nothing_takes_long(text):
    begin = time.process_time()
    with contextlib.suppress(ParameterError):  # for some the numbers are no longer finite
        derivative(parse(text, ["x"]), "x")
    assert time.process_time() - begin < 20, "a formula that SymPy worked out in full would take for ever"


def test_without_sympy(monkeypatch):
    monkeypatch.setitem(sys.modules, "sympy", None)
    symbolic._boxes.cache_clear()
    try:
        with pytest.raises(MissingExtraError, match=r"needs the package sympy \(pip install 'cortado\[sympy\]'\)"):
            derivative(parse("x^7 - 3", ["x"]), "x")
    finally:
        symbolic._boxes.cache_clear()
