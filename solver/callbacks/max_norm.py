"""max-norm: a bound on the length of each unit's weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ...layers import Array
from ...plugins import Float, Parameters, ParametersClass, hookimpl
from .base import Callback

if TYPE_CHECKING:
    from ..metrics import TrainMetrics
    from ..solver import Solver


class MaxNormParameter(Parameters, field="max_norm_param", number=5031, owner="SolverParameter"):
    limit = Float(1, default=3, above=0, doc="the greatest length that a row of weights may have")


class MaxNorm(Callback):
    """A constraint beside the regularizers: after every update, rows of weights that are too long are cut down.

    A row is what lies behind the first axis of a learned blob of two or more axes: the weights of one unit of an
    InnerProduct, or of one filter of a Convolution. ``w_i = w_i · min(1, limit / |w_i|)`` with the L2 norm. Blobs of
    one axis (biases, slopes) and those that do not learn or have ``decay_mult: 0`` are left alone.

    It is no regularizer, as it adds nothing to the loss or the gradient; it can be used together with one.

    Takes part in a run whose solver file has a ``max_norm_param``, or by ``--callback max-norm``.
    Parameters, ``max_norm_param``: ``limit`` (3).

    Example::

        max_norm_param { limit: 2 }

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014, section 5.1.
    """

    type: ClassVar[str] = "max-norm"
    parameters: ClassVar[ParametersClass | None] = MaxNormParameter

    def on_iteration(self, solver: Solver, metrics: TrainMetrics) -> None:
        limit = solver.param.max_norm_param.limit
        for parameter in solver.net.learnable:
            blob = parameter.blob
            if blob.num_axes >= 2 and parameter.lr_mult and parameter.decay_mult:
                self._shorten(solver, blob.data.reshape(blob.shape[0], -1), limit)

    @staticmethod
    def _shorten(solver: Solver, rows: Array, limit: float) -> None:
        xp = solver.engine.xp
        squares = xp.einsum("ij,ij->i", rows, rows)
        if squares.size and float(squares.max()) > limit * limit:
            rows *= xp.minimum(1.0, limit / xp.sqrt(xp.maximum(squares, 1e-30)))[:, None].astype(rows.dtype)


@hookimpl
def cortado_callbacks() -> list[type[Callback]]:
    return [MaxNorm]
