"""ShuffleChannel: channels of different groups side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ...layers import Blobs, product
from ..fork_layer import ForkLayer
from ..table import Table
from .tables import SHUFFLENET


class ShuffleChannel(ForkLayer):
    """Deals the channels of g groups out, one of each in turn, so that the next grouped convolution sees all groups.

    Forward: of C channels in g groups of n, ``y[:, i · g + j] = x[:, j · n + i]``. Backward the same back.

    Bottom: N × C × …; top the same.

    Parameters, in ``shuffle_channel_param``: ``group`` (1), which must divide the channels.
    Errors: ParameterError; ShapeError for fewer than two axes.

    Example::

        layer {
          name: "shuffle" type: "ShuffleChannel" bottom: "conv" top: "shuffle"
          shuffle_channel_param { group: 3 }
        }

    Source: ShuffleNet's layer (Zhang et al., "ShuffleNet", 2017).
    """

    type: ClassVar[str] = "ShuffleChannel"
    param_field: ClassVar[str | None] = "shuffle_channel_param"
    tables: ClassVar[Sequence[Table]] = (SHUFFLENET,)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        if bottom[0].num_axes < 2:
            self.fail_shape("the bottom must have at least two axes (number, channels)", bottom[0])
        groups, channels = self.param.group, bottom[0].shape[1]
        if groups < 1 or channels % groups:
            self.fail(f"group must divide the channels ({channels})", "group", got=groups)
        pixels = product(bottom[0].shape[2:])
        self.before = (bottom[0].shape[0], groups, channels // groups, pixels)
        self.after = (bottom[0].shape[0], channels // groups, groups, pixels)
        top[0].reshape_like(bottom[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        dealt = bottom[0].data.reshape(self.before).swapaxes(1, 2)
        self.engine.xp.copyto(top[0].data.reshape(self.after), dealt)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            back = top[0].diff.reshape(self.after).swapaxes(1, 2)
            self.engine.xp.copyto(bottom[0].diff.reshape(self.before), back)
