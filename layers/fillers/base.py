"""Filler: writes the first values of a learned blob."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...errors import ParameterError
from ..blob import Array, Blob, Shape

if TYPE_CHECKING:
    from ...plugins import ParametersClass
    from ...proto.caffe_pb2 import FillerParameter
    from ..layer import Layer

FAN_IN, FAN_OUT, AVERAGE = range(3)


class Filler:
    """Base of fillers. ``type`` is the name in ``weight_filler { type: "…" }``; ``self.param`` that block;
    ``parameters`` a Parameters class with ``owner="FillerParameter"`` where it has fields of its own.

    ``check(shape)`` refuses, with a ParameterError, what the filler cannot do; it runs when the net is built.
    ``fill(array, rng)`` writes every element, drawing from *rng* alone; it runs when the blob is first used.

    Example, a complete filler::

        class Ramp(Filler):
            type = "ramp"

            def fill(self, array, rng):
                array.flat = self.param.value * np.arange(array.size)
    """

    plugin_kind: ClassVar[str] = "fillers"
    type: ClassVar[str] = ""
    parameters: ClassVar[ParametersClass | None] = None
    sparse: ClassVar[bool] = False
    """Whether the filler knows what ``sparse`` means."""

    def __init__(self, param: FillerParameter) -> None:
        self.param: Any = param

    def check(self, shape: Shape) -> None:
        if self.param.sparse != -1 and not self.sparse:
            raise ParameterError(f"filler '{self.type}' has no sparse form", got=f"sparse: {self.param.sparse}")

    def fill(self, array: Array, rng: np.random.Generator) -> None:
        raise NotImplementedError


def fans(shape: Shape, variance_norm: int) -> float:
    """The n of xavier and msra: ``count / shape[0]`` for FAN_IN, ``count / shape[1]`` for FAN_OUT, or their mean.

    These are the fans of a weight blob of shape (out, in, …); Caffe takes them so for every layer, and so do we.
    """
    count = float(np.prod(shape))
    fan_in = count / max(1, shape[0] if shape else 1)
    fan_out = count / max(1, shape[1] if len(shape) > 1 else 1)
    return {FAN_IN: fan_in, FAN_OUT: fan_out, AVERAGE: (fan_in + fan_out) / 2}[variance_norm]


def make_filler(
    layer: Layer, shape: Shape, param: FillerParameter | None, default: str, value: float, index: int
) -> Callable[[Blob], None]:
    """The initializer of the layer's learned blob *index*: finds and checks the filler now, fills when called.

    *param* None means the *default* type with *value*. Errors: PluginError for an unknown type, ParameterError for
    a shape or a field that the filler refuses.
    """
    if param is None:
        param = layer.context.plugins.schema().FillerParameter(type=default, value=value)
    where = layer.context.position()
    filler: Filler = layer.context.plugins.get("fillers", param.type, where=where, who=layer.who).item(param)
    try:
        if filler.parameters is not None:
            filler.parameters.require(param)
        filler.check(shape)
    except ParameterError as error:
        raise error.located(where, layer.who) from None

    def initialize(blob: Blob) -> None:
        filler.fill(blob.data, layer.context.stream("filler", layer.name, index))

    return initialize
