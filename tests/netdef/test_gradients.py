"""Who takes part in the backward pass."""

from __future__ import annotations

IP = """layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{name}" {extra}
  inner_product_param {{ num_output: 3 weight_filler {{ type: "xavier" }} }} }}\n"""
LOSS = 'layer { name: "loss" type: "EuclideanLoss" bottom: "b" bottom: "t" }\n'
HEAD = """layer { name: "in" type: "Input" top: "x" top: "t" input_param { shape { dim: 2 dim: 3 } } }\n"""
FROZEN = "param { lr_mult: 0 } param { lr_mult: 0 }"


def backward_layers(net) -> list[str]:
    return [step.layer.name for step in net.steps if step.runs_backward]


def propagation(net) -> dict[str, tuple[bool, ...]]:
    return {step.layer.name: step.propagate_down for step in net.steps}


def test_data_gets_no_gradient(make) -> None:
    net = make(HEAD + IP.format(name="a", bottom="x", extra="") + IP.format(name="b", bottom="a", extra="") + LOSS)
    assert backward_layers(net) == ["a", "b", "loss"]
    assert propagation(net) == {"in": (), "a": (False,), "b": (True,), "loss": (True, False)}


def test_layers_before_frozen_ones_are_left_out(make) -> None:
    net = make(HEAD + IP.format(name="a", bottom="x", extra=FROZEN) + IP.format(name="b", bottom="a", extra="") + LOSS)
    assert backward_layers(net) == ["b", "loss"]
    assert net.layers[1].param_propagate_down == [False, False]


def test_propagate_down_false_stops_everything_before(make) -> None:
    text = (
        HEAD
        + IP.format(name="a", bottom="x", extra="")
        + IP.format(name="b", bottom="a", extra="propagate_down: false")
    )
    assert backward_layers(make(text + LOSS)) == ["b", "loss"]


def test_branches_without_a_loss_are_left_out(make) -> None:
    text = HEAD + IP.format(name="a", bottom="x", extra="") + IP.format(name="b", bottom="x", extra="") + LOSS
    assert backward_layers(make(text)) == ["b", "loss"]


def test_force_backward_reaches_the_data_but_not_labels(make) -> None:
    text = 'force_backward: true layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }'
    text += 'layer { name: "l" type: "Input" top: "l" input_param { shape { dim: 2 } } }'
    text += IP.format(name="a", bottom="x", extra=FROZEN)
    text += 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "a" bottom: "l" }'
    net = make(text)
    assert propagation(net)["a"] == (True,)
    assert propagation(net)["loss"] == (True, False)
    assert net.layers[2].param_propagate_down == [True, True]
    net.forward()
    net.backward()
    assert net.blobs["x"].has_diff
