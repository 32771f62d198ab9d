"""One layer alone: built from a text and arrays, run forward and backward, without a net around it.

run = make_layer('type: "Scale"', [x])                          # one bottom, one top; names are made up
run = make_layer('layer { name: "p" type: "Pooling" bottom: "x" top: "y" top: "mask" pooling_param { … } }', [x])
y, = run.forward()                                              # copies of the tops' values
dx, = run.backward(dy)                                          # copies of the bottoms' gradients
run.layer.blobs[0].diff                                         # gradients of the learned blobs: they accumulate
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engines import ReferenceEngine
from ..layers import Array, Blob, Layer, LayerContext, Phase
from ..layers.context import choose_engine
from ..plugins import PluginManager, plugin_manager
from ..plugins.dialects import layer_class as find_layer_class, text_schema
from ..proto import parse_text

FILE = "layer.prototxt"
"""The file that error messages name."""


@dataclass
class LayerRun:
    """A layer that has been set up, with its ``bottom`` and ``top`` blobs. Where the text gives a top the name of the
    bottom of the same index, they are one blob, and the layer runs in place."""

    layer: Layer
    bottom: list[Blob]
    top: list[Blob]
    inputs: list[Array] = field(default_factory=list)

    def forward(self, *inputs: npt.ArrayLike, same_draws: bool = False) -> list[Array]:
        """Write *inputs* (by default those of the last time) to the bottoms, reshape if need be, run, and return copies
        of the tops' values. With *same_draws* the layer's random stream starts over first."""
        if inputs:
            self.inputs = [np.array(value, self.layer.dtype) for value in inputs]
        if same_draws:
            self.layer.rng = self.layer.context.stream("forward", self.layer.name)
        if self._write():
            self.layer.reshape(self.bottom, self.top)
        self.layer.forward(self.bottom, self.top)
        return [blob.data.copy() for blob in self.top]

    def backward(self, *top_diffs: npt.ArrayLike, propagate_down: Sequence[bool] | None = None) -> list[Array]:
        """Write *top_diffs*, run backward, and return copies of the bottoms' gradients. By default every bottom gets
        one that can have one."""
        for blob, diff in zip(self.top, top_diffs, strict=True):
            blob.diff[...] = diff
        self.layer.backward(self.top, propagate_down or self.differentiable(), self.bottom)
        return [blob.diff.copy() for blob in self.bottom]

    def differentiable(self) -> list[bool]:
        """Per bottom, whether the layer's class lets it have a gradient."""
        count = len(self.bottom)
        return [self.layer.takes_gradient(index, count) for index in range(count)]

    def _write(self) -> bool:
        changed = False
        for blob, value in zip(self.bottom, self.inputs, strict=True):
            changed |= blob.shape != value.shape
            blob.reshape(value.shape)
            blob.data[...] = value
        return changed


def make_layer(
    text: str,
    bottoms: Sequence[npt.ArrayLike] = (),
    *,
    phase: Phase = Phase.TRAIN,
    engine: str | ReferenceEngine = "reference",
    dtype: npt.DTypeLike = np.float64,
    seed: int = 0,
    plugins: PluginManager | None = None,
    **context: Any,
) -> LayerRun:
    """Build, set up and shape one layer, with every learned blob wanting its gradient.

    *text* is a ``layer { }`` block or what stands inside one; a missing name, bottoms ``x0``, ``x1`` … (one per array
    in *bottoms*) and the least number of tops ``y0``, ``y1`` … are added. *context* goes to LayerContext
    (``allow_python_layers``, ``folder`` …). Errors: those of the parser and of the layer, with file ``layer.prototxt``.
    """
    manager = plugins or plugin_manager()
    block = text if text.lstrip().startswith("layer") else f"layer {{ {text} }}"
    document: Any = parse_text(block, text_schema(block, "NetParameter", manager).message("NetParameter"), FILE)
    config, positions = document.message.layer[0], document.positions.child("layer", 0)
    layer_class: type[Layer] = find_layer_class(config, manager, positions.at("type"))
    _complete(config, layer_class, len(bottoms))
    where = LayerContext(
        phase,
        choose_engine(engine, manager),
        manager,
        dtype,
        seed,
        positions=positions,
        **context,
    )
    layer = layer_class(config, where)
    inputs = [np.array(value, dtype) for value in bottoms]
    bottom = [Blob(value.shape, dtype, name) for value, name in zip(inputs, config.bottom, strict=True)]
    tops = [_top(index, name, bottom, layer) for index, name in enumerate(config.top)]
    run = LayerRun(layer, bottom, tops, inputs)
    layer.setup(run.bottom, run.top)
    layer.param_propagate_down = [index not in layer.frozen for index in range(len(layer.blobs))]
    layer.reshape(run.bottom, run.top)
    return run


def _complete(config: Any, layer_class: type[Layer], bottoms: int) -> None:
    """Fill in the names that the text leaves out."""
    config.name = config.name or "layer"
    if not config.bottom:
        config.bottom.extend(f"x{index}" for index in range(bottoms))
    wanted = bottoms if layer_class.paired else layer_class.tops.minimum
    if not config.top or layer_class.auto_tops:
        config.top.extend(f"y{index}" for index in range(len(config.top), wanted))


def _top(index: int, name: str, bottom: list[Blob], layer: Layer) -> Blob:
    if index < len(bottom) and bottom[index].name == name:
        return bottom[index]
    return Blob((0,), layer.dtype, name)
