"""The base of losses, and what their sum is divided by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import NetError
from .arity import Arity, exactly
from .layer import Blobs, Layer

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import LayerParameter

FULL, VALID, BATCH_SIZE, NONE, PRE_FIXED = range(5)
MODES = {"FULL": FULL, "VALID": VALID, "BATCH_SIZE": BATCH_SIZE, "NONE": NONE, "PRE_FIXED": PRE_FIXED}
SMALLEST = 1.17549435e-38
"""The smallest normal float32: no logarithm is taken of less, in either precision."""


class LossLayer(Layer):
    """Predictions and labels in, one number out: the first top has no axes and weight 1 unless the net says otherwise.

    ``backward`` multiplies by the top's diff, which holds the weight. Labels (``no_gradient_to``) get no gradient, and
    asking for one is refused.
    """

    bottoms: ClassVar[Arity] = exactly(2)
    tops: ClassVar[Arity] = exactly(1)
    is_loss: ClassVar[bool] = True
    auto_tops: ClassVar[bool] = True
    no_gradient_to: ClassVar[tuple[int, ...]] = (1,)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.refuse_gradients(list(self.config.propagate_down))

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        first, second = bottom[0], bottom[1]
        if not (first.shape and second.shape and first.shape[0] == second.shape[0]):
            self.fail_shape("the first two bottoms must have the same first axis, the batch", first, second)
        top[0].reshape(())

    def refuse_gradients(self, propagate_down: Sequence[bool]) -> None:
        """Errors: NetError where a gradient is asked for that the layer does not have."""
        for index in self.no_gradient_to:
            if index < len(propagate_down) and propagate_down[index]:
                where = self.context.position("propagate_down", index)
                hint = "set propagate_down: false for it, or take it from a layer that does not learn"
                rule = f"bottom {index} ('{self.config.bottom[index]}') can have no gradient"
                raise NetError(rule, where=where, who=self.who, hint=hint)


@dataclass(frozen=True)
class Normalizer:
    """What a sum of losses is divided by, from ``loss_param``.

    FULL: all positions; VALID: those whose label is not ``ignore_label``; BATCH_SIZE: the items; NONE: 1; of R-FCN
    PRE_FIXED: ``pre_fixed_normalizer``. Unless fixed it is never below 1. The old field ``normalize``, which counts
    only without ``normalization``, means VALID or BATCH_SIZE.
    """

    mode: int
    ignore_label: int | None
    fixed: float = 1.0

    @classmethod
    def of(cls, config: LayerParameter, default: int = VALID) -> Normalizer:
        """The normalizer of a layer whose default is *default*."""
        loss = config.loss_param
        mode = default
        if loss.HasField("normalization"):
            # by name: R-FCN's schema has another number for NONE
            kind: Any = loss.DESCRIPTOR.fields_by_name["normalization"].enum_type
            mode = MODES[kind.values_by_number[loss.normalization].name]
        elif loss.HasField("normalize"):
            mode = VALID if loss.normalize else BATCH_SIZE
        ignored = loss.ignore_label if loss.HasField("ignore_label") else None
        return cls(int(mode), ignored, getattr(loss, "pre_fixed_normalizer", 1.0))

    def __call__(self, items: int, positions: int, valid: int) -> float:
        """For so many *items* in the batch with so many *positions* in all, of which so many are *valid*."""
        if self.mode == PRE_FIXED:
            return self.fixed
        divisor = valid if self.mode == VALID else items if self.mode == BATCH_SIZE else positions
        return float(max(1, divisor)) if self.mode != NONE else 1.0
