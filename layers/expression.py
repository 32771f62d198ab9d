"""Expression: a layer that is a formula."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ..errors import ParameterError
from ..plugins import Message, Parameters, ParametersClass, String, hookimpl
from ..proto import addition as schema
from .arity import Arity, at_least
from .blob import Array
from .context import Phase
from .formula import Node, Program, derivative, parse
from .formula.tree import CONSTANTS, FUNCTIONS
from .keeping import KeepingLayer
from .layer import Blobs, Layer


class ExpressionParameter(Parameters, field="expression_param", number=5306):
    formula = String(1, required=True, doc="what the top is, in terms of the bottoms and scalars")
    input = String(2, repeated=True, doc="what the formula calls each bottom: x, or x0, x1 … where it is not set")
    scalar = Message(3, "ExpressionScalar", repeated=True, doc="learned numbers of the formula: name and first value")

    @classmethod
    def addition(cls, provider: str) -> schema.Addition:
        """The message of a scalar, beside the declared one."""
        scalar = schema.message(
            "ExpressionScalar", schema.field("name", 1, "string"), schema.field("value", 2, "float")
        )
        declared = super().addition(provider)
        return schema.Addition(
            provider=provider,
            messages=(scalar, *declared.messages),
            enums=declared.enums,
            fields=declared.fields,
            rules=declared.rules,
        )


class Expression(KeepingLayer):
    """An element-wise function, written as a formula; its derivative is found symbolically.

    Forward ``y = formula``. Backward ``dx = dy · ∂formula/∂x`` for each bottom, and ``ds = sum of dy · ∂formula/∂s``
    for each scalar; ``cortado formula`` shows these derivatives and checks them.

    The language: ``+ - * / ^``, brackets, numbers, ``pi`` and ``e``; ``abs cos erf exp log max min relu sigmoid sign
    sin softplus sqrt tanh``; ``where(x > 0, a, b)`` with ``< <= > >= == !=``. Nothing else can be written, so a formula
    runs no code. It is computed as written: ``1 / (1 + exp(-x))`` overflows in its derivative where ``sigmoid(x)`` does
    not. Derivatives need SymPy, ``pip install 'cortado[sympy]'``; a net in the TEST phase does without until asked for
    a gradient.

    Bottoms: one or more, of one shape. Top: the same shape; it may be the first bottom, of which the layer then keeps a
    copy. Learned: each scalar, without axes, in their order.

    Parameters, in ``expression_param``: ``formula`` (required), at most 1000 characters, 200 operations, 40 levels;
    ``input``, the name of each bottom, by default ``x`` for one and ``x0``, ``x1`` … for several; ``scalar { name
    value }``, any number, value 0 where it is not set; ``param { lr_mult: 0 }`` keeps one as it is.
    Errors: ParameterError, with the column in the formula, for what the language does not have, or a bottom or scalar
    that does not occur; ShapeError for bottoms of different shapes; MissingExtraError without SymPy.

    Example::

        layer {
          name: "swish" type: "Expression" bottom: "ip1" top: "swish" param { decay_mult: 0 }
          expression_param { formula: "x * sigmoid(beta * x)" scalar { name: "beta" value: 1 } }
        }

    Source: ours; Meurer et al., "SymPy: symbolic computing in Python", 2017, for the derivatives.
    """

    type: ClassVar[str] = "Expression"
    parameters: ClassVar[ParametersClass | None] = ExpressionParameter
    bottoms: ClassVar[Arity] = at_least(1)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.inputs = list(self.param.input) or (
            ["x"] if len(bottom) == 1 else [f"x{index}" for index in range(len(bottom))]
        )
        self.scalars = [scalar.name for scalar in self.param.scalar]
        self._check_names(len(bottom))
        try:
            self.tree: Node = parse(self.param.formula, [*self.inputs, *self.scalars])
            self._program = Program([self.tree], self.scalars)
            if self.phase == Phase.TRAIN:
                self.derivatives()
        except ParameterError as error:
            raise error.located(self.context.position("expression_param", "formula"), self.who) from None
        for name in (*self.inputs, *self.scalars):
            if name not in self.tree.names():
                self.fail(f"'{name}' must occur in the formula", "formula", got=f"'{self.param.formula}'")
        for scalar in self.param.scalar:
            self.add_param((), value=scalar.value)
        self._backward: dict[tuple[str, ...], Program] = {}

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        for blob in bottom[1:]:
            if blob.shape != bottom[0].shape:
                self.fail_shape("all bottoms must have the same shape", bottom[0], blob)
        super().reshape(bottom, top)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        values = self._values(bottom, self.keep(bottom, top))
        self._program.run(self.engine, values, bottom[0].shape, self.dtype, out=top[0].data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        wanted = [name for name, wants in zip(self.inputs, propagate_down, strict=True) if wants]
        learned = [n for n, wants in zip(self.scalars, self.param_propagate_down, strict=True) if wants]
        names = (*learned, *wanted[::-1])  # the first bottom last: its diff may be the top's
        if not names:
            return
        if names not in self._backward:
            self._backward[names] = Program([derivative(self.tree, name) for name in names], self.scalars)
        values, dy = self._values(bottom, self.kept(bottom, top)), top[0].diff
        slopes = self._backward[names].run(self.engine, values, bottom[0].shape, self.dtype)
        for name, slope in zip(names, slopes, strict=True):
            if name in self.scalars:
                self.blobs[self.scalars.index(name)].diff[...] += self._sum(slope, dy)
            else:
                with np.errstate(all="ignore"):
                    self.engine.xp.multiply(dy, slope, out=bottom[self.inputs.index(name)].diff)

    def derivatives(self) -> dict[str, Node]:
        """The derivative by each bottom and scalar, by name; ``str`` makes them readable."""
        return {name: derivative(self.tree, name) for name in (*self.inputs, *self.scalars)}

    def _values(self, bottom: Blobs, first: Array) -> dict[str, Array]:
        arrays = [first, *(blob.data for blob in bottom[1:])]
        named = dict(zip(self.inputs, arrays, strict=True))
        return named | {name: blob.data for name, blob in zip(self.scalars, self.blobs, strict=True)}

    def _sum(self, slope: Any, dy: Array) -> float:
        """The sum of slope · dy."""
        if np.ndim(slope) == 0 and dy.ndim:
            return float(slope) * float(dy.sum())
        return float(self.engine.dot(slope.reshape(-1), dy.reshape(-1))) if dy.ndim else float(slope) * float(dy)

    def _check_names(self, bottoms: int) -> None:
        if len(self.inputs) != bottoms:
            self.fail(f"input must name all {bottoms} bottoms, or none", "input", got=len(self.inputs))
        names = [*self.inputs, *self.scalars]
        for name in names:
            if not name.isascii() or not name.isidentifier():
                self.fail("a name must be letters, digits and '_', not beginning with a digit", got=f"'{name}'")
            if name in FUNCTIONS or name in CONSTANTS:
                self.fail("a name must not be that of a function or constant", got=f"'{name}'")
            if names.count(name) > 1:
                self.fail("names of bottoms and scalars must be different", got=f"'{name}' twice")


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Expression]
