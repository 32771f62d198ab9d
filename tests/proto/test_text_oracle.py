"""The parser against protobuf's own, on generated texts and messages."""

from __future__ import annotations

from typing import Any

from google.protobuf import text_format
from hypothesis import example, given, settings, strategies as st

from cortado.errors import ParseError
from cortado.proto import Schema, format_text, parse_text

NET = Schema.stock().NetParameter
LAYER = Schema.stock().LayerParameter

WORDS = ["layer", "layers", "name", "type", "phase", "TRAIN", "bottom", "loss_weight", "blobs", "shape", "dim", "data"]
WORDS += ["convolution_param", "kernel_size", "pad", "pooling_param", "pool", "MAX", "true", "false", "inf", "nan"]
WORDS += ["{", "}", "<", ">", "[", "]", ":", ":", ":", ";", ",", '"a"', "'b'", '"\\n\\x41"', "'\\377'", '"', "\\"]
WORDS += ["0", "1", "-1", "07", "08", "0x1F", "1.", ".5", "1e-3", "1f", "1e", "5000000000", "-0", "1a", "-"]
WORDS += ["# c\n", "\n", "\r\n", "- 2"]
NAMES = ["layer", "name", "input", "input_dim", "input_shape", "state", "dim", "type", "level", "unknown"]
VALUES = ['"a"', "'b' 'c'", "1", "-7", "0x10", "017", "true", "TEST", "2.5", "[1, 2]", "['a']", "[]"]


@st.composite
def statements(draw: Any, depth: int = 3) -> str:
    """Text that is mostly well formed, about layers."""
    name = draw(st.sampled_from(NAMES))
    if depth and draw(st.booleans()):
        inner = " ".join(draw(st.lists(statements(depth - 1), max_size=3)))
        opener, closer = draw(st.sampled_from(["{}", "<>"]))
        return f"{name}{draw(st.sampled_from([' ', ':', ' : ']))}{opener}{inner}{closer}"
    return f"{name}: {draw(st.sampled_from(VALUES))}{draw(st.sampled_from(['', ';', ',', ' # c' + chr(10)]))}"


def ours(text: str | bytes, message_class: Any = NET) -> Any:
    try:
        return parse_text(text, message_class, "f").message
    except ParseError:
        return None


def theirs(text: str, message_class: Any = NET) -> Any:
    try:
        return text_format.Parse(text, message_class())
    except text_format.ParseError:
        return None


def same(a: Any, b: Any) -> bool:
    return (a is None) == (b is None) and (a is None or a.SerializeToString() == b.SerializeToString())


@settings(max_examples=400, deadline=None)
@given(st.lists(statements(), max_size=5).map("\n".join))
@example('name: "a";\nlayer < bottom: ["a", "b"] > ,')
def test_agrees_with_protobuf(text: str) -> None:
    assert same(ours(text), theirs(text))


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join))
def test_raises_nothing_but_parse_errors_on_words(text: str) -> None:
    ours(text)
    ours(text, LAYER)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.binary(max_size=60)))
def test_raises_nothing_but_parse_errors_on_anything(text: str | bytes) -> None:
    ours(text)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=20))
def test_any_text_survives_in_quotes(value: str) -> None:
    try:
        net = NET(name=value)
    except UnicodeEncodeError:
        return
    assert ours(format_text(net)) == net
    assert theirs(format_text(net)) == net
    assert ours(text_format.MessageToString(net)) == net


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(width=32, allow_nan=False), max_size=8), st.lists(st.floats(allow_nan=False), max_size=8))
def test_numbers_survive_in_text(singles: list[float], doubles: list[float]) -> None:
    layer = LAYER(loss_weight=singles)
    layer.blobs.add(double_data=doubles)
    assert ours(format_text(layer), LAYER) == layer
    assert theirs(format_text(layer), LAYER) == layer
    assert ours(text_format.MessageToString(layer), LAYER) == layer


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=30), st.integers(-(2**31), 2**31 - 1))
def test_bytes_survive_in_text(data: bytes, label: int) -> None:
    datum = Schema.stock().Datum(data=data, label=label)
    assert ours(format_text(datum), Schema.stock().Datum) == datum
    assert theirs(format_text(datum), Schema.stock().Datum) == datum
