"""The stock schema against the list of Caffe's fields, and what is generated from it against its source."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import cortado.proto.schema
from cortado.proto import Schema
from cortado.proto.compile import compile_proto

PROTO = Path(cortado.proto.schema.__file__).parent
FACTS = (Path(__file__).parents[1] / "reference" / "caffe_fields.txt").read_text().splitlines()[1:]
FIELDS = [line.split(" ", 5) for line in FACTS if not line.startswith("enum ")]
ENUMS = [line.split() for line in FACTS if line.startswith("enum ")]
LABELS = {1: "optional", 2: "required", 3: "repeated"}


def descriptors() -> dict[str, Any]:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

    file = FileDescriptorProto.FromString((PROTO / "caffe.desc").read_bytes())
    return {message.name: message for message in file.message_type}


def described(field: Any) -> tuple[str, str, str, str]:
    kind = field.type_name.rpartition(".")[2] or type(field).Type.Name(field.type).removeprefix("TYPE_").lower()
    label = "packed" if field.options.packed else LABELS[field.label]
    return field.name, str(field.number), label, kind


def test_every_field_has_its_number_label_and_type() -> None:
    messages = descriptors()
    for message, name, number, label, kind, _ in FIELDS:
        found = {field.name: described(field) for field in messages[message].field}
        assert found[name] == (name, number, label, kind)


def test_there_are_no_other_messages_or_fields() -> None:
    got = {(message.name, field.name) for message in descriptors().values() for field in message.field}
    assert got == {(message, name) for message, name, *_ in FIELDS}
    assert len(got) == 423
    assert len(descriptors()) == 63


def test_every_default() -> None:
    for message, name, _, _, kind, default in FIELDS:
        field = Schema.stock().message(message).DESCRIPTOR.fields_by_name[name]
        if default == "-":
            assert not field.has_default_value
            continue
        got = field.default_value
        if field.enum_type is not None:
            got = field.enum_type.values_by_number[got].name
        want: object = default.strip("'\"")
        if kind in ("float", "int32", "uint32", "int64"):
            want, got = pytest.approx(float(default), rel=1e-6), float(got)
        if kind == "bool":
            want = default == "true"
        assert got == want, (message, name)


def enum_values() -> Iterator[tuple[str, str, int]]:
    file = Schema.stock().DESCRIPTOR
    enums = [*file.enum_types_by_name.values()]
    for message in file.message_types_by_name.values():
        enums += message.enum_types
    for enum in enums:
        for value in enum.values:
            yield enum.full_name.removeprefix("caffe."), value.name, value.number


def test_every_enum_value() -> None:
    assert set(enum_values()) == {(enum, name, int(number)) for _, enum, name, number in ENUMS}


def test_the_descriptor_and_the_stubs_are_those_of_the_source() -> None:
    pytest.importorskip("grpc_tools")
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

    descriptor, stub = compile_proto(PROTO / "caffe.proto")
    committed = (PROTO / "caffe.desc").read_bytes()
    assert FileDescriptorProto.FromString(committed) == FileDescriptorProto.FromString(descriptor)
    assert committed_names((PROTO / "caffe_pb2.pyi").read_text()) == committed_names(stub)


def committed_names(stub: str) -> list[str]:
    """The lines that declare fields: the rest differs between versions of the generator."""
    return [line.strip() for line in stub.splitlines() if line.startswith(("class ", "    ")) and "(" not in line]


def test_every_message_is_commented() -> None:
    lines = (PROTO / "caffe.proto").read_text().splitlines()
    for before, line in pairwise(lines):
        if line.startswith("message "):
            assert before.startswith("//"), line
