from __future__ import annotations

from cortado.errors import Position
from cortado.proto import Positions, Schema, parse_text

TEXT = """name: "n"  # a comment
layer {
  name: "conv"
  bottom: ["x",
           "y"]
  convolution_param {
    kernel_size: 3 kernel_size: 5
  }
}
layer { name: "relu" }
"""
POSITIONS = parse_text(TEXT, Schema.stock().NetParameter, "net.prototxt").positions


def test_where_fields_stand() -> None:
    at = POSITIONS.at
    assert at("name") == Position("net.prototxt", 1, 1)
    assert at("layer") == at("layer", 0) == Position("net.prototxt", 2, 1)
    assert at("layer", 1, "name") == Position("net.prototxt", 10, 9)
    assert at("layer", 0, "bottom", 1) == Position("net.prototxt", 5, 12)
    assert at("layer", 0, "convolution_param", "kernel_size") == Position("net.prototxt", 7, 5)
    assert at("layer", 0, "convolution_param", 0, "kernel_size", 1) == Position("net.prototxt", 7, 20)


def test_what_is_not_there_is_at_the_nearest_ancestor() -> None:
    at = POSITIONS.at
    assert at() == at("state") == at("layer", 7) == at("layer", -1) == Position("net.prototxt")
    assert at("layer", 1, "relu_param", "negative_slope") == Position("net.prototxt", 10, 1)
    assert at("layer", 0, "convolution_param", "pad", 3) == Position("net.prototxt", 6, 3)
    assert at("layer", 0, "name", "deeper") == at("layer", 0, "name")
    assert str(at("layer", 1)) == "net.prototxt:10:1"


def test_children_are_trees_of_their_own() -> None:
    child = POSITIONS.child("layer", 0)
    assert child.at("convolution_param", "kernel_size", 1) == Position("net.prototxt", 7, 20)
    assert child.child("convolution_param").here == Position("net.prototxt", 6, 3)
    assert POSITIONS.child("layer", 5).at("name") == Position("net.prototxt")
    assert POSITIONS.child("name").at("x") == Position("net.prototxt", 1, 1)


def test_positions_of_a_message_without_text() -> None:
    assert Positions.unknown("built in Python").at("layer", 2) == Position("built in Python")


def test_columns_count_behind_a_mark_and_with_crlf() -> None:
    positions = parse_text('\ufeffname: "a"\r\n  input: "b"', Schema.stock().NetParameter, "f").positions
    assert positions.at("name") == Position("f", 1, 1)
    assert positions.at("input") == Position("f", 2, 3)
