"""drop-identity: leaves out layers that only hand their input on."""

from __future__ import annotations

from typing import ClassVar

from ...layers import Phase
from ...plugins import hookimpl
from ..state import LayerSpec, NetState
from .base import NetPass


class DropIdentity(NetPass):
    """Leaves out the layers that do nothing in this state: Dropout in TEST, Split with one top, Concat of one bottom.

    Layers behind read the bottom instead. What the net puts out keeps its name: a layer whose top nobody reads stays.
    Saves a copy of each top, and a step.
    """

    type: ClassVar[str] = "drop-identity"

    def apply(self, layers: list[LayerSpec], state: NetState) -> list[LayerSpec]:
        kept: list[LayerSpec] = []
        renamed: dict[str, str] = {}
        for index, layer in enumerate(layers):
            bottoms = [renamed.get(name, name) for name in layer.config.bottom]
            top = layer.config.top[0] if layer.config.top else ""
            if _does_nothing(layer, state) and (top == layer.config.bottom[0] or _is_read(top, layers[index + 1 :])):
                renamed[top] = bottoms[0]
                continue
            for name in layer.config.top:
                renamed.pop(name, None)
            kept.append(_reading(layer, bottoms))
        return kept


def _does_nothing(layer: LayerSpec, state: NetState) -> bool:
    config = layer.config
    if len(config.bottom) != 1 or len(config.top) != 1 or any(config.loss_weight):
        return False
    phase = config.phase if config.HasField("phase") else state.phase
    return config.type in ("Split", "Concat") or (config.type == "Dropout" and phase == Phase.TEST)


def _is_read(name: str, layers: list[LayerSpec]) -> bool:
    return any(name in layer.config.bottom for layer in layers)


def _reading(layer: LayerSpec, bottoms: list[str]) -> LayerSpec:
    """The layer with *bottoms*. One that ran in place on the top of a layer that is gone has a top of its own now."""
    if bottoms == list(layer.config.bottom):
        return layer
    copy = layer.copy()
    copy.config.bottom[:] = bottoms
    return copy


@hookimpl
def cortado_net_passes() -> list[type[NetPass]]:
    return [DropIdentity]
