"""The tree of a formula, what its functions are, and how it reads as text."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ...errors import ParameterError

Scalar = Callable[..., float]


def _sigmoid(x: float) -> float:
    return math.exp(min(x, 0.0)) / (1 + math.exp(-abs(x)))


ARITHMETIC: dict[str, Scalar] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": math.pow,
    "neg": lambda a: -a,
}
FUNCTIONS: dict[str, tuple[int, Scalar]] = {
    "abs": (1, abs),
    "cos": (1, math.cos),
    "erf": (1, math.erf),
    "exp": (1, math.exp),
    "log": (1, math.log),
    "max": (2, max),
    "min": (2, min),
    "relu": (1, lambda x: max(x, 0.0)),
    "sigmoid": (1, _sigmoid),
    "sign": (1, lambda x: float((x > 0) - (x < 0))),
    "sin": (1, math.sin),
    "softplus": (1, lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x)))),
    "sqrt": (1, math.sqrt),
    "tanh": (1, math.tanh),
    "where": (3, lambda c, a, b: a if c else b),
}
"""How many arguments each takes, and its value for plain numbers."""

COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
CONSTANTS = {"pi": math.pi, "e": math.e}


@dataclass(frozen=True, slots=True)
class Node:
    """A number, a variable, or an operation on other nodes; *at* is its place in the text, from 1."""

    op: str
    args: tuple[Node, ...] = ()
    value: float = 0.0
    name: str = ""
    at: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return _text(self, 0)

    def walk(self) -> Iterator[Node]:
        """Every node, arguments first."""
        for arg in self.args:
            yield from arg.walk()
        yield self

    def names(self) -> set[str]:
        """The variables that occur."""
        return {node.name for node in self.walk() if node.op == "variable"}


def number(value: float, at: int = 0) -> Node:
    return Node("number", value=float(value), at=at)


def variable(name: str, at: int = 0) -> Node:
    return Node("variable", name=name, at=at)


def operation(op: str, *args: Node, at: int = 0) -> Node:
    """The node of *op*; worked out at once where all arguments are numbers.

    Errors: ParameterError where that has no finite value, or for a condition that does not depend on anything.
    """
    if not all(arg.op == "number" for arg in args):
        return Node(op, args, at=at)
    if op in COMPARISONS:
        raise ParameterError(f"formula, column {at}: a condition must depend on a name")
    function = ARITHMETIC.get(op) or FUNCTIONS[op][1]
    try:
        value = float(function(*(arg.value for arg in args)))
    except (ArithmeticError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        shown = str(Node(op, args))
        raise ParameterError(f"formula, column {at}: numbers must stay finite", got=f"'{shown}'")
    return number(value, at)


# -- text --------------------------------------------------------------------------------------------------------

LEVELS = {"+": 2, "-": 2, "*": 3, "/": 3, "neg": 4, "^": 5} | dict.fromkeys(COMPARISONS, 1)


def _text(node: Node, outer: int) -> str:
    if node.op == "number":
        shown = f"{node.value:.12g}"
        return f"({shown})" if node.value < 0 and outer > 3 else shown
    if node.op == "variable":
        return node.name
    level = LEVELS.get(node.op)
    if level is None:
        return f"{node.op}({', '.join(_text(arg, 0) for arg in node.args)})"
    if node.op == "neg":
        shown = f"-{_text(node.args[0], 3)}"  # -a * b is the same number as -(a * b)
    else:
        left, right = (level + 1, level) if node.op == "^" else (level, level + 1)
        space = "" if node.op == "^" else " "
        shown = f"{_text(node.args[0], left)}{space}{node.op}{space}{_text(node.args[1], right)}"
    return f"({shown})" if (3 if node.op == "neg" else level) < outer else shown
