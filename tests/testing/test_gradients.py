"""The gradient checker finds what is wrong, and says where."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from cortado.layers import Blobs, Layer
from cortado.plugins import PluginManager, hookimpl
from cortado.testing import GradientError, check_gradient


class Square(Layer):
    """y = w x², right unless a subclass is not."""

    type = "TestSquare"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.add_param((1,), default="constant", value=2)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        top[0].reshape_like(bottom[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        top[0].data[...] = self.blobs[0].data * bottom[0].data ** 2

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            bottom[0].diff[...] = 2 * self.blobs[0].data * bottom[0].data * top[0].diff
        if self.param_propagate_down[0]:
            self.blobs[0].diff[...] += (bottom[0].data ** 2 * top[0].diff).sum()


class WrongFactor(Square):
    type = "TestWrongFactor"

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        super().backward(top, propagate_down, bottom)
        bottom[0].diff[1, 2] *= 1.001


class Accumulates(Square):
    type = "TestAccumulates"

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        bottom[0].diff[...] += 2 * self.blobs[0].data * bottom[0].data * top[0].diff


class Overwrites(Square):
    type = "TestOverwrites"

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.blobs[0].diff[...] = 0
        super().backward(top, propagate_down, bottom)


class Unasked(Square):
    type = "TestUnasked"

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.param_propagate_down = [True]
        super().backward(top, propagate_down, bottom)


class Noise(Square):
    """Random and stateful: a running number of forwards changes the result."""

    type = "TestNoise"
    stochastic = True
    stateful = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self.count = 0

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.count += 1
        self.factor = self.count * self.rng.normal(size=bottom[0].shape)
        top[0].data[...] = self.factor * bottom[0].data

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        bottom[0].diff[...] = self.factor * top[0].diff


class Plugin:
    @hookimpl
    def cortado_layers(self) -> list[type[Layer]]:
        return [Square, WrongFactor, Accumulates, Overwrites, Unasked, Noise]


@pytest.fixture(scope="module")
def plugins() -> PluginManager:
    manager = PluginManager(external=False)
    manager.register(Plugin(), "test-layers")
    return manager


X = np.random.default_rng(3).normal(size=(2, 3))


def test_a_right_layer_passes(plugins):
    report = check_gradient('type: "TestSquare"', [X], plugins=plugins)
    assert (report.checked, report.skipped) == (7, 0)
    assert 0 < report.worst < 1e-7


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            "TestWrongFactor",
            r"bottom\[0\] 'x0', element \[1, 2\]: backward gives .*, differences give .* \(1 of 6 differ\)",
        ),
        ("TestAccumulates", r"must overwrite all of bottom\[0\]'s diff"),
        ("TestOverwrites", r"learned blob 0, element \[0\]"),
        ("TestUnasked", "learned blob 0 got a gradient that it does not want"),
    ],
)
def test_a_wrong_layer_is_found(plugins, kind, message):
    with pytest.raises(GradientError, match=message):
        check_gradient(f'type: "{kind}"', [X], plugins=plugins)


def test_random_and_stateful_layers(plugins):
    check_gradient('type: "TestNoise"', [X], check_params=[], plugins=plugins)


def test_given_params_are_used(plugins):
    check_gradient('type: "TestSquare"', [X], params=[[0.0]], check_params=[], plugins=plugins)
    check_gradient('type: "TestSquare"', [X], params=[None], plugins=plugins)


def test_kinks():
    x = [[-1.0, 0.0, 2.0, 0.0]]
    with pytest.raises(GradientError, match=r"element \[1\]"):
        check_gradient('type: "ReLU"', x)
    report = check_gradient('type: "ReLU"', x, skip_kinks=True)
    assert (report.checked, report.skipped) == (2, 2)
    with pytest.raises(GradientError, match="3 of 4 elements are at kinks; choose other inputs"):
        check_gradient('type: "ReLU"', [[-1.0, 0.0, 0.0, 0.0]], skip_kinks=True)


def test_bottoms_to_check_may_be_chosen():
    a, b = X, X + 1
    report = check_gradient('type: "Eltwise"', [a, b], check_bottoms=[1])
    assert report.checked == 6
