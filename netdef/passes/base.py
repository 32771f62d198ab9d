"""NetPass: a change of the list of layers, before splits are put in and anything is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ...errors import CortadoError
from ..state import LayerSpec, NetState

if TYPE_CHECKING:
    from ...plugins import PluginManager


class NetPass:
    """Base of net passes.

    ``type`` is the name that asks for it. ``apply(layers, state)`` gets the layers that take part in *state*, in order,
    and returns those to build instead: some left out, changed, or put in. A layer is a ``LayerSpec`` of its definition
    (``config``, a LayerParameter) and its place in the file; one that is changed is replaced by a copy.

    Example, a complete pass::

        class LeakyEverywhere(NetPass):
            type = "leaky"

            def apply(self, layers, state):
                for index, layer in enumerate(layers):
                    if layer.config.type == "ReLU":
                        layers[index] = layer.copy()
                        layers[index].config.relu_param.negative_slope = 0.1
                return layers
    """

    plugin_kind: ClassVar[str] = "net_passes"
    type: ClassVar[str] = ""

    def apply(self, layers: list[LayerSpec], state: NetState) -> list[LayerSpec]:
        raise NotImplementedError


def run_passes(layers: list[LayerSpec], state: NetState, plugins: PluginManager) -> list[LayerSpec]:
    """*layers* after every pass that *plugins* names, in that order. Errors: PluginError for an unknown name."""
    for name in plugins.passes:
        entry = plugins.get("net_passes", name)
        try:
            layers = entry.item().apply(list(layers), state)
        except CortadoError as error:
            raise error.located(who=f"net pass '{entry.name}' ({entry.provider})") from None
    return layers
