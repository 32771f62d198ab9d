"""Times of layers against their floor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cortado.engines.limits import Limits
from cortado.layers import Phase
from cortado.netdef import Net
from cortado.netdef.step_cost import Work
from cortado.netdef.timing import PassTime, time_layers, together

NET = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 5 } }
layer { name: "sum" type: "Reduction" bottom: "y" top: "loss" loss_weight: 1 }
"""


def test_rates_and_ratios() -> None:
    one = PassTime(seconds=2.0, work=Work(600, 10), floor=0.5, bound="operations")
    assert one.rate == 300
    assert one.over_floor == 4
    nothing = PassTime(0.0, Work(0, 0), 0.0)
    assert nothing.rate == nothing.over_floor == 0
    both = together([one, one, nothing])
    assert (both.seconds, both.work, both.floor) == (4.0, Work(1200, 20), 1.0)
    assert both.rate == one.rate


def test_every_layer_has_its_time_its_work_and_its_bound(
    parse: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    net = Net(parse(NET), Phase.TRAIN, engine="reference")
    net.forward()
    net.backward()
    readings = iter(range(1000))
    monkeypatch.setattr("cortado.netdef.timing.time.perf_counter", lambda: next(readings))
    layers = time_layers(net, 3, Limits(operations=20.0, transfer=1e9))
    assert [layer.name for layer in layers] == net.layer_names
    ip = layers[1]
    assert ip.type == "InnerProduct"
    assert ip.forward == PassTime(1, Work(60, 4 * (6 + 20 + 10)), 3.0, "operations")
    assert ip.seconds == 2
    assert layers[0].forward.bound == ""
