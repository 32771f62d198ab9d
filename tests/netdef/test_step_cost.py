"""What a step must do at least: operations and bytes of both directions, worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cortado.layers import Phase
from cortado.netdef import Net
from cortado.netdef.step_cost import Work, backward_work, forward_work

NET = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 4 dim: 4 } } }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 2 } } }
layer { name: "first" type: "Convolution" bottom: "x" top: "a" convolution_param { num_output: 5 kernel_size: 1 } }
layer { name: "relu" type: "ReLU" bottom: "a" top: "a" }
layer { name: "second" type: "Convolution" bottom: "a" top: "b" convolution_param { num_output: 7 kernel_size: 3 } }
layer { name: "tanh" type: "TanH" bottom: "b" top: "c" }
layer { name: "flat" type: "Flatten" bottom: "c" top: "d" }
layer { name: "sum" type: "Eltwise" bottom: "d" bottom: "d" top: "e" }
layer { name: "loss" type: "EuclideanLoss" bottom: "e" bottom: "d" top: "loss" }
layer { name: "quiet" type: "Silence" bottom: "label" }
"""
X, A, B = 4 * 2 * 3 * 16, 4 * 2 * 5 * 16, 4 * 2 * 7 * 4
FIRST, SECOND = 4 * (5 * 3 + 5), 4 * (7 * 5 * 9 + 7)


@pytest.fixture
def steps(parse: Callable[[str], Any]) -> dict[str, Any]:
    net = Net(parse(NET), Phase.TRAIN, engine="reference")
    net.forward()
    return {step.layer.name: step for step in net.steps}


@pytest.mark.parametrize(
    ("name", "forward", "backward"),
    [
        ("in", Work(0, 0), Work(0, 0)),
        # nothing before it learns: only the gradient of its own weights
        ("first", Work(2 * 2 * 5 * 16 * 3, X + FIRST + A), Work(2 * 2 * 5 * 16 * 3, A + 2 * FIRST + X)),
        ("relu", Work(0, 2 * A), Work(0, 3 * A)),
        (
            "second",
            Work(2 * 2 * 7 * 4 * 45, A + SECOND + B),
            Work(2 * 2 * 2 * 7 * 4 * 45, B + A + 2 * SECOND + SECOND + A),
        ),
        ("tanh", Work(0, 2 * B), Work(0, 3 * B)),
        ("flat", Work(0, 0), Work(0, 0)),
    ],
)
def test_by_hand(steps: dict[str, Any], name: str, forward: Work, backward: Work) -> None:
    assert forward_work(steps[name]) == forward
    assert backward_work(steps[name]) == backward


def test_a_view_costs_nothing_and_a_sum_of_gradients_does(steps: dict[str, Any]) -> None:
    split = next(step for name, step in steps.items() if "split" in name)
    assert forward_work(split) == Work(0, 0)
    assert backward_work(split) == Work(0, 4 * B), "three gradients in, one out"
