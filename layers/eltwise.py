"""Eltwise: several blobs of one shape become one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..plugins import hookimpl
from .arity import Arity, at_least
from .blob import Blob
from .layer import Blobs, Layer

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import LayerParameter

PROD, SUM, MAX = range(3)


class Eltwise(Layer):
    """Adds, multiplies, or takes the maximum of its bottoms, element by element.

    SUM: forward ``y = sum coeff_i x_i``, backward ``dx_i = coeff_i dy``.
    PROD: forward ``y = x_0 x_1 …``, backward ``dx_i = dy ·`` the product of the others, or with ``stable_prod_grad:
    false`` the quicker ``dy · y / x_i``, which is NaN where x_i is 0.
    MAX: forward ``y = max x_i``, backward dy to the bottom it came from; on a tie of the first two that is the second,
    and a later one must be greater than all before it.

    Bottoms: two or more of one shape. Top: that shape. Parameters, ``eltwise_param``: ``operation`` (SUM, or PROD,
    MAX); ``coeff`` (all 1), once per bottom, for SUM; ``stable_prod_grad`` (true).
    Errors: ParameterError for another number of coefficients, or any with PROD; ShapeError for shapes that differ.

    Example::

        layer { name: "res2a" type: "Eltwise" bottom: "branch1" bottom: "branch2" top: "res2a" }

    Source: Caffe's Eltwise layer.
    """

    type: ClassVar[str] = "Eltwise"
    param_field: ClassVar[str | None] = "eltwise_param"
    bottoms: ClassVar[Arity] = at_least(2)

    @classmethod
    def top_needed(cls, config: LayerParameter, in_place: bool) -> str:
        quotients = config.eltwise_param.operation == PROD and not config.eltwise_param.stable_prod_grad
        return "values" if quotients else "nothing"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.operation: int = self.param.operation
        coeff = list(self.param.coeff)
        if coeff and self.operation == PROD:
            self.fail("coeff must be left out with PROD", "coeff", got=coeff)
        if len(coeff) not in (0, len(bottom)):
            self.fail(f"coeff must be left out or given once per bottom ({len(bottom)})", "coeff", got=len(coeff))
        self.coeff = coeff or [1.0] * len(bottom)
        self.source = Blob((0,), np.int32, f"{self.name} sources")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        for blob in bottom[1:]:
            if blob.shape != bottom[0].shape:
                self.fail_shape("all bottoms must have the same shape", bottom[0], blob)
        top[0].reshape_like(bottom[0])
        self.source.reshape_like(bottom[0])

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        inputs = [blob.data for blob in bottom]
        if self.operation == SUM:
            self.engine.eltwise_sum(inputs, self.coeff, top[0].data)
        elif self.operation == PROD:
            self.engine.eltwise_product(inputs, top[0].data)
        else:
            self.engine.eltwise_max(inputs, top[0].data, self.source.data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        dy = top[0].diff
        for index, blob in enumerate(bottom):
            if not propagate_down[index]:
                continue
            if self.operation == SUM:
                self.engine.scale_by(self.coeff[index], dy, blob.diff)
            elif self.operation == PROD:
                self._product_backward(index, bottom, top)
            else:
                self.engine.eltwise_max_backward(dy, self.source.data, index, blob.diff)

    def _product_backward(self, index: int, bottom: Blobs, top: Blobs) -> None:
        dx = bottom[index].diff
        if self.param.stable_prod_grad:
            self.engine.eltwise_product([b.data for i, b in enumerate(bottom) if i != index], dx)
        else:
            with np.errstate(all="ignore"):
                self.engine.xp.divide(top[0].data, bottom[index].data, out=dx)
        self.engine.multiply(dx, top[0].diff, dx)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Eltwise]
