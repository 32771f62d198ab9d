"""Program: formulas as a list of array operations, with equal parts worked out once, and memory that is used again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...engines.reference.erf import erf
from ..blob import Array, Shape
from .tree import COMPARISONS, Node

if TYPE_CHECKING:
    from ...engines import ReferenceEngine

Value = Array | float
Operation = Callable[..., None]


def _power(engine: ReferenceEngine, out: Array, base: Value, exponent: Value) -> None:
    xp = engine.xp
    if isinstance(exponent, float) and exponent in (2.0, 3.0, 4.0):
        xp.multiply(base, base, out=out)
        if exponent > 2:
            xp.multiply(out, base if exponent == 3 else out, out=out)
    else:
        xp.power(base, exponent, out=out)


def _where(engine: ReferenceEngine, out: Array, condition: Array, yes: Value, no: Value) -> None:
    engine.xp.copyto(out, no)
    engine.xp.copyto(out, yes, where=condition)


def _ufunc(name: str) -> Operation:
    def run(engine: ReferenceEngine, out: Array, *args: Value) -> None:
        getattr(engine.xp, name)(*args, out=out)

    return run


UFUNCS = {
    "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "neg": "negative", "abs": "abs", "cos": "cos",
    "exp": "exp", "log": "log", "max": "maximum", "min": "minimum", "sign": "sign", "sin": "sin", "sqrt": "sqrt",
    "<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal", "==": "equal", "!=": "not_equal",
}  # fmt: skip
OPERATIONS: dict[str, Operation] = {op: _ufunc(name) for op, name in UFUNCS.items()} | {
    "^": _power,
    "where": _where,
    "erf": lambda engine, out, x: erf(engine, x, out),
    "relu": lambda engine, out, x: engine.relu_forward(x, out, 0.0),
    "sigmoid": lambda engine, out, x: engine.sigmoid_forward(x, out),
    "softplus": lambda engine, out, x: engine.bnll_forward(x, out),
    "tanh": lambda engine, out, x: engine.tanh_forward(x, out),
}
"""For each operation of the language what writes its result to an array that is none of its arguments."""


@dataclass(frozen=True)
class Register:
    """Where a value stands: *source* is a number, the name of a variable, or the slot of temporary memory; *wide*
    whether it has the shape of the arrays rather than that of a scalar; *truth* whether it is a condition."""

    source: float | str | int
    wide: bool = False
    truth: bool = False


@dataclass(frozen=True)
class Step:
    """One operation."""

    run: Operation
    args: tuple[Register, ...]
    out: Register


class Program:
    """What works out *trees*, whose variables are arrays of one shape, but for *scalars*, which have no axes."""

    def __init__(self, trees: Sequence[Node], scalars: Sequence[str] = ()) -> None:
        self._scalars = set(scalars)
        self._last = self._last_uses(trees)
        self._known: dict[Node, Register] = {}
        self._free: dict[tuple[bool, bool], list[int]] = {}
        self._slots = 0
        self.steps: list[Step] = []
        self.results = [self._place(tree) for tree in trees]

    def run(
        self,
        engine: ReferenceEngine,
        values: Mapping[str, Array],
        shape: Shape,
        dtype: npt.DTypeLike,
        out: Array | None = None,
    ) -> list[Value]:
        """The values of the trees. They stand in the engine's memory, valid until a program runs there again; with
        *out*, the first is written there instead, which must be none of *values*."""

        def get(register: Register) -> Any:
            if isinstance(register.source, int):
                if out is not None and register.wide and register == self.results[0]:
                    return out
                kind = np.bool_ if register.truth else dtype
                return engine.scratch(f"formula {register.source}", shape if register.wide else (), kind)
            return values[register.source] if isinstance(register.source, str) else register.source

        with np.errstate(all="ignore"):
            for step in self.steps:
                step.run(engine, get(step.out), *(get(arg) for arg in step.args))
        found = [get(register) for register in self.results]
        if out is not None and found[0] is not out:
            engine.xp.copyto(out, found[0])
        return found

    # -- making it ----------------------------------------------------------------------------------------------

    @staticmethod
    def _last_uses(trees: Sequence[Node]) -> dict[Node, int]:
        """How often each node is an argument of another one, counting equal ones as one; results are used for ever."""
        uses: dict[Node, int] = {}
        seen: set[Node] = set()

        def visit(node: Node) -> None:
            if node not in seen:
                seen.add(node)
                for arg in node.args:
                    visit(arg)
                    uses[arg] = uses.get(arg, 0) + 1

        for tree in trees:
            visit(tree)
            uses[tree] = uses.get(tree, 0) + 1
        return uses

    def _place(self, node: Node) -> Register:
        if node not in self._known:
            self._known[node] = self._make(node)
        return self._known[node]

    def _make(self, node: Node) -> Register:
        if node.op == "number":
            return Register(node.value)
        if node.op == "variable":
            return Register(node.name, wide=node.name not in self._scalars)
        args = tuple(self._place(arg) for arg in node.args)
        wide, truth = any(arg.wide for arg in args), node.op in COMPARISONS
        free = self._free.setdefault((wide, truth), [])
        if not free:
            free.append(self._slots)
            self._slots += 1
        out = Register(free.pop(), wide, truth)
        self.steps.append(Step(OPERATIONS[node.op], args, out))
        for arg in node.args:
            self._release(arg)
        return out

    def _release(self, node: Node) -> None:
        """One use of *node* is over; after the last one its memory is free."""
        self._last[node] -= 1
        register = self._known[node]
        if not self._last[node] and isinstance(register.source, int):
            self._free[register.wide, register.truth].append(register.source)
