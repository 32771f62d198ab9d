"""Real files, where the environment variable CORTADO_ZOO names a folder with them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format

from cortado.errors import FormatError, NetError, ParseError
from cortado.proto import (
    Schema,
    blob_to_array,
    format_text,
    parse_text,
    read_weights_message,
    upgrade_net,
    upgrade_solver,
)

ZOO = os.environ.get("CORTADO_ZOO", "")
pytestmark = pytest.mark.skipif(not ZOO, reason="CORTADO_ZOO is not set")
STOCK = Schema.stock()


def files(pattern: str) -> list[Any]:
    paths = sorted(Path(ZOO).rglob(pattern)) if ZOO else []
    return [pytest.param(path, id=str(path.relative_to(ZOO))) for path in paths]


def class_of(text: bytes) -> Any:
    return STOCK.SolverParameter if b"base_lr" in text else STOCK.NetParameter


@pytest.mark.parametrize("path", files("*.prototxt"))
def test_prototxts_are_read_or_refused_for_a_named_field(path: Path) -> None:
    text = path.read_bytes()
    message_class = class_of(text)
    try:
        document = parse_text(text, message_class, str(path))
    except ParseError as error:
        for problem in error.problems:
            named = " has no field '" in problem.rule or " is one of " in problem.rule
            assert named, problem
            assert problem.where
        with pytest.raises(text_format.ParseError):
            text_format.Parse(text, message_class())
        parse_text(text, message_class, str(path), unknown="skip")
        return
    assert document.message == text_format.Parse(text, message_class())
    assert parse_text(format_text(document.message), message_class, "again").message == document.message


@pytest.mark.parametrize("path", files("*.prototxt"))
def test_upgraded_nets_have_new_layers_that_know_their_place(path: Path) -> None:
    text = path.read_bytes()
    document: Any = parse_text(text, class_of(text), str(path), unknown="skip")
    if class_of(text) is STOCK.SolverParameter:
        assert not upgrade_solver(document).message.HasField("solver_type")
        return
    if document.message.input and not document.message.input_dim and not document.message.input_shape:
        with pytest.raises(NetError, match="has a shape; got none"):
            upgrade_net(document)
        return
    new = upgrade_net(document)
    assert not new.message.layers
    for index in range(len(new.message.layer)):
        assert new.positions.at("layer", index).line > 0


@pytest.mark.parametrize("path", files("*.caffemodel"))
def test_weights_are_read(path: Path) -> None:
    net = read_weights_message(path)
    blobs = [blob for layer in net.layer for blob in layer.blobs]
    if not any(len(blob.data) for blob in blobs):
        with pytest.raises(FormatError, match="its writer may keep the values in other fields"):
            blob_to_array(blobs[0])
        return
    for blob in blobs:
        assert blob_to_array(blob).ravel().tolist() == list(blob.data)


@pytest.mark.parametrize("path", files("*.solverstate"))
def test_solver_states_are_no_weights(path: Path) -> None:
    with pytest.raises(FormatError, match="got a solver state"):
        read_weights_message(path)
