"""A pass that repeats the calls of the one before makes the same numbers, and notices when it must not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cortado import Net, Phase
from cortado.layers import Blob
from cortado.layers.blob import Storage
from cortado.layers.relu import ReLU
from cortado.plugins import plugin_manager

NET = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 3 dim: 2 dim: 9 dim: 8 } } }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 3 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 6 kernel_size: 3 weight_filler { type: "xavier" } bias_filler { value: 0.1 } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "norm" type: "LRN" bottom: "conv" top: "norm" }
layer { name: "pool" type: "Pooling" bottom: "norm" top: "pool" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "left" type: "Convolution" bottom: "pool" top: "left"
  convolution_param { num_output: 4 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "right" type: "Convolution" bottom: "pool" top: "right"
  convolution_param { num_output: 4 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "sum" type: "Eltwise" bottom: "left" bottom: "right" top: "sum" }
layer { name: "both" type: "Concat" bottom: "sum" bottom: "pool" top: "both" }
layer { name: "scale" type: "Scale" bottom: "both" top: "both" scale_param { bias_term: true } }
layer { name: "drop" type: "Dropout" bottom: "both" top: "both" }
layer { name: "ip" type: "InnerProduct" bottom: "both" top: "ip"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "tanh" type: "TanH" bottom: "ip" top: "ip" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
TARGETS = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 3 dim: 2 dim: 9 dim: 8 } } }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 3 } } }
layer { name: "first" type: "InnerProduct" bottom: "data" top: "first"
  inner_product_param { num_output: 6 axis: 3 weight_filler { type: "xavier" } } }
layer { name: "mvn" type: "MVN" bottom: "first" top: "mvn" }
layer { name: "columns" type: "Im2col" bottom: "mvn" top: "columns" convolution_param { kernel_size: 3 pad: 1 } }
layer { name: "ip" type: "InnerProduct" bottom: "columns" top: "ip"
  inner_product_param { num_output: 1 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SigmoidCrossEntropyLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
engines = pytest.mark.parametrize("engine", ["reference", "native"])


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Net]:
    def make(text: str = NET, engine: str = "reference") -> Net:
        if engine in plugin_manager().broken:
            pytest.skip("the native engine is not there")
        path = tmp_path / "net.prototxt"
        path.write_text(text)
        return Net(path, Phase.TRAIN, engine=engine, seed=3)

    return make


def step(net: Net, turn: int, items: int = 3) -> list[Any]:
    """A pass in both directions on numbers of its own; returns the loss, all values and all gradients."""
    rng = np.random.default_rng(turn)
    net.blobs["data"].reshape(items, 2, 9, 8)
    net.blobs["label"].reshape(items)
    net.blobs["data"].data[...] = rng.standard_normal((items, 2, 9, 8))
    net.blobs["label"].data[...] = rng.integers(0, 5, items)
    net.clear_param_diffs()
    loss = net.forward()
    net.backward()
    arrays = [a for b in net.blobs.values() for a in (b.data, b.diff)]
    arrays += [p.blob.diff for p in net.learnable]
    for p in net.learnable:
        p.blob.data[...] -= 0.1 * p.blob.diff
    return [loss, *(a.copy() for a in arrays)]


def same(one: list[Any], other: list[Any]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@engines
def test_the_numbers_are_the_same(make: Callable[..., Net], engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    repeated, plain = make(engine=engine), make(engine=engine)
    plain.before_forward.append(lambda index: None)
    plain.before_backward.append(lambda index: None)
    if engine == "native":
        monkeypatch.setattr("cortado.engines.native.LONGEST", 1e9)
    for turn in range(7):
        assert same(step(repeated, turn), step(plain, turn))
    assert repeated._forward._calls is not None
    assert plain._forward._calls is None
    whole = [call.at for call in repeated._forward._calls if call.at >= 0]
    names = [repeated.steps[at].layer.name for at in whole]
    assert names == ["data", "label", "drop", "loss"]
    calls = repeated._backward._calls or []
    assert [call.at for call in calls if call.at >= 0] == [3], "only Dropout is called as a layer"
    if engine == "native":
        assert len(calls) == 5, "kernels between them are one call, but for Split's sum, which is a method"


@engines
def test_normalizing_columns_and_losses_by_targets_are_repeated(make: Callable[..., Net], engine: str) -> None:
    repeated, plain = make(TARGETS, engine), make(TARGETS, engine)
    plain.before_forward.append(lambda index: None)
    plain.before_backward.append(lambda index: None)
    for turn in range(4):
        assert same(step(repeated, turn), step(plain, turn))
    whole = [call.at for call in repeated._forward._calls or [] if call.at >= 0]
    assert [repeated.steps[at].layer.name for at in whole] == ["data", "label", "loss"]
    calls = repeated._backward._calls
    assert calls is not None
    assert not [call.at for call in calls if call.at >= 0]


@engines
def test_another_shape_is_noticed(make: Callable[..., Net], engine: str) -> None:
    repeated, plain = make(engine=engine), make(engine=engine)
    plain.before_forward.append(lambda index: None)
    plain.before_backward.append(lambda index: None)
    for turn, items in enumerate([3, 3, 3, 3, 5, 5, 2, 2, 2, 5, 3]):
        assert same(step(repeated, turn, items), step(plain, turn, items))


def test_what_moves_counts(make: Callable[..., Net]) -> None:
    before = Storage.moves
    blob, other = Blob((2, 3)), Blob((6,))
    assert Storage.moves == before, "a new blob moves nothing"
    moves: list[Callable[[], Any]] = [
        lambda: blob.data,
        lambda: blob.diff,
        lambda: blob.reshape(3, 2),
        lambda: blob.share_data(other),
        lambda: blob.share_diff(other),
        lambda: blob.place_data(np.zeros(6, np.float32)),
        lambda: blob.place_diff(np.zeros(6, np.float32)),
    ]
    for move in moves:
        move()
        assert Storage.moves != before
        before = Storage.moves
    blob.reshape(3, 2)
    blob.reshape((3, 2))
    assert blob.data is blob.data
    assert Storage.moves == before


def test_memory_that_moves_between_passes(make: Callable[..., Net]) -> None:
    net = make()
    for turn in range(4):
        step(net, turn)
    weights = net.params["ip"][0]
    weights.place_data(np.full(weights.count, 0.5, np.float32))
    assert (weights.data == 0.5).all()
    net.forward()
    first = net.blobs["ip"].data.copy()
    weights.data[...] = -0.5
    net.forward()
    assert np.abs(net.blobs["ip"].data - first).min() > 0.1


class Louder(ReLU):
    """Derives from a layer that repeats, and does more."""

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().forward(bottom, top)
        top[0].data[...] += 1


class Doubled(ReLU):
    """Says that it repeats, and computes by itself."""

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.engine.relu_forward(bottom[0].data, top[0].data, 0.0)
        self.engine.xp.multiply(top[0].data, 2, out=top[0].data)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            bottom[0].diff[...] = self.engine.asum(top[0].diff)


@pytest.mark.parametrize(("kind", "value"), [(Louder, 4.0), (Doubled, 6.0)])
def test_who_does_more_is_called(make: Callable[..., Net], kind: type[ReLU], value: float) -> None:
    net = make('force_backward: true layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 } } } '
               'layer { name: "y" type: "ReLU" bottom: "x" top: "y" }')  # fmt: skip
    net.steps[1].layer.__class__ = kind
    for turn in range(5):
        net.blobs["x"].data[...] = 3
        net.blobs["y"].diff[...] = turn
        net.forward()
        net.backward()
        assert (net.blobs["y"].data == value).all()
        assert (net.blobs["x"].diff == (turn if kind is Louder else 2 * turn)).all()
