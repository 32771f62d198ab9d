from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from cortado.errors import FormatError
from cortado.proto import Schema, array_to_blob, binary, parse_binary, read_binary, wire, write_binary

STOCK = Schema.stock()


def a_net() -> Any:
    net = STOCK.NetParameter(name="lenet")
    for name in ("conv1", "ip1"):
        array_to_blob(np.ones((4, 5), np.float32), net.layer.add(name=name, type="Convolution").blobs.add())
    return net


def a_state() -> Any:
    state = STOCK.SolverState(iter=7, learned_net="lenet_iter_7.caffemodel", current_step=1)
    array_to_blob(np.ones(9, np.float32), state.history.add())
    return state


def a_mean() -> Any:
    return STOCK.BlobProto(num=1, channels=1, height=1, width=3, data=[1, 2, 3])


def a_datum() -> Any:
    return STOCK.Datum(channels=1, height=1, width=3, data=b"abc", label=3)


def refusal(data: bytes, name: str = "NetParameter") -> str:
    with pytest.raises(FormatError) as caught:
        parse_binary(data, STOCK.message(name), "x.caffemodel")
    return str(caught.value).removeprefix("x.caffemodel: ")


NET_WANTED = "a net with weights (.caffemodel) is expected here; got "


@pytest.mark.parametrize("message", [a_net(), a_state(), a_mean(), a_datum()])
def test_each_kind_is_read_and_known(message: Any) -> None:
    data = message.SerializeToString()
    assert parse_binary(data, type(message), "x") == message
    assert wire.kind_of(data) == type(message).DESCRIPTOR.name


@pytest.mark.parametrize(
    ("given_message", "name"),
    [
        (a_state(), "a solver state (.solverstate)"),
        (a_mean(), "a single blob (such as a mean file)"),
        (a_datum(), "a single Datum (a record of a database)"),
    ],
)
def test_other_kinds_given_as_weights(given_message: Any, name: str) -> None:
    assert refusal(given_message.SerializeToString()) == NET_WANTED + name


def test_weights_given_as_other_kinds() -> None:
    got = refusal(a_net().SerializeToString(), "SolverState")
    assert got == "a solver state (.solverstate) is expected here; got a net with weights (.caffemodel)"
    old = STOCK.NetParameter(name="old")
    old.layers.add(name="a")
    assert wire.kind_of(old.SerializeToString()) == "NetParameter"
    assert "got a net with weights" in refusal(old.SerializeToString(), "BlobProto")


def test_an_empty_file() -> None:
    assert refusal(b"") == "the file is empty"


def test_a_file_that_is_cut_off() -> None:
    data = a_net().SerializeToString()
    got = refusal(data[:-10])
    body = a_net().layer[1].ByteSize()
    assert got == (
        f"the file is cut off at byte {len(data) - 10}: field 100 needs {body} bytes, and {body - 10} are left"
        " (copy or download it again)"
    )


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"PK\x03\x04", "a zip archive"),
        (b"<!DOCTYPE html><html>", "a web page (the download failed)"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\n",
         "a Git LFS pointer, not the file itself (run 'git lfs pull')"),
        (b'name: "LeNet"\nlayer {\n  name: "data"\n}\n', "a text file (prototxt)"),
        (b"#" * 4000 + b"\n" + b"# \n" * 20, "a text file"),
        (b'# a comment\n\nlayers { layer { name: "x" } }\n', "a text file (prototxt)"),
        (b"Lorem ipsum dolor sit amet", "a text file"),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
         "bytes that are not a NetParameter: at byte 0, a number is longer than 10 bytes"),
        (b"\x00\x01\x02", "bytes that are not a NetParameter: at byte 0, no field has this number"),
        (b"\x0b\x01\x02", "bytes that are not a NetParameter: at byte 0, wire type 3 is not used by Caffe"),
        (b"\xa2\x06\x02\xff\xff", "bytes that are not a NetParameter: a field inside is damaged"),
    ],
)  # fmt: skip
def test_what_is_no_protobuf(head: bytes, name: str) -> None:
    assert refusal(head) == NET_WANTED + name


def test_names_that_are_not_text_are_refused() -> None:
    assert "got bytes that are not a NetParameter: its names are not text" in refusal(b"\x0a\x02\xff\xfe")


def test_a_known_number_with_another_wire_type_is_an_unknown_field() -> None:
    layer = STOCK.LayerParameter(name="l").SerializeToString() + bytes([0x98, 0x09, 0x02])  # 147 as a number
    net = parse_binary(b"\xa2\x06" + bytes([len(layer)]) + layer, STOCK.NetParameter, "x")
    assert net.layer[0].name == "l"
    assert not net.layer[0].HasField("swish_param")


def test_large_files_are_read_field_by_field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net"
    for message in (a_net(), a_state()):
        write_binary(message, path)
        whole = read_binary(path, type(message))
        with monkeypatch.context() as patch:
            patch.setattr(binary, "AT_ONCE", 0)
            assert read_binary(path, type(message)) == whole == message


def test_errors_are_the_same_field_by_field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net"
    cases = [a_state().SerializeToString(), a_net().SerializeToString()[:-10]]
    for data in [*cases, b"Lorem ipsum", b"", b"\xa2\x06\x02\xff\xff"]:
        path.write_bytes(data)
        monkeypatch.setattr(binary, "AT_ONCE", 0)
        with pytest.raises(FormatError) as caught:
            read_binary(path, STOCK.NetParameter)
        assert str(caught.value).removeprefix(f"{path}: ") == refusal(data)


def test_more_than_protobuf_can_read_is_said_before_reading(tmp_path: Path) -> None:
    path = tmp_path / "huge.caffemodel"
    with path.open("wb") as file:
        file.write(b"\xa2\x06\x80\x80\x80\x80\x10")  # a layer of 4 GiB
        os.truncate(file.fileno(), 2**32 + 7)
    with pytest.raises(FormatError) as caught:
        read_binary(path, STOCK.NetParameter)
    assert str(caught.value) == (
        f"{path}: protobuf reads at most 2147483647 bytes in one piece; got field 100 with 4294967296 bytes"
        " (store the weights as HDF5, which has no such limit)"
    )


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for name in ("NetParameter", "BlobProto", "Datum", "LayerParameter"):
        with suppress(FormatError):
            parse_binary(data, STOCK.message(name), "x")


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 200), st.integers(0, 255))
def test_a_damaged_net_is_read_or_refused(at: int, value: int) -> None:
    data = bytearray(a_net().SerializeToString())
    data[at % len(data)] = value
    with suppress(FormatError):
        parse_binary(bytes(data), STOCK.NetParameter, "x")
