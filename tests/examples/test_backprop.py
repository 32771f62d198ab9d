"""The numbers of the lessons in examples/backprop."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cortado.plugins import plugin_manager
from cortado.testing import make_layer

FOLDER = Path(__file__).parents[2] / "examples" / "backprop"
Load = Callable[[str], Any]


# -- graphs, gates, cost ------------------------------------------------------------------------------------------


def test_a_line_by_hand(lesson: Load) -> None:
    found = lesson("graphs").values_and_gradients(FOLDER / "line.prototxt")
    assert found["J"] == (2, 1)
    assert found["w"] == (2, -4)
    assert found["b"] == (8, 2)
    assert found["x"] == (-2, 4)
    assert found["y"] == (2, -2)


def test_two_layers_by_hand(lesson: Load) -> None:
    found = lesson("graphs").values_and_gradients(FOLDER / "two_layers.prototxt")
    assert found["J"] == (2, 1)
    assert found["p"] == (7, 2)
    assert found["h"] == (2, 6)
    gradients = {name: found[name][1] for name in ("w1", "b1", "w2", "b2")}
    assert gradients == {"w1": 6, "b1": 6, "w2": 4, "b2": 2}


def test_gates_copy_swap_and_choose(lesson: Load) -> None:
    found = lesson("graphs").values_and_gradients(FOLDER / "gates.prototxt")
    assert found["f"] == (-4, 1)
    assert found["xy"][1] == found["max"][1] == found["sum"][1] == 2, "add copies"
    assert found["x"] == (3, 2 * -2), "multiply swaps"
    assert found["y"] == (-2, 2 * 3)
    assert (found["z"][1], found["v"][1]) == (0, 2), "max chooses"


def test_a_value_used_twice_sums_its_gradients(lesson: Load) -> None:
    found = lesson("graphs").values_and_gradients(FOLDER / "used_twice.prototxt")
    assert found["f"][0] == 3 * 3 + 3 * 5
    assert found["x"][1] == 2 * 3 + 5
    assert found["w"][1] == 3


@pytest.mark.parametrize("layers", [1, 2, 7, 32])
def test_cost_of_backpropagation(lesson: Load, layers: int) -> None:
    found = lesson("cost").measure(layers)
    n, p = layers, 2 * layers
    assert (found.layers, found.parameters) == (n, p)
    assert found.backpropagation == n + p
    assert found.nudges == n * p
    assert found.paths == 2 * sum(range(1, n + 1)) + p
    assert found.error < 1e-5


# -- nodes, Jacobians, expressions --------------------------------------------------------------------------------


def test_sigmoid_as_one_node_and_as_four(lesson: Load) -> None:
    graphs = lesson("graphs")
    four = graphs.values_and_gradients(FOLDER / "sigmoid_gates.prototxt")
    one = graphs.values_and_gradients(FOLDER / "sigmoid_node.prototxt")
    assert set(four) - set(one) == {"-z", "exp", "1+exp"}
    for name, numbers in one.items():
        assert four[name] == pytest.approx(numbers, rel=1e-14), name
    value = 1 / (1 + math.exp(-1))
    assert one["f"][0] == pytest.approx(value)
    assert one["z"] == pytest.approx((1, value * (1 - value)))


def test_far_out_only_one_node_survives_below_and_only_four_above(lesson: Load) -> None:
    sigmoid = lesson("sigmoid")
    z = [-100, 0, 30]
    with np.errstate(all="ignore"):
        (_, one), (_, four) = sigmoid.values_and_slopes(sigmoid.ONE, z), sigmoid.values_and_slopes(sigmoid.FOUR, z)
    assert np.isnan(four).tolist() == [True, False, False]
    assert 0 < one[0] < 1e-40
    assert one[1] == four[1] == 0.25
    assert one[2] == 0
    assert four[2] == pytest.approx(math.exp(-30), rel=1e-5)


def test_expression_derivatives(lesson: Load) -> None:
    pytest.importorskip("sympy")
    expression = lesson("expression")
    assert expression.derivatives() == {
        "x": "a * sigmoid(beta * gate)",
        "gate": "a * beta * x * (1 - sigmoid(beta * gate)) * sigmoid(beta * gate)",
        "a": "x * sigmoid(beta * gate)",
        "beta": "a * gate * x * (1 - sigmoid(beta * gate)) * sigmoid(beta * gate)",
    }
    x = np.linspace(-3, 3, 13)
    value, slope = expression.curves(expression.SWISH, x, 1.5)
    gate = 1 / (1 + np.exp(-1.5 * x))
    np.testing.assert_allclose(value, x * gate)
    np.testing.assert_allclose(slope, gate + 1.5 * x * gate * (1 - gate))


# -- linear classifiers and regularization ------------------------------------------------------------------------


def test_first_losses(lesson: Load) -> None:
    linear = lesson("linear")
    assert linear.first_loss("linear_softmax.prototxt") == pytest.approx(math.log(10), rel=1e-6)
    assert linear.first_loss("linear_hinge.prototxt") == 9


@pytest.mark.parametrize(("classes", "margin"), [(10, 1.0), (3, 2.5), (2, 0.5)])
def test_first_loss_of_the_hinge_is_a_margin_for_each_wrong_class(classes: int, margin: float) -> None:
    param = f"multiclass_hinge_loss_param {{ margin: {margin} }}"
    run = make_layer(f'type: "MulticlassHingeLoss" {param}', [np.zeros((4, classes)), np.array([0, 1, 1, 0])])
    assert run.forward()[0] == pytest.approx((classes - 1) * margin)
    softmax = make_layer('type: "SoftmaxWithLoss"', [np.zeros((4, classes)), np.array([0, 1, 1, 0])])
    assert softmax.forward()[0] == pytest.approx(math.log(classes))


@pytest.mark.parametrize(("net", "rate"), [("linear_softmax.prototxt", 0.1), ("linear_hinge.prototxt", 0.02)])
def test_linear_classifiers_learn(lesson: Load, net: str, rate: float) -> None:
    linear = lesson("linear")
    solver = linear.train(net, base_lr=rate)
    assert solver.test()[0]["accuracy"] > 0.95
    rows = linear.rows(solver)
    assert rows.shape == (10, 8, 8)
    assert rows[0, 3:5, 3:5].sum() < -1, "ink in the middle speaks against 0"


def test_what_regularizers_do_to_weights(lesson: Load) -> None:
    regularization = lesson("regularization")
    found = {name: regularization.outcome(name) for name in regularization.RUNS}
    none, l2, l1, both, bounded = (found[name] for name in ("none", "L2", "L1", "elastic net", "max-norm"))
    assert none.small == pytest.approx(0.121, abs=0.03)
    assert l2.small == pytest.approx(0.164, abs=0.03)
    assert l1.small == pytest.approx(0.784, abs=0.03), "L1 makes most of W vanish"
    assert l2.small < both.small < l1.small
    assert none.length == pytest.approx(17.76, rel=0.02)
    assert l2.length == pytest.approx(6.23, rel=0.02)
    assert bounded.longest_row == pytest.approx(1, rel=1e-5)
    assert none.longest_row > 6
    accuracies = [one.accuracy for one in (none, l2, l1, both, bounded)]
    assert accuracies == pytest.approx([0.9694, 0.9389, 0.9528, 0.9472, 0.9194], abs=0.01)


# -- activations, early stopping, schedules -----------------------------------------------------------------------


def test_activations_and_their_slopes(lesson: Load) -> None:
    activations = lesson("activations")
    types = [text.split('"')[1] for text in activations.LAYERS.values()]
    assert types == ["Sigmoid", "TanH", "ReLU", "ReLU", "PReLU", "RReLU", "ELU", "SELU", "BNLL", "Swish",
                     "LearnedSwish", "GELU", "Maxout", "HardSigmoid", "HardSwish", "Mish"]  # fmt: skip
    assert set(types) <= set(plugin_manager().registry("layers").names()), "all of them layers"
    points = np.array([-3, -1.1, -0.2, 0.3, 1.2, 2.7])
    for title in activations.LAYERS:
        here = activations.curve(title, points)
        above, below = (activations.curve(title, points + h).value for h in (1e-6, -1e-6))
        if title != "hard Swish":  # it has a corner at -3
            np.testing.assert_allclose(here.slope, (above - below) / 2e-6, atol=1e-5, err_msg=title)
    at_one = {title: activations.curve(title, np.array([1.0])).value[0] for title in activations.LAYERS}
    assert at_one["logistic"] == pytest.approx(0.7310586)
    assert at_one["SELU"] == pytest.approx(1.0507010)
    assert at_one["GELU"] == pytest.approx(0.8413447)
    assert at_one["Mish"] == pytest.approx(0.8650984)
    assert at_one["Softplus (BNLL)"] == pytest.approx(1.3132617)
    assert at_one["hard Swish"] == pytest.approx(2 / 3)


def test_training_ends_when_validation_stops_falling(lesson: Load, tmp_path: Path) -> None:
    found = lesson("early_stopping").run(tmp_path)
    iteration, loss = found.best
    assert found.stopped
    assert len(found.training) == iteration + 100, "ten tests, ten iterations apart, without a better one"
    assert loss == min(value for _, value in found.validation)
    assert 0.3 < loss < 0.5
    assert found.training[-1][1] < 0.05, "the training loss goes on falling"
    assert found.validation[-1][1] > loss + 0.02
    assert found.accuracies[0] >= found.accuracies[1]
    assert (tmp_path / "overfit_best.caffemodel").exists()


def test_policies_and_plateau(lesson: Load) -> None:
    schedules = lesson("schedules")
    cosine, restarts = schedules.rates("cosine"), schedules.rates("cosine with restarts")
    assert cosine[0] == 1
    assert cosine[100] == pytest.approx(0.5)
    assert restarts[30] == restarts[90] == 1
    assert schedules.rates("warm-up, then cosine")[9] == pytest.approx(0.5 * cosine[9])
    assert schedules.rates("step")[-1] == 0.125
    rates, validation = schedules.plateau()
    drops = [i for i in range(1, len(rates)) if rates[i] < rates[i - 1]]
    best = min(validation, key=lambda pair: pair[1])[0]
    assert drops
    assert drops[0] == best + 30, "three tests, ten iterations apart, without a better one"


def test_every_optimizer_learns(lesson: Load) -> None:
    schedules = lesson("schedules")
    caffe = {"SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam"}
    assert {one["type"] for one in schedules.OPTIMIZERS.values()} == caffe | {"AdamW", "NAdam", "Lion"}
    for name in schedules.OPTIMIZERS:
        losses = schedules.losses(name, 40)
        assert np.mean(losses[-5:]) < 0.5 * losses[0], name
