"""Any text is either a formula, which then has a text of its own and a derivative, or refused in words."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings, strategies as st

from cortado.engines import get_engine
from cortado.errors import ParameterError
from cortado.layers.formula import Node, Program, derivative, parse

NAMES = ["x", "b"]
SETTINGS = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
WORDS = ["x", "b", "1", "2", "0.5", "exp", "log", "where", "max", "sigmoid", "sqrt", "pi"]
TOKENS = st.sampled_from([*WORDS, *"+-*/^(),<;.'é", ">=", "**"])
UNARY = ["exp", "tanh", "sin", "cos", "sigmoid", "softplus", "erf", "relu", "abs", "-"]


def leaves() -> st.SearchStrategy[str]:
    return st.sampled_from(["x", "b", "2", "0.3", "1.7"])


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    unary = st.tuples(st.sampled_from(UNARY), inner).map(lambda t: f"{t[0]}({t[1]})")
    binary = st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"(({t[0]}) {t[1]} ({t[2]}))")
    power = st.tuples(inner, st.sampled_from(["2", "3", "-1"])).map(lambda t: f"(({t[0]})^{t[1]})")
    choice = st.tuples(inner, inner, inner).map(lambda t: f"where(x > {t[0]}, {t[1]}, {t[2]})")
    return st.one_of(unary, binary, power, choice)


FORMULAS = st.recursive(leaves(), grown, max_leaves=6)


def value(tree: Node, x: np.ndarray, b: float) -> np.ndarray:
    out = np.empty_like(x)
    Program([tree], ["b"]).run(get_engine("reference"), {"x": x, "b": np.array(b)}, x.shape, x.dtype, out=out)
    return out


@SETTINGS
@given(st.one_of(st.text(max_size=40), st.lists(TOKENS, max_size=12).map(" ".join)))
def test_any_text_is_a_formula_or_refused(text: str) -> None:
    try:
        tree = parse(text, NAMES)
    except ParameterError:
        return
    x = np.linspace(-1.5, 1.6, 9)
    np.testing.assert_allclose(value(parse(str(tree), NAMES), x, 0.7), value(tree, x, 0.7), rtol=1e-9)


@SETTINGS
@given(FORMULAS)
def test_derivatives_agree_with_differences(text: str) -> None:
    x, b, h = np.linspace(-1.43, 1.61, 11), 0.731, 1e-6
    try:
        tree = parse(text, NAMES)
        slope = derivative(tree, "x")
    except ParameterError as error:
        assert "finite" in str(error) or "depend" in str(error) or "above" in str(error)  # noqa: PT017
        return
    with np.errstate(all="ignore"):
        middle, exact = value(tree, x, b), value(slope, x, b)
        left, right = (middle - value(tree, x - h, b)) / h, (value(tree, x + h, b) - middle) / h
        size = np.maximum(1, np.abs(exact))
        smooth = (np.abs(left - right) <= 1e-3 * size) & (np.abs(middle) < 1e3) & np.isfinite(exact) & (size < 1e4)
        assert np.abs((left + right) / 2 - exact)[smooth].max(initial=0) <= 1e-4 * size.max(initial=1, where=smooth)
