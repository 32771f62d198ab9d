"""ContinuationIndicator: where sequences begin, for a recurrent layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ...layers import Blobs
from ..fork_layer import ForkLayer
from ..table import Table
from .tables import CTC


class ContinuationIndicator(ForkLayer):
    """Marks the first step of every sequence of a batch: all begin together and are equally long.

    Forward ``y[0, n] = 0`` and ``y[t, n] = 1`` for t > 0. No backward: the marks depend on a size only.

    Bottom: any shape, of which one axis is the batch. Top: T × N.

    Parameters, in ``continuation_indicator_param``: ``time_step``, T (required); ``axis`` (0), the bottom's axis of the
    batch.
    Errors: ParameterError; ShapeError for an axis that the bottom does not have.

    Example::

        layer {
          name: "indicator" type: "ContinuationIndicator" bottom: "sequences" top: "indicator"
          continuation_indicator_param { time_step: 32 axis: 1 }
        }

    Source: the layer of DeepDetect's Caffe.
    """

    type: ClassVar[str] = "ContinuationIndicator"
    param_field: ClassVar[str | None] = "continuation_indicator_param"
    tables: ClassVar[Sequence[Table]] = (CTC,)
    no_gradient_to: ClassVar[tuple[int, ...]] = (0,)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if self.param.time_step < 1:
            self.fail("time_step must be given, at least 1", "time_step", got=self.param.time_step)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        batch = bottom[0].shape[self.axis(bottom[0], self.param.axis, "axis")]
        top[0].reshape((self.param.time_step, batch))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        top[0].data[0], top[0].data[1:] = 0, 1

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        """Nothing: the marks have no gradient."""
