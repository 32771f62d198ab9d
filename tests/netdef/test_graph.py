"""Wiring: every way to get it wrong is told with its place."""

from __future__ import annotations

import pytest

from cortado import NetError, UnknownLayerError

BAD = {
    'layer { name: "s" type: "Sigmoid" bottom: "y" top: "s" }': (
        NetError,
        "net.prototxt:2:35: layer 's' (Sigmoid): unknown bottom blob 'y' (bottom 0) "
        "(a bottom must be the top of a layer before it)",
    ),
    'layer { name: "s" type: "Sigmoid" bottom: "xx" top: "s" }': (NetError, "did you mean 'x'?"),
    'layer { name: "s" type: "Sigmiod" bottom: "x" top: "s" }': (
        UnknownLayerError,
        "net.prototxt:2:19: layer 's': unknown layer type 'Sigmiod' (did you mean 'Sigmoid'?)",
    ),
    'layer { name: "s" type: "Sigmoid" bottom: "x" top: "a" top: "b" }': (
        NetError,
        "layer 's' (Sigmoid): Sigmoid produces 1 top blob(s); got 2",
    ),
    'layer { name: "s" type: "Sigmoid" top: "a" }': (NetError, "Sigmoid takes 1 bottom blob(s); got 0"),
    'layer { name: "f" type: "Flatten" bottom: "x" top: "x" }': (NetError, "Flatten cannot run in place"),
    'layer { name: "s" type: "Sigmoid" bottom: "x" top: "a" }'
    'layer { name: "t" type: "DummyData" top: "a" dummy_data_param { shape { dim: 1 } } }': (
        NetError,
        "blob 'a' is already written by another layer",
    ),
    'layer { name: "s" type: "Sigmoid" bottom: "x" top: "a" loss_weight: 1 loss_weight: 2 }': (
        NetError,
        "loss_weight must be left out or given once per top (1); got 2",
    ),
    'layer { name: "s" type: "Sigmoid" bottom: "x" top: "a" propagate_down: true propagate_down: true }': (
        NetError,
        "propagate_down must be left out or given once per bottom (1); got 2",
    ),
}


@pytest.mark.parametrize("text", list(BAD))
def test_refused(text: str, make, head: str) -> None:
    error, message = BAD[text]
    with pytest.raises(error) as caught:
        make(head + text)
    assert message in str(caught.value)
    assert str(caught.value).startswith("net.prototxt:2:")


def test_a_loss_makes_its_own_top(make, head: str) -> None:
    text = 'layer { name: "l" type: "EuclideanLoss" bottom: "x" bottom: "x" }'
    net = make(head + text)
    assert net.outputs == []
    assert [w for _, w in net.steps[-1].losses] == [1.0]
    net.blobs["x"].data[...] = 1
    assert net.forward() == 0.0


def test_outputs_are_sorted_and_inputs_in_order(make) -> None:
    net = make(
        """layer { name: "i" type: "Input" top: "b" top: "a" input_param { shape { dim: 1 } } }
        layer { name: "z" type: "Sigmoid" bottom: "b" top: "z" }
        layer { name: "y" type: "Sigmoid" bottom: "a" top: "c" }"""
    )
    assert (net.inputs, net.outputs) == (["b", "a"], ["c", "z"])
