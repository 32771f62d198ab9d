"""Regularizer: a term of the loss that depends on the weights alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ...engines import ReferenceEngine
from ...layers import Array

if TYPE_CHECKING:
    from ...plugins import ParametersClass
    from ...proto.caffe_pb2 import SolverParameter


class Regularizer:
    """Base of regularizers.

    ``type`` is the name in ``regularization_type: "…"``; ``parameters`` a Parameters class with
    ``owner="SolverParameter"`` where it has fields of its own; ``elementwise``, as of an Optimizer, whether
    ``add_gradient`` treats each number by itself. *strength* is the solver's weight_decay times the
    parameter's decay_mult, and never 0.

    ``loss(w, strength)`` is the term itself; ``add_gradient(w, g, strength)`` adds its gradient to *g*. The loss that
    a solver logs is, as in Caffe, that of the data alone.

    Example, a complete regularizer::

        class Huber(Regularizer):
            type = "Huber"

            def loss(self, w, strength):
                small = abs(w) < 1
                return strength * float((small * w**2 / 2 + ~small * (abs(w) - 0.5)).sum())

            def add_gradient(self, w, g, strength):
                g += strength * w.clip(-1, 1)
    """

    plugin_kind: ClassVar[str] = "regularizers"
    type: ClassVar[str] = ""
    elementwise: ClassVar[bool] = False
    parameters: ClassVar[ParametersClass | None] = None

    def __init__(self, param: SolverParameter, engine: ReferenceEngine) -> None:
        self.param: Any = param
        self.engine = engine

    def check(self) -> None:
        """Refuse, with a SolverError, fields that make no sense."""

    def loss(self, w: Array, strength: float) -> float:
        raise NotImplementedError

    def add_gradient(self, w: Array, g: Array, strength: float) -> None:
        self.engine.regularize(w, g, *self.factors(strength))

    def factors(self, strength: float) -> tuple[float, float]:
        """Instead of ``add_gradient``, for a term ``l1 · Σ |w| + l2 / 2 · Σ w²``: l1 and l2."""
        raise NotImplementedError
