from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cortado
from cortado.errors import NetError, PluginError
from cortado.netdef import LayerSpec, NetPass, NetState
from cortado.netdef.check import check_net
from cortado.netdef.summary import summarize
from cortado.plugins import PluginManager
from cortado.plugins.dialects import parse_net_text

NET = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "drop1" type: "Dropout" bottom: "x" top: "d" }
layer { name: "relu" type: "ReLU" bottom: "d" top: "d" }
layer { name: "tanh" type: "TanH" bottom: "d" top: "t" }
layer { name: "side" type: "Sigmoid" bottom: "x" top: "s" }
layer { name: "one" type: "Concat" bottom: "t" top: "c" }
layer { name: "ip" type: "InnerProduct" bottom: "c" top: "ip" inner_product_param { num_output: 2
        weight_filler { type: "xavier" } } }
layer { name: "drop2" type: "Dropout" bottom: "ip" top: "ip" }
layer { name: "last" type: "Dropout" bottom: "ip" top: "out" }
"""
X = np.array([[1.0, -2.0, 3.0], [0.5, 0.0, -1.0]])


class Leaky(NetPass):
    type = "leaky"

    def apply(self, layers: list[LayerSpec], state: NetState) -> list[LayerSpec]:
        for index, layer in enumerate(layers):
            if layer.config.type == "ReLU":
                layers[index] = layer.copy()
                layers[index].config.relu_param.negative_slope = 0.1
        return layers


def managers(*passes: str) -> PluginManager:
    manager = PluginManager(external=False, passes=passes)
    plugin = type("P", (), {"cortado_net_passes": staticmethod(cortado.hookimpl(lambda: [Leaky]))})()
    manager.register(plugin, "leaky")
    return manager


def build(plugins: PluginManager, phase: cortado.Phase = cortado.Phase.TEST) -> cortado.Net:
    return cortado.Net(parse_net_text(NET, "net.prototxt", plugins), phase, seed=1, plugins=plugins)


def test_no_pass_runs_unless_it_is_asked_for() -> None:
    assert "drop1" in build(managers()).layer_names


def test_drop_identity_changes_no_result() -> None:
    plain, short = build(managers()), build(managers("drop-identity"))
    assert [name for name in short.layer_names if "split" not in name] == ["x", "relu", "tanh", "side", "ip", "last"]
    for name, value in plain(x=X).items():
        np.testing.assert_array_equal(short(x=X)[name], value, err_msg=name)


def test_drop_identity_leaves_what_works_in_training() -> None:
    names = build(managers("drop-identity"), cortado.Phase.TRAIN).layer_names
    assert {"drop1", "drop2", "last"} <= set(names)
    assert "one" not in names


def test_a_pass_of_a_plugin_in_nets_checks_and_summaries() -> None:
    plugins = managers("leaky", "drop-identity")
    assert build(plugins)(x=X)["s"].shape == (2, 3)
    net = build(plugins)
    net(x=X)
    relu = net.layers[net.layer_index("relu")]
    assert relu.param.negative_slope == pytest.approx(0.1)
    document = parse_net_text(NET, "net.prototxt", plugins)
    assert not document.message.layer[2].HasField("relu_param"), "the definition itself stays as it is"
    report = check_net(document, NetState(), plugins=plugins)
    assert not report.problems
    assert report.layers == len(net.layers)
    assert len(summarize(document, plugins=plugins).layers) == len([n for n in net.layer_names if "split" not in n])


def test_an_unknown_pass_and_one_that_refuses() -> None:
    with pytest.raises(PluginError, match=r"unknown net pass 'leeky' \(did you mean 'leaky'"):
        build(managers("leeky"))

    def refuse(self: Any, layers: Any, state: Any) -> Any:
        raise NetError("there is nothing to fuse")

    plugins = managers("fuse")
    fuse = type("Fuse", (NetPass,), {"type": "fuse", "apply": refuse})
    plugins.register(type("P", (), {"cortado_net_passes": staticmethod(cortado.hookimpl(lambda: [fuse]))})(), "fuser")
    with pytest.raises(NetError, match=r"net pass 'fuse' \(fuser\): there is nothing to fuse"):
        build(plugins)


def test_a_pass_that_breaks_the_wiring_is_told_by_the_wiring() -> None:
    plugins = managers("cut")
    cut = type("Cut", (NetPass,), {"type": "cut", "apply": lambda self, layers, state: layers[1:]})
    plugins.register(type("P", (), {"cortado_net_passes": staticmethod(cortado.hookimpl(lambda: [cut]))})(), "cutter")
    with pytest.raises(NetError, match="unknown bottom blob 'x'"):
        build(plugins)
