"""The limits of files, made small, and files that change while they are read."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from cortado.errors import FormatError
from cortado.proto import Schema, array_to_blob, binary, blobs, parse_binary, read, write_binary

SCHEMA = Schema.stock()


def test_a_blob_and_a_file_that_are_too_large_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = SCHEMA.message("BlobProto")()
    monkeypatch.setattr(blobs, "MOST_ELEMENTS", 16)
    text = r"protobuf stores at most 16 bytes in one blob; got 20 for shape \(5,\) \(store the weights as HDF5\)"
    with pytest.raises(FormatError, match=text):
        array_to_blob(np.zeros(5, np.float32), blob)
    blob.data.extend([0.0] * 5)
    monkeypatch.setattr(read, "LARGEST", 10)
    with pytest.raises(FormatError, match=f"{tmp_path}/b: protobuf writes at most 10 bytes in one file; got 22"):
        write_binary(blob, tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_too_large_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary, "LARGEST", 10)
    with pytest.raises(
        FormatError, match="case: protobuf reads at most 10 bytes in one piece; got the file with 11 bytes"
    ):
        parse_binary(bytes(11), SCHEMA.message("BlobProto"), "case")


def test_a_file_that_becomes_shorter_while_it_is_read() -> None:
    field = binary.Field(1, 2, 0, 2, 8)
    with pytest.raises(FormatError, match="case: the file became shorter while it was read"):
        binary._read(BytesIO(b"1234"), 0, field, "case")


def test_names_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(b"\xa2\x06\x06\x0a\x01\xff\x12\x01x")
    with pytest.raises(FormatError, match=f"{tmp_path}/w: the names of layers are text; got other bytes"):
        read.read_weights_message(tmp_path / "w")
