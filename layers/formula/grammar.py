"""The grammar of formulas, and its parser. Only what stands here can be written; nothing is ever evaluated as Python.

    condition  =  sum ("<" | "<=" | ">" | ">=" | "==" | "!=") sum        only as the first argument of where()
    sum        =  product { ("+" | "-") product }
    product    =  signed { ("*" | "/") signed }
    signed     =  "-" signed | "+" signed | power
    power      =  atom [ "^" signed ]                                    so -x^2 is -(x^2), and 2^3^2 is 2^9
    atom       =  number | name | function "(" … ")" | "(" sum ")"

Functions: abs, cos, erf, exp, log, relu, sigmoid, sign, sin, softplus, sqrt, tanh of one argument; min, max of two;
``where(condition, a, b)`` is a where the condition holds and b elsewhere. Constants: pi, e.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, NoReturn

from ...errors import ParameterError, nearest
from .tree import COMPARISONS, CONSTANTS, FUNCTIONS, Node, number, operation, variable

LENGTH, DEPTH, NODES, POWER = 1000, 40, 200, 1000
"""Limits: characters, brackets within brackets, operations, and the product of constant powers within powers."""

TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign><=|>=|==|!=|\*\*|[-+*/^(),<>])|(?P<end>\Z)|(?P<other>.))",
    re.ASCII | re.DOTALL,
)


def parse(text: str, names: Collection[str]) -> Node:
    """The tree of the formula *text*, in which *names* may occur.

    Errors: ParameterError, with the column counted from 1.
    """
    if len(text) > LENGTH:
        raise ParameterError(f"a formula may have at most {LENGTH} characters", got=f"{len(text)}")
    parser = _Parser(text, names)
    tree = parser.sum()
    if parser.kind != "end":
        parser.fail(*parser.unexpected())
    _check_powers(tree, 1.0)
    return tree


class _Parser:
    def __init__(self, text: str, names: Collection[str]) -> None:
        self.text, self.names = text, names
        self.end = self.depth = self.nodes = 0
        self.kind, self.token, self.at = "", "", 0
        self.advance()

    def advance(self) -> None:
        match: Any = TOKEN.match(self.text, self.end)  # there always is one: the pattern takes any character
        self.kind, self.token = match.lastgroup, match[match.lastgroup]
        self.at, self.end = match.start(match.lastgroup) + 1, match.end()

    def fail(self, rule: str, hint: str | None = None) -> NoReturn:
        shown = "the end" if self.kind == "end" else f"'{self.token}'"
        raise ParameterError(f"formula, column {self.at}: {rule}", got=shown, hint=hint)

    def unexpected(self) -> tuple[str, str | None]:
        """What to say about a token that can stand nowhere here."""
        if self.token == "**":
            return "an operator must be + - * / or ^", "a power is written x^2"
        if self.token in COMPARISONS:
            return "a comparison may only be the first argument of where()", "where(x > 0, x, 0)"
        if self.kind in ("number", "name") or self.token == "(":
            return "there must be an operator or the end", "a product is written 2 * x"
        return "there must be an operator or the end", None

    def take(self, *signs: str) -> str:
        """The present token if it is one of *signs*, and step behind it; else nothing."""
        found = self.token if self.kind == "sign" and self.token in signs else ""
        if found:
            self.advance()
        return found

    def need(self, sign: str) -> None:
        if not self.take(sign):
            self.fail(f"there must be a '{sign}'")

    def make(self, op: str, *args: Node, at: int) -> Node:
        self.nodes += 1
        if self.nodes > NODES:
            raise ParameterError(f"formula, column {at}: a formula may have at most {NODES} operations")
        return operation(op, *args, at=at)

    # -- the rules ----------------------------------------------------------------------------------------------

    def sum(self) -> Node:
        left = self.product()
        while True:
            at, op = self.at, self.take("+", "-")
            if not op:
                return left
            left = self.make(op, left, self.product(), at=at)

    def product(self) -> Node:
        left = self.signed()
        while True:
            at, op = self.at, self.take("*", "/")
            if not op:
                return left
            left = self.make(op, left, self.signed(), at=at)

    def signed(self) -> Node:
        self.depth += 1
        if self.depth > DEPTH:
            self.fail(f"a formula may be at most {DEPTH} levels deep")
        at, op = self.at, self.take("-", "+")
        if op:
            inner = self.signed()
            result = self.make("neg", inner, at=at) if op == "-" else inner
        else:
            result = self.power()
        self.depth -= 1
        return result

    def power(self) -> Node:
        base = self.atom()
        at = self.at
        return self.make("^", base, self.signed(), at=at) if self.take("^") else base

    def atom(self) -> Node:
        token, at, kind = self.token, self.at, self.kind
        if kind == "number":
            self.advance()
            value = float(token)
            if value == float("inf"):
                raise ParameterError(f"formula, column {at}: numbers must be finite", got=f"'{token}'")
            return number(value, at)
        if kind == "name":
            return self.named()
        if self.take("("):
            inner = self.sum()
            self.need(")")
            return inner
        return self.fail("there must be a number, a name or a bracket")

    def named(self) -> Node:
        name, at = self.token, self.at
        if name in FUNCTIONS:
            self.advance()
            return self.call(name, at)
        if name in self.names:
            self.advance()
            return variable(name, at)
        if name in CONSTANTS:
            self.advance()
            return number(CONSTANTS[name], at)
        known = [*self.names, *FUNCTIONS, *CONSTANTS]
        return self.fail("unknown name", nearest(name, known) or f"names here are {', '.join(self.names)}")

    def call(self, name: str, at: int) -> Node:
        self.need("(")
        arity = FUNCTIONS[name][0]
        args = [self.condition() if name == "where" else self.sum()]
        while self.take(","):
            args.append(self.sum())
        if len(args) != arity:
            words = f"{arity} argument{'s' if arity > 1 else ''}"
            raise ParameterError(f"formula, column {at}: {name}() takes {words}", got=str(len(args)))
        self.need(")")
        return self.make(name, *args, at=at)

    def condition(self) -> Node:
        left, at = self.sum(), self.at
        op = self.take(*COMPARISONS)
        if not op:
            self.fail("the first argument of where() must be a comparison", "where(x > 0, x, 0)")
        return self.make(op, left, self.sum(), at=at)


def _check_powers(node: Node, outer: float) -> None:
    """Constant powers within powers multiply; this keeps exact arithmetic on them small."""
    if node.op == "^" and node.args[1].op == "number":
        outer *= max(1.0, abs(node.args[1].value))
        if outer > POWER:
            raise ParameterError(
                f"formula, column {node.at}: a constant power, times those around it, must not be above {POWER}",
                got=f"{outer:g}",
            )
    for arg in node.args:
        _check_powers(arg, outer)
