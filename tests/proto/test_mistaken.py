"""Files that are something else: one sentence says what came and what is expected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cortado.errors import ParseError
from cortado.proto import parse_net, parse_solver

NET = 'name: "n" layer { name: "x" type: "ReLU" bottom: "a" top: "b" }'
SOLVER = 'net: "n.prototxt" base_lr: 0.1 lr_policy: "fixed"'


@pytest.mark.parametrize(
    ("parse", "text", "said"),
    [
        (parse_solver, NET, r'f: a solver is expected here; got a net \(a solver names its net: net: "f"\)'),
        (parse_net, SOLVER, r"f: a net is expected here; got a solver \(its net is n\.prototxt\)"),
        (parse_net, SOLVER.replace("net:", "train_net:"), r"\(its net is n\.prototxt\)"),
        (parse_solver, 'layers { name: "x" type: RELU bottom: "a" top: "b" }', "got a net"),
        (parse_solver, b"\x89PNG\r\n\x1a\n\0\0", r"f: a solver is a text file \(prototxt\); got a PNG image"),
        (parse_net, b"\x0a\x05lenet\0", "got a binary file"),
        (parse_net, b"PK\x03\x04\0", r"got a ZIP archive, such as \.npz"),
    ],
)
def test_one_sentence(parse: Callable[..., Any], text: str | bytes, said: str) -> None:
    with pytest.raises(ParseError, match=said) as raised:
        parse(text, "f")
    assert "\n" not in str(raised.value)


def test_the_ending_names_the_kind() -> None:
    with pytest.raises(ParseError, match=r"got weights \(\.caffemodel\)"):
        parse_net(b"\x0a\0", "lenet.caffemodel")


@pytest.mark.parametrize("text", ['nett: "x" base_lr: 1', "base_lr: 1 layer { } foo: 1", "debug_info: true foo: 1"])
def test_neither_names_the_fields(text: str) -> None:
    with pytest.raises(ParseError, match="SolverParameter has no field"):
        parse_solver(text, "f")


def test_comments_in_any_encoding_are_text(tmp_path: Path) -> None:
    assert parse_net(b"# caf\xe9\n" + NET.encode(), "f").message.name == "n"
