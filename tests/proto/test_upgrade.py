"""Positions, notes and refusals of the upgrade; its results are in test_upgrade_reference."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from cortado.errors import NetError, ParseError, Position, SolverError
from cortado.proto import Addition, Document, Schema, enum, field, message, parse_text, upgrade_net, upgrade_solver

STOCK = Schema.stock()


def upgraded(text: str) -> Document[Any]:
    return upgrade_net(parse_text(text, STOCK.NetParameter, "net"))


def refusal(text: str) -> str:
    with pytest.raises(NetError) as caught:
        upgraded(text)
    return str(caught.value)


def test_a_net_of_today_is_returned_itself() -> None:
    document = parse_text('layer { name: "a" type: "ReLU" }', STOCK.NetParameter, "net")
    assert upgrade_net(document) is document


def test_the_given_document_is_left_alone() -> None:
    document = parse_text('input: "a" input_dim: [1,2,3,4] layers { name: "r" type: RELU }', STOCK.NetParameter, "net")
    before = document.message.SerializeToString()
    upgrade_net(document)
    assert document.message.SerializeToString() == before
    assert document.positions.at("layers", 0, "type") == Position("net", 1, 52)


V1 = """input: "x"
input_dim: [1, 3, 8, 8]
layers {
  name: "c" type: CONVOLUTION
  bottom: "x" top: "c"
  blobs_lr: 1 blobs_lr: 2
  weight_decay: 0
  param: "w"
  convolution_param { num_output: 2
    kernel_size: 3 }
}
layers { name: "d" type: DATA
  data_param { source: "db" scale: 0.5 }
}
"""


def test_positions_lead_to_the_v1_text() -> None:
    document = upgraded(V1)
    at = document.positions.at
    assert [layer.name for layer in document.message.layer] == ["input", "c", "d"]
    assert at("layer", 0, "top", 0) == at("layer", 0) == Position("net", 1, 1)
    assert at("layer", 0, "input_param", "shape", 0) == Position("net", 2, 13)
    assert at("layer", 1) == Position("net", 3, 1)
    assert at("layer", 1, "type") == Position("net", 4, 13)
    assert at("layer", 1, "convolution_param", "kernel_size", 0) == Position("net", 10, 5)
    assert at("layer", 1, "param", 0, "name") == at("layer", 1, "param", 0) == Position("net", 8, 3)
    assert at("layer", 1, "param", 0, "decay_mult") == Position("net", 7, 3)
    assert at("layer", 1, "param", 1, "lr_mult") == Position("net", 6, 15)
    assert at("layer", 2, "transform_param", "scale") == Position("net", 13, 29)
    assert at("layers") == at("input") == Position("net")


def test_notes_of_v1() -> None:
    assert upgraded(V1).notes == (
        "layer 'd': scale moved from data_param to transform_param",
        "layers of the V1 format ('layers', types in capitals), upgraded: 2",
        "'input' fields became an Input layer: x",
    )


V0 = """layers { layer { name: "p" type: "padding" pad: 2 } bottom: "x" top: "p" }
layers { layer { name: "c" type: "conv" kernelsize: 3
    weight_filler { type: "xavier"
      std: 1 } blobs_lr: 1
    cropsize: 4 }
  bottom: "p" top: "c" }
layers { layer { name: "m" type: "pool" pad: 1 } bottom: "p" top: "m" }
"""


def test_positions_lead_to_the_v0_text() -> None:
    document = upgraded(V0)
    at = document.positions.at
    assert at("layer", 0) == Position("net", 2, 1)
    assert at("layer", 0, "name") == Position("net", 2, 18)
    assert at("layer", 0, "bottom") == Position("net", 1, 53)
    assert at("layer", 0, "convolution_param", "kernel_size") == Position("net", 2, 41)
    assert at("layer", 0, "convolution_param", "weight_filler", "std") == Position("net", 4, 7)
    assert at("layer", 0, "convolution_param", "pad") == Position("net", 1, 44)
    assert at("layer", 0, "transform_param", "crop_size") == Position("net", 5, 5)
    assert at("layer", 0, "param", 0, "lr_mult") == Position("net", 4, 16)
    assert document.notes == (
        "padding layer 'p' was merged into 'c'",
        "padding layer 'p' was merged into 'm'",
        "layers of the V0 format ('layers { layer { } }'), upgraded: 3",
    )


def test_padding_goes_into_convolution_and_pooling() -> None:
    convolution, pooling = upgraded(V0).message.layer
    assert (list(convolution.convolution_param.pad), pooling.pooling_param.pad) == ([2], 2)
    assert (list(convolution.bottom), list(pooling.bottom)) == (["x"], ["x"])


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ('layer { name: "a" }\nlayers { name: "b" }',
         "net:2:1: the layers of a net are all written 'layer' (new format)"
         " or all 'layers' (old format); got 1 of the one and 1 of the other"),
        ('layers { layer { name: "a" type: "relu" } }\nlayers { name: "b" type: RELU }',
         "net:2:1: a file has layers of one format; got a V1 layer among V0 layers ('layers { layer { } }')"),
        ('layers { layer { name: "a" type: "conf" } }', "net:1:28: layer 'a' has a type of the V0 format; got 'conf'"
         " (did you mean 'conv'?)"),
        ('layers { layer { name: "a" } }', "net:1:10: layer 'a' has a type of the V0 format; got ''"),
        ('layers { layer { name: "a" type: "relu" pad: 1 } }',
         "net:1:41: layer 'a' of type 'relu' does not take 'pad'"),
        ('layers { layer { name: "p" type: "padding" } bottom: "x" top: "p" }\n'
         'layers { layer { name: "r" type: "relu" } bottom: "p" top: "r" }',
         "net:2:1: padding layer 'p' is read by convolution or pooling layers with one bottom; got 'r' of type 'relu'"),
        ('layers { layer { name: "p" type: "padding" } bottom: "x" top: "p" top: "q" }\n'
         'layers { layer { name: "c" type: "conv" } bottom: "p" top: "r" }',
         "net:1:1: padding layer 'p' has one bottom and one top; got 1 and 2"),
        ('input: "a"', "net:1:1: input 'a' has a shape; got none (give input_shape { dim: ... })"),
        ('input: "a" input: "b"\ninput_dim: [1, 2, 3, 4, 5]', "net:2:13: 2 'input' take 8 'input_dim' (num, channels,"
         " height and width of each); got 5 (input_shape { dim: ... } takes any number of axes)"),
        ('input: "a" input: "b"\ninput_shape { dim: 1 }', "net:2:1: 2 'input' take 2 'input_shape'; got 1"),
        ('input: "a" input_shape { dim: [1, 2, 3, 4] }\ninput_dim: [1, 2, 3, 5]', "net:2:13: 'input_shape' and"
         " 'input_dim' give the same shapes; got [[1, 2, 3, 4]] and [[1, 2, 3, 5]] (keep input_shape)"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_refused(text: str, want: str) -> None:
    assert refusal(text) == want


def test_equal_shapes_given_twice_are_accepted() -> None:
    net = upgraded('input: "a" input_shape { dim: [1,2,3,4] } input_dim: [1,2,3,4]').message
    assert list(net.layer[0].input_param.shape[0].dim) == [1, 2, 3, 4]


def test_shapes_without_inputs_are_dropped_with_a_note() -> None:
    document = upgraded("input_dim: 3")
    assert document.message == STOCK.NetParameter()
    assert document.notes == ("'input_shape' and 'input_dim' without 'input' have no effect",)


def test_transform_fields_without_effect_are_noted() -> None:
    document = upgraded('layer { name: "d" type: "Data"\n data_param { scale: 2 mirror: true } }')
    assert document.notes == ("net:2:15: scale, mirror in data_param have no effect, write them in transform_param",)


def test_a_batch_norm_with_learning_rates_is_noted() -> None:
    document = upgraded('layer { name: "b" type: "BatchNorm" param { } param { } param { } }')
    assert document.notes == ("BatchNorm layer 'b': its statistics are not learned, lr_mult became 0",)


def test_types_and_fields_of_a_dialect() -> None:
    param = message("UnpoolingParameter", field("size", 1, "int32"))
    fields = {
        "V1LayerParameter": (field("unpooling_param", 44, "UnpoolingParameter"), field("extra_param", 45, "int32")),
        "LayerParameter": (field("unpooling_param", 900, "UnpoolingParameter"),),
    }
    types = {"V1LayerParameter.LayerType": {"UNPOOLING": 42, "CROP": 40}}
    dialect = Addition("d", messages=(param,), fields=fields, values=types, type_names={"UNPOOLING": "Unpooling"})
    message_class = Schema.compose([dialect]).NetParameter
    net: Any = upgrade_net(
        parse_text('layers { name: "u" type: UNPOOLING unpooling_param { size: 2 } }', message_class, "net")
    )
    assert (net.message.layer[0].type, net.message.layer[0].unpooling_param.size) == ("Unpooling", 2)
    with pytest.raises(NetError, match="net:1:20: layer 'u': no new type is known for the V1 type CROP"):
        upgrade_net(parse_text('layers { name: "u" type: CROP }', message_class, "net"))
    with pytest.raises(NetError, match="net:1:20: layer 'u': the V1 field 'extra_param' has no place"):
        upgrade_net(parse_text('layers { name: "u" extra_param: 1 }', message_class, "net"))


def test_fields_of_the_net_stay() -> None:
    more = Addition("m", enums=(enum("K", A=0, B=1),), fields={"NetParameter": (field("k", 50, "K"),)})
    message_class = Schema.compose([more]).NetParameter
    text = 'name: "n" k: B debug_info: true state { level: 2 } layers { type: RELU }'
    net: Any = upgrade_net(parse_text(text, message_class, "net")).message
    assert (net.name, net.k, net.debug_info, net.state.level) == ("n", 1, True, 2)


def solver(text: str) -> Document[Any]:
    return upgrade_solver(parse_text(text, STOCK.SolverParameter, "solver"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        *[("SGD", "SGD"), ("NESTEROV", "Nesterov"), ("ADAGRAD", "AdaGrad"), ("RMSPROP", "RMSProp")],
        *[("ADADELTA", "AdaDelta"), ("ADAM", "Adam"), ("5", "Adam")],
    ],
)
def test_solver_types(old: str, new: str) -> None:
    document = solver(f"base_lr: 1\nsolver_type: {old}")
    assert document.message.type == new
    assert not document.message.HasField("solver_type")
    assert document.positions.at("type") == Position("solver", 2, 1)
    assert document.notes[0].endswith(f'became type: "{new}"')


def test_both_solver_types_are_refused() -> None:
    with pytest.raises(SolverError) as caught:
        solver('type: "Adam"\nsolver_type: SGD')
    assert str(caught.value) == (
        "solver:2:1: a solver has 'type' or the old 'solver_type', not both; got type: \"Adam\" and solver_type: SGD"
    )


def test_nets_inside_a_solver_are_upgraded() -> None:
    document = solver('train_net_param {\n layers { name: "a" type: RELU }\n}\ntest_net_param { } test_net_param {\n'
                      ' layers { name: "b" type: TANH } }')  # fmt: skip
    assert document.message.train_net_param.layer[0].type == "ReLU"
    assert document.message.test_net_param[1].layer[0].type == "TanH"
    assert document.positions.at("train_net_param", "layer", 0, "type") == Position("solver", 2, 21)
    assert document.positions.at("test_net_param", 1, "layer", 0, "type") == Position("solver", 5, 21)
    assert len(document.notes) == 2


LINES = [
    *["type: 'conv'", "type: 'pool'", "type: 'padding'", "type: 'data'", "type: 'relu'", "name: 'n'", "pad: 1"],
    *["kernelsize: 3", "pool: AVE", "blobs_lr: 1", "weight_decay: 0", "weight_filler { }", "batchsize: 4", "scale: 2"],
]
V1_LINES = [
    *["type: DATA", "type: CONVOLUTION", "name: 'n'", "blobs_lr: 1", "param: 'w'", "blob_share_mode: STRICT"],
    *[
        "convolution_param { pad: 1 }",
        "include { phase: TEST }",
        "weight_decay: 0",
        "data_param { scale: 2 mirror: true }",
    ],
]
ENDS = st.lists(st.sampled_from(["bottom: 'a'", "bottom: 'b'", "top: 'a'", "top: 'b'"]), max_size=4)
INNER = st.lists(st.sampled_from(LINES), max_size=4, unique=True).map(lambda lines: f"layer {{ {' '.join(lines)} }}")
PLAIN = st.lists(st.sampled_from(V1_LINES), max_size=5, unique=True).map(" ".join)
LAYERS = st.lists(st.tuples(st.one_of(INNER, PLAIN), ENDS), max_size=5)
HEADS = st.lists(st.sampled_from(["input: 'a'", "input_dim: [1, 2, 3, 4]", "input_shape { dim: 1 }"]), max_size=3)


@settings(max_examples=300, deadline=None)
@given(HEADS, LAYERS)
def test_any_old_net_is_upgraded_or_refused(heads: list[str], layers: list[tuple[str, list[str]]]) -> None:
    text = "\n".join([*heads, *(f"layers {{ {body} {' '.join(ends)} }}" for body, ends in layers)])
    try:
        document = parse_text(text, STOCK.NetParameter, "net")
    except ParseError:
        return
    try:
        new = upgrade_net(document)
    except NetError as error:
        where = error.where
    else:
        _check_upgraded(new)
        return
    assert isinstance(where, Position)
    assert where.line > 0


def _check_upgraded(new: Document[Any]) -> None:
    assert not new.message.layers
    assert not new.message.input
    assert upgrade_net(new).message == new.message
    for index in range(len(new.message.layer)):
        assert new.positions.at("layer", index).line > 0
