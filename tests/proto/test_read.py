from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cortado.errors import FileError, FormatError, NetError, ParseError
from cortado.proto import (
    Schema,
    array_to_blob,
    binary,
    blob_to_array,
    parse_net,
    parse_solver,
    read_net,
    read_solver,
    read_weights_message,
    write_binary,
    write_text,
)

STOCK = Schema.stock()
WEIGHTS = np.arange(6, dtype=np.float32).reshape(2, 3)


def old_weights(v0: bool) -> Any:
    net = STOCK.NetParameter(name="old", input=["x"], input_dim=[1, 2])
    layer = net.layers.add()
    if v0:
        net.layers.add(top=["p"]).layer.type = "padding"
        layer.layer.name, layer.layer.type, layer.layer.new_num = "fc", "innerproduct", 3
        array_to_blob(WEIGHTS, layer.layer.blobs.add())
    else:
        layer.name, layer.type = "fc", STOCK.V1LayerParameter.INNER_PRODUCT
        array_to_blob(WEIGHTS, layer.blobs.add())
        layer.blobs_lr.append(2)
    return net


def test_read_net_parses_and_upgrades(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text('layers {\n name: "r" type: RELU }')
    document = read_net(path)
    assert document.message.layer[0].type == "ReLU"
    assert str(document.positions.at("layer", 0, "type")) == f"{path}:2:12"
    assert parse_net('layer { type: "x" }').message.layer[0].type == "x"
    with pytest.raises(ParseError, match="<text>:1:1: NetParameter has no field 'x'"):
        parse_net("x: 1")
    with pytest.raises(FileError, match="cannot read this file"):
        read_net(tmp_path / "missing")


def test_read_solver_parses_and_upgrades(tmp_path: Path) -> None:
    path = tmp_path / "solver.prototxt"
    path.write_text("solver_type: ADAM")
    assert read_solver(path).message.type == "Adam"
    assert parse_solver("base_lr: 0.5").message.base_lr == 0.5


def test_a_given_schema_is_used() -> None:
    from cortado.proto import Addition, field

    schema = Schema.compose([Addition("x", fields={"NetParameter": (field("x", 99, "int32"),)})])
    assert parse_net("x: 3", schema=schema).message.x == 3  # type: ignore[attr-defined]
    assert parse_net("y: 3", schema=schema, unknown="skip").unknown[0].field == "y"


@pytest.mark.parametrize("v0", [True, False])
@pytest.mark.parametrize("at_once", [0, 10**6])
def test_old_weights_are_upgraded(v0: bool, at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary, "AT_ONCE", at_once)
    path = tmp_path / "old.caffemodel"
    write_binary(old_weights(v0), path)
    net = read_weights_message(path)
    assert [(layer.name, layer.type) for layer in net.layer] == [("fc", "InnerProduct")]
    assert blob_to_array(net.layer[0].blobs[0]).tolist() == WEIGHTS.tolist()
    assert (len(net.layers), len(net.input), net.name) == (0, 0, "old")


def test_new_weights(tmp_path: Path) -> None:
    path = tmp_path / "new.caffemodel"
    want = STOCK.NetParameter(name="n")
    array_to_blob(WEIGHTS, want.layer.add(name="fc").blobs.add())
    write_binary(want, path)
    assert read_weights_message(path) == want


def test_a_prototxt_given_as_weights(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text('name: "LeNet"\nlayer { name: "data" type: "Input" }\n')
    with pytest.raises(FormatError) as caught:
        read_weights_message(path)
    assert str(caught.value) == (
        f"{path}: a net with weights (.caffemodel) is expected here; got a text file (prototxt)"
    )


def test_a_net_without_layers_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "none"
    write_binary(STOCK.NetParameter(name="n"), path)
    with pytest.raises(FormatError, match=r"a net with weights has layers; got none \("):
        read_weights_message(path)


def test_weights_given_as_a_net(tmp_path: Path) -> None:
    path = tmp_path / "net.caffemodel"
    write_binary(old_weights(v0=False), path)
    with pytest.raises(ParseError, match=r"net\.caffemodel:"):
        read_net(path)


def test_written_text_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    net = parse_net('name: "n" layer { type: "ReLU" relu_param { negative_slope: 0.1 } }').message
    write_text(net, path)
    assert read_net(path).message == net
    assert path.read_text().splitlines()[0] == 'name: "n"'


def test_refusals_of_the_upgrade_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text("layer { }\nlayers { }")
    with pytest.raises(NetError, match=f"{path}:2:1: the layers of a net"):
        read_net(path)
