"""ArgMax: where the largest values are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..plugins import hookimpl
from .blob import Array, Blob
from .context import LayerContext
from .layer import Blobs, Layer, product

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import LayerParameter


class ArgMax(Layer):
    """The indices of the top_k largest values, or those values, in falling order. Of equal values the last comes first.

    Forward ``y[j] = the index i at which x[i] is the (j+1)-th largest``; with ``out_max_val`` the value there.
    Backward ``dx = 0``: indices are steps. (Caffe stops instead.)

    Bottom: with ``axis`` any shape, else at least 2 axes, of which all but the first are searched together. Top: with
    ``axis`` the shape of the bottom, with that axis cut to top_k, holding indices, or values with ``out_max_val``.
    Without, (num, 1, top_k) for indices, (num, 2, top_k) for indices and then values, followed by axes of 1 where the
    bottom has more than three.

    Parameters, in ``argmax_param``: ``out_max_val`` (false); ``top_k`` (1), at most the number of values searched;
    ``axis`` (unset), negative ones from the end.
    Errors: ParameterError for another top_k; ShapeError for an axis that is not there, or too few axes.

    Example::

        layer { name: "class" type: "ArgMax" bottom: "prob" top: "class" argmax_param { axis: 1 } }

    Source: Caffe's ArgMax layer.
    """

    type: ClassVar[str] = "ArgMax"
    param_field: ClassVar[str | None] = "argmax_param"
    no_gradient_to: ClassVar[tuple[int, ...]] = (0,)

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        super().__init__(config, context)
        self._best = Blob(dtype=np.intp, name=f"{self.name} best")
        self._level = Blob(dtype=self.dtype, name=f"{self.name} largest")
        self._hit = Blob(dtype=np.bool_, name=f"{self.name} where it is")
        self._place = Blob(dtype=np.int32, name=f"{self.name} its index")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        p, x = self.param, bottom[0]
        if p.HasField("axis"):
            axis = self.axis(x, p.axis, "axis")
            self._view = (product(x.shape[:axis]), x.shape[axis], product(x.shape[axis + 1 :]))
            shape = (*x.shape[:axis], p.top_k, *x.shape[axis + 1 :])
        else:
            if x.num_axes < 2:
                self.fail_shape("without axis the bottom must have at least 2 axes", x, hint="argmax_param { axis: 0 }")
            self._view = (x.shape[0], product(x.shape[1:]), 1)
            shape = (x.shape[0], 2 if p.out_max_val else 1, p.top_k, *[1] * (x.num_axes - 3))
        if not 1 <= p.top_k <= self._view[1]:
            self.fail(f"top_k must be from 1 to the number of values searched, {self._view[1]}", "top_k", got=p.top_k)
        top[0].reshape(shape)
        self._best.reshape(self._view[0], p.top_k, self._view[2])
        self._level.reshape(self._view[0], 1, self._view[2])
        self._hit.reshape(self._view)
        self._place.reshape(self._view)
        self._numbers = np.arange(self._view[1], dtype=np.int32)[:, None]

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        p, xp = self.param, self.engine.xp
        x, y = bottom[0].data.reshape(self._view), top[0].data
        best = self._find_best(x)
        if p.HasField("axis"):
            xp.copyto(y.reshape(best.shape), xp.take_along_axis(x, best, axis=1) if p.out_max_val else best)
            return
        rows = y.reshape(self._view[0], 1 + p.out_max_val, p.top_k)
        xp.copyto(rows[:, 0], best[:, :, 0])
        if p.out_max_val:
            xp.copyto(rows[:, 1], xp.take_along_axis(x, best, axis=1)[:, :, 0])

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            bottom[0].diff.fill(0)

    def _find_best(self, x: Array) -> Array:
        """The indices of the largest values along the middle axis, of equal ones the last first."""
        xp, best = self.engine.xp, self._best.data
        if self.param.top_k == 1:
            level, hit, place = self._level.data, self._hit.data, self._place.data
            xp.max(x, axis=1, keepdims=True, out=level)
            xp.equal(x, level, out=hit)
            xp.multiply(hit, self._numbers, out=place)
            xp.max(place, axis=1, keepdims=True, out=best)
        else:
            order = xp.argsort(-x[:, ::-1], axis=1, kind="stable")
            xp.subtract(x.shape[1] - 1, order[:, : self.param.top_k], out=best)
        return best


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [ArgMax]
