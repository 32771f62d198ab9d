"""Splits go behind tops with several uses."""

from __future__ import annotations

from cortado.netdef import NetState, insert_splits, select


def wiring(document) -> list[tuple[str, str, list[str], list[str], list[float]]]:
    layers = insert_splits(select(document, NetState()))
    return [
        (s.config.name, s.config.type, list(s.config.bottom), list(s.config.top), list(s.config.loss_weight))
        for s in layers
    ]


def test_one_reader_needs_no_split(parse) -> None:
    rows = wiring(parse('layer { name: "a" top: "x" } layer { name: "b" bottom: "x" top: "y" }'))
    assert [row[0] for row in rows] == ["a", "b"]


def test_names_follow_the_layer_that_wrote_last(parse) -> None:
    rows = wiring(
        parse(
            """layer { name: "a" top: "x" } layer { name: "r" bottom: "x" top: "x" }
            layer { name: "b" bottom: "x" } layer { name: "c" bottom: "x" }"""
        )
    )
    assert rows[2] == ("x_r_0_split", "Split", ["x"], ["x_r_0_split_0", "x_r_0_split_1"], [])
    assert [row[2] for row in rows[3:]] == [["x_r_0_split_0"], ["x_r_0_split_1"]]


def test_a_loss_weight_is_a_use_and_moves_to_the_split(parse) -> None:
    rows = wiring(
        parse(
            """layer { name: "a" top: "x" top: "z" loss_weight: 3 loss_weight: 5 }
            layer { name: "b" bottom: "x" }"""
        )
    )
    assert rows[0][4] == [0.0, 5.0]
    assert rows[1] == ("x_a_0_split", "Split", ["x"], ["x_a_0_split_0", "x_a_0_split_1"], [3.0, 0.0])
    assert rows[2][2] == ["x_a_0_split_1"]


def test_the_definition_is_left_alone(parse) -> None:
    document = parse('layer { name: "a" top: "x" } layer { name: "b" bottom: "x" bottom: "x" }')
    before = document.message.SerializeToString()
    rows = wiring(document)
    assert rows[2][2] == ["x_a_0_split_0", "x_a_0_split_1"]
    assert document.message.SerializeToString() == before
