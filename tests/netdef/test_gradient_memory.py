"""Gradients that share their memory are the gradients that do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cortado import Net, Phase, Solver
from cortado.errors import NumericsError
from cortado.netdef.gradient_memory import gradient_lives
from cortado.netdef.inference.memory import arrange
from cortado.plugins import plugin_manager

ROOT = Path(__file__).parents[2]
NET = """
layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param {
  shape { dim: 3 dim: 2 dim: 9 dim: 8 } shape { dim: 3 }
  data_filler { type: "gaussian" std: 1 } data_filler { value: 2 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 6 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: true } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "one" type: "Convolution" bottom: "pool" top: "one"
  convolution_param { num_output: 4 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "two" type: "Convolution" bottom: "pool" top: "two"
  convolution_param { num_output: 4 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "sum" type: "Eltwise" bottom: "one" bottom: "two" top: "sum" }
layer { name: "both" type: "Concat" bottom: "sum" bottom: "pool" top: "both" }
layer { name: "parts" type: "Slice" bottom: "both" top: "left" top: "right" slice_param { slice_point: 3 } }
layer { name: "norm" type: "LRN" bottom: "left" top: "norm" }
layer { name: "flat" type: "Flatten" bottom: "norm" top: "flat" }
layer { name: "drop" type: "Dropout" bottom: "flat" top: "flat" }
layer { name: "ip" type: "InnerProduct" bottom: "flat" top: "ip"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "side" type: "InnerProduct" bottom: "right" top: "side" inner_product_param { num_output: 5
  weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
layer { name: "aside" type: "SoftmaxWithLoss" bottom: "side" bottom: "label" top: "aside" loss_weight: 0.3 }
"""
SOLVER = 'base_lr: 0.1\nlr_policy: "fixed"\nmomentum: 0.9\nmax_iter: 10\nrandom_seed: 5\n'
engines = pytest.mark.parametrize("engine", ["reference", "native"])


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Solver]:
    def make(net: str = NET, engine: str = "reference", fields: str = "", **arguments: Any) -> Solver:
        if engine in plugin_manager().broken:
            pytest.skip("the native engine is not there")
        (tmp_path / "net.prototxt").write_text(net)
        (tmp_path / "solver.prototxt").write_text(f'net: "{tmp_path}/net.prototxt"\n{SOLVER}{fields}')
        return Solver(tmp_path / "solver.prototxt", engine=engine, **arguments)

    return make


@engines
@pytest.mark.parametrize("fields", ["", "iter_size: 2 clip_gradients: 1"])
def test_weights_are_the_same(make: Callable[..., Solver], engine: str, fields: str) -> None:
    found = []
    for share in (False, True):
        solver = make(engine=engine, fields=fields)
        if share:
            solver.net.share_gradients()
            assert solver.net.gradients_are_shared
        solver.step(5)
        found.append([b.data.copy() for layer in solver.net.layers for b in layer.blobs])
        found[-1] += [h.copy() for slots in solver.history for h in slots]
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))


def test_memory_is_shared_and_given_back(make: Callable[..., Solver]) -> None:
    solver, plain = make(), make()
    net = solver.net
    net.share_gradients()
    blobs = [net.blobs[name] for name in ("one", "two", "ip", "norm")]
    assert np.shares_memory(net.blobs["ip"].diff, net.blobs["conv"].diff) or any(
        np.shares_memory(b.diff, net.blobs["conv"].diff) for b in blobs
    )
    assert not np.shares_memory(net.blobs["one"].diff, net.blobs["sum"].diff), "both are needed by one step"
    solver.step(2)
    net.keep_gradients()
    assert not net.gradients_are_shared
    solver.step(1)
    plain.step(3)
    for name, blob in plain.net.blobs.items():
        assert np.array_equal(net.blobs[name].diff, blob.diff), name


def test_who_shares(make: Callable[..., Solver]) -> None:
    """Neither losses nor what nobody reads backward."""
    net = make(NET + 'layer { name: "rest" type: "Power" bottom: "ip" top: "rest" }').net
    owners = {life.blob.diff_key for life in gradient_lives(net.steps)}
    assert net.blobs["conv"].diff_key in owners
    assert not {net.blobs[name].diff_key for name in ("loss", "aside", "rest", "data", "label")} & owners
    assert net.blobs["flat"].diff_key == net.blobs["norm"].diff_key


@pytest.mark.parametrize("name", ["resnet50", "googlenet", "squeezenet"])
def test_large_nets_need_a_quarter(name: str) -> None:
    net = Net(ROOT / "examples" / "models" / f"{name}.prototxt", Phase.TRAIN, engine="reference")
    lives = gradient_lives(net.steps)
    memory = arrange(lives)
    assert memory.size < sum(life.size for life in lives) / 4
    for one in lives:
        for other in lives:
            apart = one.offset + one.size <= other.offset or other.offset + other.size <= one.offset
            assert one is other or apart or not one.meets(other)


def test_the_layer_that_made_a_nan_is_found(make: Callable[..., Solver]) -> None:
    """The gradients that would tell have been overwritten, so the backward pass is made again."""
    root = """
    layer { name: "zero" type: "Power" bottom: "ip" top: "zero" power_param { scale: 0 } }
    layer { name: "root" type: "Power" bottom: "zero" top: "root" power_param { power: 0.5 } }
    layer { name: "side\""""
    net = NET.replace('layer { name: "side"', root, 1).replace(
        'bottom: "ip" bottom: "label"', 'bottom: "root" bottom: "label"'
    )
    texts = []
    for share in (False, True):
        solver = make(net)
        if share:
            solver.net.share_gradients()
        with pytest.raises(NumericsError, match=r"layer 'root'.*backward") as caught:
            solver.step(1)
        texts.append(str(caught.value))
    assert texts[0] == texts[1]
