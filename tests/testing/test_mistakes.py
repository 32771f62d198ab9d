"""The mistakes that authors of layers make, one by one: each is caught, by the check that is named for it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import cortado
from cortado.plugins import Float, Parameters, PluginManager, register, use_plugin_manager
from cortado.testing import CHECKS, ConformanceError, LayerCase, check_layer

SHEET = """A layer.

Example::

    layer { name: "m" type: "Mine" bottom: "x" top: "y" }
"""


@pytest.fixture(autouse=True)
def own() -> Iterator[PluginManager]:
    manager = PluginManager(external=False)
    before = use_plugin_manager(manager)
    yield manager
    use_plugin_manager(before)


class Right(cortado.Layer):
    """``y = w · x²``: the layer that the mistakes are made in."""

    def setup(self, bottom: Any, top: Any) -> None:
        self.add_param((1,), value=2)

    def reshape(self, bottom: Any, top: Any) -> None:
        top[0].reshape_like(bottom[0])

    def forward(self, bottom: Any, top: Any) -> None:
        top[0].data[...] = self.blobs[0].data * bottom[0].data ** 2

    def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
        x, dy, w = bottom[0].data, top[0].diff, self.blobs[0]
        if self.param_propagate_down[0]:
            w.diff[0] += (dy * x**2).sum()
        if propagate_down[0]:
            bottom[0].diff[...] = dy * 2 * w.data * x


def mine(**changes: Any) -> type[cortado.Layer]:
    """The layer with *changes* to its methods and attributes."""
    return type("Mine", (Right,), {"type": "Mine", "__doc__": SHEET, **changes})


def checked(layer: type[cortado.Layer], **options: Any) -> dict[str, str]:
    """The failed checks with their messages."""
    try:
        check_layer(layer, [(2, 3)], **options)
    except ConformanceError as error:
        return dict(re.findall(r"^  (\S+) +failed: (.*)$", str(error), re.M))
    return {}


def test_without_a_mistake_all_checks_pass() -> None:
    assert checked(mine()) == {}


def grow(self: Any, bottom: Any, top: Any) -> None:
    top[0].reshape(*bottom[0].shape, 1)
    top[0].data[..., 0] = self.blobs[0].data * bottom[0].data ** 2


def gradient_overwritten(self: Any, top: Any, propagate_down: Any, bottom: Any) -> None:
    self.blobs[0].diff[0] = (
        (top[0].diff * bottom[0].data ** 2).sum() if self.param_propagate_down[0] else self.blobs[0].diff[0]
    )
    if propagate_down[0]:
        bottom[0].diff[...] = top[0].diff * 2 * self.blobs[0].data * bottom[0].data


def gradient_added(self: Any, top: Any, propagate_down: Any, bottom: Any) -> None:
    before = bottom[0].diff.copy()
    Right.backward(self, top, propagate_down, bottom)
    if propagate_down[0]:
        bottom[0].diff[...] += before


def gradient_of_half(self: Any, top: Any, propagate_down: Any, bottom: Any) -> None:
    Right.backward(self, top, propagate_down, bottom)
    if propagate_down[0]:
        bottom[0].diff[1:] = 7


def gradient_for_all(self: Any, top: Any, propagate_down: Any, bottom: Any) -> None:
    Right.backward(self, top, [True], bottom)


def gradient_for_all_learned(self: Any, top: Any, propagate_down: Any, bottom: Any) -> None:
    wishes, self.param_propagate_down = self.param_propagate_down, [True]
    Right.backward(self, top, propagate_down, bottom)
    self.param_propagate_down = wishes


def gradient_from_the_top(self: Any, top: Any, propagate_down: Any, bottom: Any) -> None:
    Right.backward(self, top, propagate_down, bottom)
    if propagate_down[0]:
        bottom[0].diff[...] = top[0].diff * 2 * top[0].data / bottom[0].data


def gradient_wrong(self: Any, top: Any, propagate_down: Any, bottom: Any) -> None:
    Right.backward(self, top, propagate_down, bottom)
    if propagate_down[0]:
        bottom[0].diff[...] *= 1.001


def scratch_in_the_input(self: Any, bottom: Any, top: Any) -> None:
    bottom[0].data[...] **= 2
    top[0].data[...] = self.blobs[0].data * bottom[0].data
    bottom[0].data[...] = np.sqrt(bottom[0].data)


def scratch_in_the_top_diff(self: Any, top: Any, propagate_down: Any, bottom: Any) -> None:
    Right.backward(self, top, propagate_down, bottom)
    top[0].diff[...] *= 2


def global_draws(self: Any, bottom: Any, top: Any) -> None:
    top[0].data[...] = self.blobs[0].data * bottom[0].data ** 2 * (1 + 0 * np.random.rand())


def counting(self: Any, bottom: Any, top: Any) -> None:
    self.count = getattr(self, "count", 0) + 1
    top[0].data[...] = self.blobs[0].data * bottom[0].data ** 2 * self.count


def buffer_of_the_first_batch(self: Any, bottom: Any, top: Any) -> None:
    self.square = getattr(self, "square", None) if hasattr(self, "square") else np.empty(bottom[0].shape)
    rows = min(len(self.square), len(bottom[0].data))
    self.square[:rows] = bottom[0].data[:rows] ** 2
    top[0].data[:rows] = self.blobs[0].data * self.square[:rows]


def mean_of_nothing(self: Any, bottom: Any, top: Any) -> None:
    x = bottom[0].data
    top[0].data[...] = self.blobs[0].data * (x - x.mean() + x.mean()) ** 2


def cancelling(self: Any, bottom: Any, top: Any) -> None:
    big = bottom[0].data.dtype.type(1e6)
    top[0].data[...] = self.blobs[0].data * ((bottom[0].data ** 2 + big) - big)


def nan_in_test(self: Any, bottom: Any, top: Any) -> None:
    Right.forward(self, bottom, top)
    if self.phase == cortado.Phase.TEST:
        top[0].data[0] = np.nan


def other_engine(self: Any, bottom: Any, top: Any) -> None:
    Right.forward(self, bottom, top)
    if self.engine.name == "native":
        top[0].data[...] += 1


SHARED = np.empty((4, 3))


def shared_buffer(self: Any, bottom: Any, top: Any) -> None:
    shared = SHARED[: len(bottom[0].data), : bottom[0].shape[1]]
    shared[...] = self.number * bottom[0].data ** 2
    time.sleep(0.002)
    top[0].data[...] = self.blobs[0].data * shared / self.number


def numbered(self: Any, bottom: Any, top: Any) -> None:
    Right.setup(self, bottom, top)
    self.number = 1 + id(self) % 7919


def kept_at_set_up(self: Any, bottom: Any, top: Any) -> None:
    self.add_param((1,), default="uniform")
    self.kept = self.blobs[0].data.copy()


def forward_with_the_kept(self: Any, bottom: Any, top: Any) -> None:
    top[0].data[...] = self.kept * bottom[0].data ** 2


def data_at_reshape(self: Any, bottom: Any, top: Any) -> None:
    top[0].reshape_like(bottom[0])
    self.largest = bottom[0].data.max(initial=0)


class UndocumentedParameter(Parameters, field="undocumented_param", number=81_000_030):
    scale = Float(1, default=1)


def mistake(check: str, message: str, **changes: Any) -> tuple[str, str, dict[str, Any]]:
    """A layer with *changes*, the check that must fail, and what it must say."""
    return check, message, changes


MISTAKES = {
    "forward makes another shape": mistake(
        "shapes", r"reshape\(\) says \[\(2, 3\)\], and forward\(\) makes", forward=grow
    ),
    "reshape computes": mistake(
        "shapes", r"infer_shapes\(\) must not touch data; it used that of x0", reshape=data_at_reshape
    ),
    "no forward": mistake("declarations", r"forward\(\) is missing", forward=cortado.Layer.forward),
    "no reshape": mistake("declarations", r"reshape\(\) is missing", reshape=cortado.Layer.reshape),
    "no backward": mistake(
        "declarations", r"backward\(\) is missing: write it, derive", backward=cortado.Layer.backward
    ),
    "arguments of backward": mistake(
        "declarations",
        r"backward\(\) is called as backward\(top, propagate_down, bottom\)",
        backward=lambda self, top, bottom: None,
    ),
    "arity is a number": mistake(
        "declarations", r"'bottoms' must come from exactly\(\), at_least\(\) or between", bottoms=1
    ),
    "undocumented field": mistake(
        "declarations", "field 'scale' of undocumented_param needs a doc", parameters=UndocumentedParameter
    ),
    "no data sheet": mistake("docstring", "class Mine has no docstring", __doc__=None),
    "no example": mistake("docstring", r"no 'Example::' with a layer \{ \} block", __doc__="A layer."),
    "example of another type": mistake("docstring", "no layer of type 'Mine'", __doc__=SHEET.replace("Mine", "ReLU")),
    "example with a bad field": mistake(
        "docstring",
        r"does not parse: layer.prototxt:1:\d+: LayerParameter has no field 'tops'",
        __doc__=SHEET.replace("top:", "tops:"),
    ),
    "buffer made for the first batch": mistake(
        "reshape", "after a change of shape, result 0 differs", forward=buffer_of_the_first_batch
    ),
    "mean of an empty batch": mistake(
        "empty-batch", "an empty batch brings a warning: Mean of empty", forward=mean_of_nothing
    ),
    "input as scratch": mistake("inputs-unchanged", r"forward\(\) changed bottom 0", forward=scratch_in_the_input),
    "top diff as scratch": mistake(
        "inputs-unchanged", r"backward\(\) changed the diff of top 0", backward=scratch_in_the_top_diff
    ),
    "in place, though backward needs the input": mistake("in-place", "in place, result 1 differs", in_place=True),
    "reads the top, and does not say so": mistake(
        "needs-top",
        r"out of place, backward reads the tops' data, and needs_top is 'nothing': gradient 0 changes with them",
        backward=gradient_from_the_top,
    ),
    "a sign that is not kept": mistake(
        "needs-top", "keeps_sign is declared, and a top has another sign than its bottom", keeps_sign=True
    ),
    "propagate_down ignored": mistake(
        "propagate-down",
        r"propagate_down\[0\] is false, and the diff of bottom 0 was written",
        backward=gradient_for_all,
    ),
    "param_propagate_down ignored": mistake(
        "propagate-down",
        r"param_propagate_down\[0\] is false, and the diff of learned blob 0 was written",
        backward=gradient_for_all_learned,
    ),
    "gradient added to the bottom's": mistake(
        "bottom-gradients", "must overwrite all of the diff of bottom 0", backward=gradient_added
    ),
    "gradient of a learned blob overwritten": mistake(
        "parameter-gradients", "must add to the diff of learned blob 0, not overwrite it", backward=gradient_overwritten
    ),
    "half of the gradient": mistake("gradients", r"bottom\[0\]", backward=gradient_of_half),
    "wrong gradient": mistake(
        "gradients", r"bottom\[0\] 'x0'.* backward gives .*, differences give", backward=gradient_wrong
    ),
    "cancellation": mistake("float32", "in float32, result 0 .* is too far off", forward=cancelling),
    "NaN in TEST": mistake("phases", "in TEST, result 0 .* has NaN", forward=nan_in_test),
    "another factor": mistake(
        "channel-affine",
        "in TRAIN, channel_affine.. says another result: element .0, 0. is",
        channel_affine=lambda self, bottom: (np.full(3, 2.0), np.zeros(3)),
    ),
    "global draws": mistake(
        "seed", "draws from a global random generator; self.rng is the layer's own", forward=global_draws
    ),
    "undeclared state": mistake("seed", "declares neither 'stochastic' nor 'stateful'", forward=counting),
    "learned blob copied at set-up": mistake(
        "save-load",
        "after saving and loading .caffemodel, top 0 differs",
        setup=kept_at_set_up,
        forward=forward_with_the_kept,
    ),
    "memory shared by all layers": mistake(
        "threads", "in a thread beside others, result 0 differs", setup=numbered, forward=shared_buffer
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_each_is_caught_by_its_check(name: str) -> None:
    check, message, changes = MISTAKES[name]
    failed = checked(mine(**changes))
    assert check in failed, failed
    assert re.search(message, failed[check]), failed[check]


def test_every_check_catches_something() -> None:
    others = {"definition": "test_a_definition_that_changes", "engines": "test_another_result_with_another_engine"}
    assert {check for check, _, _ in MISTAKES.values()} | set(others) == set(CHECKS)


def test_another_result_with_another_engine() -> None:
    pytest.importorskip("cortado.engines.native._kernels")
    assert "with the engine native, result 0 differs" in checked(mine(forward=other_engine))["engines"]


def test_a_definition_that_changes() -> None:
    class OddParameter(Parameters, field="odd_param", number=81_000_031):
        scale = Float(1, default=1, doc="a number")

    def setup(self: Any, bottom: Any, top: Any) -> None:
        Right.setup(self, bottom, top)
        self.odd = len(self.config.odd_param.ListFields())

    def forward(self: Any, bottom: Any, top: Any) -> None:
        Right.forward(self, bottom, top)
        top[0].data[...] *= id(self.config) % 1000 + 1

    register(mine(setup=setup, forward=forward, parameters=OddParameter))
    with pytest.raises(ConformanceError, match="a net read from binary differs in top 0"):
        check_layer('type: "Mine" odd_param { scale: 3 }', [(2, 3)], only=["definition"])


class TestAtLoad:
    """Mistakes that never get as far as the kit."""

    def test_a_bad_field_number(self) -> None:
        with pytest.raises(cortado.PluginError, match="class P: a Parameters class needs field=, a name, and number="):
            type("P", (Parameters,), {"x": Float(1)}, field="p_param", number=19_500)

    def test_a_default_outside_its_own_range(self) -> None:
        with pytest.raises(cortado.PluginError, match="field 'x': its default must be at least 1, not 0"):
            type("P", (Parameters,), {"x": Float(1, default=0, minimum=1)}, field="p_param", number=81_000_032)

    def test_the_number_of_a_stock_field(self) -> None:
        stolen = type("P", (Parameters,), {"x": Float(1)}, field="p_param", number=106)
        register(mine(parameters=stolen))
        with pytest.raises(
            cortado.PluginError, match="number 106 of LayerParameter is already convolution_param of stock Caffe"
        ):
            check_layer('type: "Mine"', [(2, 3)])

    def test_a_type_that_is_taken(self) -> None:
        register(mine(type="ReLU"))
        with pytest.raises(cortado.PluginError, match=r"layer type 'ReLU' is provided by cortado .* and tests"):
            check_layer(LayerCase('type: "ReLU"', [(2, 3)]))

    def test_a_class_that_is_no_layer(self) -> None:
        with pytest.raises(cortado.PluginError, match=r"register\(\) takes a subclass of Layer"):
            register(type("Mine", (), {"type": "Mine"}))
