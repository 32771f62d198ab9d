"""Gradcheck: right gradients pass, wrong ones are found, kinks are recognised, records and draws stay the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

import cortado
from cortado.layers import Blob
from cortado.netdef import Net
from cortado.netdef.gradcheck import check_layers, check_whole
from cortado.plugins import hookimpl, plugin_manager

HEAD = """layer { name: "in" type: "DummyData" top: "x" top: "t"
        dummy_data_param { shape { dim: 4 dim: 2 dim: 5 dim: 5 } shape { dim: 4 dim: 3 }
                           data_filler { type: "gaussian" } data_filler { type: "gaussian" } } }
layer { name: "c" type: "Convolution" bottom: "x" top: "c"
        convolution_param { num_output: 3 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "bn" type: "BatchNorm" bottom: "c" top: "bn" }
layer { name: "sc" type: "Scale" bottom: "bn" top: "bn" scale_param { bias_term: true } }
layer { name: "relu" type: "ReLU" bottom: "bn" top: "bn" }
layer { name: "drop" type: "Dropout" bottom: "bn" top: "drop" }
layer { name: "ip" type: "InnerProduct" bottom: "drop" top: "ip"
        inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
"""
LOSS = 'layer { name: "loss" type: "EuclideanLoss" bottom: "%s" bottom: "t" top: "loss" }'


class WrongSquare(cortado.Layer):
    """x², with a derivative that is 1 % too large."""

    type = "WrongSquare"

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        top[0].reshape_like(bottom[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        top[0].data[...] = bottom[0].data ** 2

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        bottom[0].diff[...] = 2.03 * bottom[0].data * top[0].diff


class Plugin:
    @hookimpl
    def cortado_layers(self) -> list[type[cortado.Layer]]:
        return [WrongSquare]


@pytest.fixture
def wrong() -> Iterator[None]:
    plugins, plugin = plugin_manager(), Plugin()
    plugins.register(plugin, "wrong")
    yield
    plugins.unregister("wrong")


def test_right_gradients_pass(make: Callable[..., Net]) -> None:
    net = make(HEAD + LOSS % "ip", 0, dtype=np.float64)
    rows = [*check_layers(net, 5), *check_whole(net, 3)]
    assert {(row.layer, row.what) for row in rows} >= {
        ("c", "bottom[0] 'x'"), ("c", "learned blob 0"), ("bn", "bottom[0] 'c'"), ("sc", "learned blob 1"),
        ("drop", "bottom[0] 'bn'"), ("loss", "bottom[1] 't'"),
    }  # fmt: skip
    assert [row for row in rows if row.verdict != "ok"] == []
    assert sum(row.layer == "bn" and row.what.startswith("learned") for row in rows) == 0


def test_kinks_are_recognised(make: Callable[..., Net]) -> None:
    """Inputs of which every other one is 0, where ReLU has no derivative."""
    text = """layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 40 } } }
        layer { name: "relu" type: "ReLU" bottom: "x" top: "y" }"""
    net = make(text, 0, dtype=np.float64)
    net.blobs["x"].data[...] = np.where(np.arange(40) % 2, np.arange(40) - 20.0, 0.0)
    (row,) = check_layers(net, 40)
    assert (row.checked, row.kinks, row.verdict) == (20, 20, "ok")


def test_nearly_a_kink_is_judged_with_a_smaller_step(make: Callable[..., Net]) -> None:
    text = """layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 8 } } }
        layer { name: "relu" type: "ReLU" bottom: "x" top: "y" }"""
    net = make(text, 0, dtype=np.float64)
    net.blobs["x"].data[...] = 3e-6
    (row,) = check_layers(net, 8)
    assert (row.checked, row.kinks, row.verdict) == (8, 0, "ok")


@pytest.mark.usefixtures("wrong")
def test_wrong_gradients_are_found(make: Callable[..., Net]) -> None:
    text = HEAD + 'layer { name: "w" type: "WrongSquare" bottom: "ip" top: "w" }' + LOSS % "w"
    net = make(text, 0, dtype=np.float64)
    found = {row.layer: row for row in check_layers(net, 5) if row.verdict != "ok"}
    assert list(found) == ["w"]
    assert found["w"].error == pytest.approx(0.03 / 2.03, rel=1e-3)
    assert found["w"].verdict == "wrong"
    whole = {(row.layer, row.what): row.verdict for row in check_whole(net, 3)}
    assert whole["c", "learned blob 0"] == "wrong"


def test_statistics_are_left_as_they_were(make: Callable[..., Net]) -> None:
    net = make(HEAD + LOSS % "ip", 0, dtype=np.float64)
    before = [p.blob.data.copy() for p in net.learnable if p.layer.type != "BatchNorm"]
    list(check_whole(net, 2))
    after = [p.blob.data for p in net.learnable if p.layer.type != "BatchNorm"]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
