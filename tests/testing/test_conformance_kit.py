"""check_layer and LayerCase: what they take, what they return, and how they fail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import cortado
from cortado.plugins import PluginManager, plugin_manager, use_plugin_manager
from cortado.testing import CHECKS, ConformanceError, LayerCase, check_layer


@pytest.fixture(autouse=True)
def own() -> Iterator[PluginManager]:
    manager = PluginManager(external=False)
    before = use_plugin_manager(manager)
    yield manager
    use_plugin_manager(before)


class Wrong(cortado.Layer):
    """Doubles.

    Example::

        layer { name: "w" type: "Wrong" bottom: "x" top: "y" }
    """

    type = "Wrong"

    def reshape(self, bottom: Any, top: Any) -> None:
        top[0].reshape_like(bottom[0])

    def forward(self, bottom: Any, top: Any) -> None:
        top[0].data[...] = 2 * bottom[0].data

    def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
        if propagate_down[0]:
            bottom[0].diff[...] = 3 * top[0].diff


def test_results_name_every_check_in_order() -> None:
    results = check_layer('type: "ReLU"', [(2, 3)])
    assert [r.check for r in results] == list(CHECKS)
    by_name = {r.check: r for r in results}
    assert by_name["gradients"].status == "passed"
    assert by_name["parameter-gradients"].status == "not applicable"
    assert str(by_name["parameter-gradients"]) == "parameter-gradients not applicable: no learned blobs"


def test_every_check_says_what_it_is_for() -> None:
    for name, check in CHECKS.items():
        assert re.fullmatch(r"[a-z0-9-]+", name)
        assert check.__doc__, name


def test_only_some_checks() -> None:
    assert [r.check for r in check_layer('type: "ReLU"', [(2, 3)], only=["seed", "shapes"])] == ["seed", "shapes"]
    with pytest.raises(ValueError, match=r"there is no check 'gradient' \(did you mean 'gradients'\?\)"):
        check_layer('type: "ReLU"', [(2, 3)], only=["gradient"])


def test_a_class_is_registered_for_the_checks_alone(own: PluginManager) -> None:
    with pytest.raises(ConformanceError, match=r"Wrong: 1 of 20 checks failed\n  gradients +failed: bottom\[0\]"):
        check_layer(Wrong, [(2, 3)])
    assert "Wrong" not in plugin_manager().registry("layers").names()
    cortado.register(Wrong)
    with pytest.raises(ConformanceError):
        check_layer(Wrong, [(2, 3)])
    assert plugin_manager().get("layers", "Wrong").item is Wrong, "what was registered stays"


def test_expected_failures_with_their_reasons() -> None:
    reason = "it is a straight-through estimator"
    results = check_layer(Wrong, [(2, 3)], expected_failures={"gradients": reason})
    assert [(r.check, r.note) for r in results if r.status == "expected"] == [("gradients", reason)]
    with pytest.raises(ConformanceError, match=r"shapes +failed: it passes, and was expected to fail because: no"):
        check_layer(Wrong, [(2, 3)], expected_failures={"gradients": reason, "shapes": "no"})


def test_a_layer_that_is_not_there_or_cannot_be_built() -> None:
    with pytest.raises(cortado.UnknownLayerError, match="unknown layer type 'Relu'"):
        check_layer('type: "Relu"', [(2, 3)])
    with pytest.raises(ConformanceError, match="num_output must be at least 1") as caught:
        check_layer('type: "InnerProduct"', [(2, 3)])
    assert str(caught.value).count("num_output") == 1, "the same reason is told once"
    assert "as shapes" in str(caught.value)


def test_inputs_are_drawn_or_given() -> None:
    seen: list[Any] = []

    class Seeing(Wrong):
        type = "Seeing"

        def forward(self, bottom: Any, top: Any) -> None:
            seen.append(bottom[0].data.copy())
            super().forward(bottom, top)

    check_layer(Seeing, [(2, 3)], only=["inputs-unchanged"])
    check_layer(Seeing, [np.arange(6).reshape(2, 3)], only=["inputs-unchanged"])
    assert seen[0].shape == (2, 3)
    assert abs(seen[0]).max() < 5
    assert len(np.unique(seen[0])) == 6
    np.testing.assert_array_equal(seen[-1], [[0, 1, 2], [3, 4, 5]])


def test_other_shapes_of_a_case() -> None:
    cases = [(None, "not applicable"), ([(1, 3), np.array([0])], "passed")]
    for reshaped, status in cases:
        case = LayerCase('type: "BatchReindex"', [(4, 3), np.array([3, 0])], reshaped=reshaped)
        (result,) = check_layer(case, only=["reshape"])
        assert result.status in (status, "passed"), result


def test_labels() -> None:
    assert LayerCase('type: "ReLU"').label == "ReLU"
    assert LayerCase("type: 'acme/Own' name: \"x\"").label == "acme/Own"
    assert LayerCase('type: "ReLU"', id="mine").label == "mine"


def test_in_both_phases_and_with_options() -> None:
    (result,) = check_layer('type: "Dropout"', [(4, 5)], only=["gradients"], phase=cortado.Phase.TEST)
    assert result.status == "passed"
    text = 'type: "SoftmaxWithLoss"'
    (result,) = check_layer(text, [(3, 4), np.array([0, 3, 1])], only=["gradients"], gradient={"check_bottoms": [0]})
    assert result.status == "passed"
