"""Derivatives of formulas, by SymPy.

SymPy sees sums, products and powers of its own, and every function as a closed box with a known derivative. So it works
on what was written, and never rewrites a function into one that overflows earlier. At a kink the slope of the right
side counts for relu (0), the middle (0) for abs; of equals in min and max the second argument gets the gradient.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from ...errors import MissingExtraError, ParameterError
from .tree import COMPARISONS, FUNCTIONS, Node, number, operation, variable

SIZE = 5000
"""How many operations a derivative may have."""


@lru_cache(maxsize=256)
def derivative(tree: Node, name: str) -> Node:
    """The derivative of *tree* by the variable *name*.

    Errors: MissingExtraError without SymPy; ParameterError for a derivative that is too long or has no value.
    """
    box = _boxes()
    result = _to_node(_to_sympy(tree, box).diff(box["sympy"].Symbol(name)), box)
    size = sum(1 for _ in result.walk())
    if size > SIZE:
        raise ParameterError(f"the derivative by '{name}' may have at most {SIZE} operations", got=str(size))
    return result


@cache
def _boxes() -> dict[str, Any]:
    """SymPy, and a SymPy function class for each function and comparison of the language."""
    try:
        import sympy
    except ImportError:
        raise MissingExtraError.for_package("sympy", "sympy", "the derivative of a formula") from None
    box: dict[str, Any] = {"sympy": sympy}

    def slopes(name: str, x: Any, y: Any) -> Any:
        table = {
            "abs": lambda: box["sign"](x),
            "cos": lambda: -box["sin"](x),
            "erf": lambda: sympy.Rational("1.1283791670955126") * box["exp"](-(x**2)),
            "exp": lambda: y,
            "log": lambda: 1 / x,
            "relu": lambda: box["where"](box[">"](x, 0), 1, 0),
            "sigmoid": lambda: y * (1 - y),
            "sign": lambda: sympy.S.Zero,
            "sin": lambda: box["cos"](x),
            "softplus": lambda: box["sigmoid"](x),
            "sqrt": lambda: 1 / (2 * y),
            "tanh": lambda: 1 - y**2,
        }
        return table[name]()

    def unary(name: str) -> Any:
        return type(name, (sympy.Function,), {"nargs": 1, "fdiff": lambda self, _=1: slopes(name, self.args[0], self)})

    def chosen(self: Any, s: Any) -> Any:
        return box["where"](self.args[0], self.args[1].diff(s), self.args[2].diff(s))

    def extreme(sign: str) -> Any:
        def slope(self: Any, s: Any) -> Any:
            a, b = self.args
            return box["where"](box[sign](a, b), a.diff(s), b.diff(s))

        return slope

    def same(cls: Any, c: Any, a: Any, b: Any) -> Any:
        return a if a == b else None

    for name, (arity, _) in FUNCTIONS.items():
        if arity == 1:
            box[name] = unary(name)
    box["where"] = type("where", (sympy.Function,), {"nargs": 3, "_eval_derivative": chosen, "eval": classmethod(same)})
    for name, sign in (("max", ">"), ("min", "<")):
        box[name] = type(name, (sympy.Function,), {"nargs": 2, "_eval_derivative": extreme(sign)})
    for sign in COMPARISONS:
        box[sign] = type(sign, (sympy.Function,), {"nargs": 2, "_eval_derivative": lambda self, s: sympy.S.Zero})
    return box


def _to_sympy(node: Node, box: dict[str, Any]) -> Any:
    sympy = box["sympy"]
    if node.op == "number":
        return sympy.Rational(repr(node.value))
    if node.op == "variable":
        return sympy.Symbol(node.name)
    args = [_to_sympy(arg, box) for arg in node.args]
    if node.op in box:
        return box[node.op](*args)
    if node.op == "neg":
        return -args[0]
    a, b = args
    made = {"+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "/": lambda: a / b, "^": lambda: a**b}
    return made[node.op]()


# -- back to a tree ----------------------------------------------------------------------------------------------


def _to_node(expr: Any, box: dict[str, Any]) -> Node:
    if expr.is_Symbol:
        return variable(str(expr))
    if expr.is_Number or expr.is_NumberSymbol:
        return _number(expr)
    if expr.is_Add:
        return _sum(expr, box)
    if expr.is_Mul:
        return _product(expr, box)
    if expr.is_Pow:
        return _power(expr, box)
    name = type(expr).__name__
    if name in box and expr.is_Function:
        return operation(name, *(_to_node(arg, box) for arg in expr.args))
    raise ParameterError("the formula must have a derivative", got=f"a part of it is '{expr}'")


def _number(expr: Any) -> Node:
    try:
        value = float(expr)
    except (TypeError, OverflowError):
        value = float("inf")
    if not -1e308 < value < 1e308:
        raise ParameterError("the numbers of a formula's derivative must be finite")
    return number(value)


def _sum(expr: Any, box: dict[str, Any]) -> Node:
    terms = expr.as_ordered_terms()
    terms.sort(key=lambda term: term.could_extract_minus_sign())  # so that it begins without a minus where it can
    result = _to_node(terms[0], box)
    for term in terms[1:]:
        if term.could_extract_minus_sign():
            result = operation("-", result, _to_node(-term, box))
        else:
            result = operation("+", result, _to_node(term, box))
    return result


def _product(expr: Any, box: dict[str, Any]) -> Node:
    factor, rest = expr.as_coeff_Mul()
    if factor.is_negative:
        return operation("neg", _to_node(-expr, box))
    over, under = ([], []) if factor == 1 else ([_number(factor.p)] if factor.p != 1 else [], [])
    if factor.q != 1 and (factor.q < 1000 and factor.p < 1000):
        under.append(_number(factor.q))
    elif factor.q != 1:
        over = [_number(factor)]
    for part in box["sympy"].Mul.make_args(rest):
        inverse = part.is_Pow and part.exp.could_extract_minus_sign()
        (under if inverse else over).append(_to_node(1 / part if inverse else part, box))
    result = over[0] if over else number(1)
    for node in over[1:]:
        result = operation("*", result, node)
    for node in under:
        result = operation("/", result, node)
    return result


def _power(expr: Any, box: dict[str, Any]) -> Node:
    base, exponent = expr.base, expr.exp
    if exponent.could_extract_minus_sign():
        return operation("/", number(1), _to_node(1 / expr, box))
    if exponent == box["sympy"].Rational(1, 2):
        return operation("sqrt", _to_node(base, box))
    return operation("^", _to_node(base, box), _to_node(exponent, box))
