"""What the parser reads; its complaints are in test_text_errors."""

from __future__ import annotations

from typing import Any

import pytest

from cortado.errors import ParseError, Position
from cortado.proto import Addition, Schema, field, message, parse_text

STOCK = Schema.stock()


def net(text: str | bytes) -> Any:
    return parse_text(text, STOCK.NetParameter, "net.prototxt").message


def layer(text: str | bytes) -> Any:
    return parse_text(text, STOCK.LayerParameter, "layer.prototxt").message


def test_an_empty_text_is_an_empty_message() -> None:
    assert net("") == net(" \n# nothing\n") == STOCK.NetParameter()


@pytest.mark.parametrize(
    "text",
    [
        'name: "a" layer { type: "ReLU" bottom: "x" bottom: "y" }',
        "name : 'a' layer: { type:'ReLU' bottom:'x' bottom:'y' }",
        'name: "a"; layer <type: "ReLU", bottom: "x"; bottom: "y"; >;',
        'name:"a",layer:<type:"ReLU"bottom:"x"bottom:"y">,',
        'name: "a" # c { " }\nlayer { # d\n type: "Re" \'LU\' bottom: ["x", "y"] }',
        '\ufeffname: "a"\r\nlayer {\r\n  type: "ReLU"\r\n  bottom: "x"\r\n  bottom: "y"\r\n}\r\n',
        'name: "a" layer: [{ type: "ReLU" bottom: ["x"] bottom: ["y"] }]',
        'name: "a" layer [ < type: "ReLU" bottom: [ "x" , "y" ] > ]',
        'name: "\\x61"\vlayer\f{type:\t"ReLU"bottom:["x","y"],}',
    ],
)
def test_one_net_in_many_spellings(text: str) -> None:
    want = STOCK.NetParameter(name="a")
    want.layer.add(type="ReLU", bottom=["x", "y"])
    assert net(text) == want
    assert net(text.encode()) == want


def test_bytes_with_a_mark_and_comments_in_another_encoding() -> None:
    assert net(b'\xef\xbb\xbf# \xc4\xe3\xba\xc3\nname: "a"').name == "a"


def test_enums_and_bools_and_numbers() -> None:
    got = layer(
        "phase: TEST include { phase: 0 min_level: -3 max_level: 0x7F } propagate_down: [true, True, t, 1, 0x1]"
        " propagate_down: [false, False, f, 0, 00] loss_weight: [1, 1., .5, 5e-05, -2f, inf, -inf]"
        " blobs { shape { dim: [010, 9223372036854775807, -9223372036854775808] } double_data: 1e-300 }"
        " convolution_param { num_output: 4294967295 pad: 2 }"
    )
    assert (got.phase, got.include[0].phase, got.include[0].min_level, got.include[0].max_level) == (1, 0, -3, 127)
    assert list(got.propagate_down) == [True] * 5 + [False] * 5
    assert list(got.loss_weight) == pytest.approx([1, 1, 0.5, 5e-5, -2, float("inf"), float("-inf")])
    assert list(got.blobs[0].shape.dim) == [8, 2**63 - 1, -(2**63)]
    assert got.blobs[0].double_data[0] == 1e-300
    assert (got.convolution_param.num_output, list(got.convolution_param.pad)) == (2**32 - 1, [2])


def test_bytes_fields() -> None:
    datum = parse_text(r'data: "\000\377" "x" encoded: true', STOCK.Datum, "x").message
    assert (datum.data, datum.encoded) == (b"\x00\xffx", True)


def test_an_empty_group_is_present() -> None:
    got = layer("relu_param { } clip_param { min: 0 max: 6 }")
    assert got.HasField("relu_param")
    assert got.clip_param.max == 6


def test_an_empty_list_is_nothing() -> None:
    assert layer("bottom: [] top: [ ];") == STOCK.LayerParameter()


def test_groups_nest_a_hundred_deep_and_no_further() -> None:
    deep = Addition("deep", messages=(message("Deep", field("inner", 1, "Deep"), field("end", 2, "int32")),))
    message_class = Schema.compose([deep]).message("Deep")
    parse_text("inner {" * 100 + "end: 1" + "}" * 100, message_class, "x")
    with pytest.raises(ParseError, match="x:1:707: groups are nested at most 100 deep"):
        parse_text("inner {" * 101 + "end: 1" + "}" * 101, message_class, "x")
    with pytest.raises(ParseError, match="groups are nested at most 100 deep"):
        parse_text("nope {" * 10_000, message_class, "x", unknown="skip")


def test_skipping_unknown_fields_lists_them() -> None:
    text = 'name: "a"\nnew { layer { x: [1, {y: 2}] s: "}" } }\nlayer { type: "A" pool: MAX\n'
    text += " pooling_param { pool: TOP } }"
    document = parse_text(text, STOCK.NetParameter, "f", unknown="skip")
    assert document.message.layer[0].HasField("pooling_param")
    assert document.message.name == "a"
    assert document.unknown == (
        ("NetParameter", "new", None, Position("f", 2, 1)),
        ("LayerParameter", "pool", None, Position("f", 3, 19)),
        ("PoolingParameter", "pool", "TOP", Position("f", 4, 24)),
    )


def test_skipping_does_not_forgive_bad_values_or_grammar() -> None:
    with pytest.raises(ParseError, match=r"NetParameter.name is text in quotes; got 5"):
        parse_text("name: 5", STOCK.NetParameter, "f", unknown="skip")
    with pytest.raises(ParseError, match="f:1:10: a value follows the name 'a'; got the end of the file"):
        parse_text("new { a: ", STOCK.NetParameter, "f", unknown="skip")
    with pytest.raises(ParseError, match="one of MAX, AVE, STOCHASTIC; got 99"):
        parse_text("pool: 99", STOCK.message("PoolingParameter"), "f")


def test_rules_of_a_provider_are_checked_at_each_value() -> None:
    def odd(value: int) -> str | None:
        return None if value % 2 else "the size is odd"

    def ordered(value: Any) -> str | None:
        return None if value.low < value.high else "low is below high"

    size = message("RangeParameter", field("low", 1), field("high", 2), field("size", 3, "int32", repeated=True))
    addition = Addition(
        "ranges",
        messages=(size,),
        fields={"LayerParameter": (field("range_param", 900, "RangeParameter"),)},
        rules={("RangeParameter", "size"): odd, ("LayerParameter", "range_param"): ordered},
    )
    message_class = Schema.compose([addition]).LayerParameter
    parse_text("range_param { low: 1 high: 2 size: [1, 3] size: 5 }", message_class, "f")
    with pytest.raises(ParseError) as caught:
        parse_text("range_param { low: 3 high: 2\n size: [1, 2] size: 4 }", message_class, "f")
    assert [str(problem) for problem in caught.value.problems] == [
        "f:2:12: RangeParameter.size: the size is odd; got 2",
        "f:2:21: RangeParameter.size: the size is odd; got 4",
        "f:1:1: LayerParameter.range_param: low is below high",
    ]


def test_six_thousand_lines_keep_their_positions() -> None:
    one = 'layer {\n  name: "conv"\n  type: "Convolution"\n  bottom: "a"\n  top: "b"\n  param { lr_mult: 1 }\n'
    one += "  convolution_param {\n    num_output: 64\n    kernel_size: 3\n    weight_filler {\n"
    one += '      type: "gaussian"\n      std: 0.01\n    }\n  }\n}\n'
    text = one * 400
    assert text.count("\n") == 6000
    document = parse_text(text, STOCK.NetParameter, "big")
    assert document.positions.at("layer", 399, "convolution_param", "weight_filler", "std") == ("big", 5997, 7)
