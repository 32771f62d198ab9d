"""Optimizer: turns the gradient of a parameter into its update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from ...engines import ReferenceEngine
from ...errors import SolverError
from ...layers import Array

if TYPE_CHECKING:
    from ...plugins import ParametersClass
    from ...proto.caffe_pb2 import SolverParameter


Rule = tuple[str, tuple[float, ...]]
"""The name of a kernel of the engine that updates, and the numbers that it takes behind w, g and the history."""


class Optimizer:
    """Base of optimizers.

    ``type`` is the name in ``type: "…"`` of the solver file; ``slots`` how many history arrays, of the shape of the
    parameter and zero at the start, it keeps per parameter; ``parameters`` a Parameters class with
    ``owner="SolverParameter"`` where it has fields of its own; ``decoupled`` whether it decays weights by itself, by
    ``decay(w, strength, rate)``, instead of letting the regularizer add to the gradient; ``elementwise`` whether
    ``update`` (and ``decay``) treat each number of a parameter by itself, so that they may be called for one part of it
    after the other, which saves reads from memory. It counts for the methods of the class that sets it, and not for
    those of classes derived from it.

    ``update(w, g, history, rate, iteration)`` gets the parameter's values, its gradient (clipped, averaged over
    iter_size, with the regularizer's part), its history arrays, its learning rate (the policy's times lr_mult), and
    the number of iterations done. It subtracts the update from *w*, and leaves the update in *g*.

    Example, a complete optimizer::

        class SignSGD(Optimizer):
            type = "SignSGD"
            slots = 0

            def update(self, w, g, history, rate, iteration):
                g[...] = rate * self.engine.xp.sign(g)
                w -= g
    """

    plugin_kind: ClassVar[str] = "optimizers"
    type: ClassVar[str] = ""
    slots: ClassVar[int] = 1
    decoupled: ClassVar[bool] = False
    elementwise: ClassVar[bool] = False
    parameters: ClassVar[ParametersClass | None] = None

    def __init__(self, param: SolverParameter, engine: ReferenceEngine) -> None:
        self.param: Any = param
        self.engine = engine

    def check(self) -> None:
        """Refuse, with a SolverError, solver fields that make no sense for this optimizer."""

    def update(self, w: Array, g: Array, history: Sequence[Array], rate: float, iteration: int) -> None:
        kernel, numbers = self.step(rate, iteration)
        getattr(self.engine, kernel)(w, g, *history, *numbers)

    def step(self, rate: float, iteration: int) -> Rule:
        """Instead of ``update``, where a kernel of the engine does it: which one, and what it takes behind the arrays.
        All parameters are then updated in one call where the engine can."""
        raise NotImplementedError

    def run_state(self) -> dict[str, Any]:
        """What it keeps besides its history: numbers, text, arrays, lists and dicts of them."""
        return {}

    def restore_run_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``run_state`` returned."""

    def decay(self, w: Array, strength: float, rate: float) -> None:
        """Shrink *w* in proportion to itself and to the rate, apart from the gradient; for ``decoupled`` optimizers."""
        self.engine.scale_by(1.0 - rate * strength, w, w)

    def refuse_regularizer(self) -> None:
        """For ``decoupled`` optimizers. Errors: SolverError for a regularizer that is not weight decay."""
        if self.param.regularization_type != "L2":
            raise SolverError(
                f"{self.type} decays the weights itself, in the way of L2",
                got=f'regularization_type: "{self.param.regularization_type}"',
                hint="remove the field; weight_decay and decay_mult have their usual meaning",
            )

    def refuse_momentum(self) -> None:
        """For optimizers that have none. Errors: SolverError when momentum is set."""
        if self.param.momentum:
            raise SolverError(
                f"{self.type} has no momentum", got=f"momentum: {self.param.momentum:g}", hint="remove the field"
            )
