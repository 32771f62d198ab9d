from __future__ import annotations

from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

from cortado.errors import PluginError
from cortado.plugins import Parameters, Provider
from cortado.plugins.composition import compose
from cortado.proto import addition, parse_text

BOX = addition.message("Box", addition.field("x", 1, "float", default=2.5), addition.field("unit", 2, ".mine.Unit"))
BOXES = addition.message("BoxParameter", addition.field("box", 1, ".mine.Box", repeated=True))
UNUSED = addition.message("Unused", addition.field("x", 1))


def file() -> FileDescriptorProto:
    """What protoc makes of a file with package ``mine``."""
    enum = addition.enum("Unit", PIXEL=0, METRE=1)
    made = FileDescriptorProto(name="mine.proto", package="mine", message_type=[BOX, BOXES, UNUSED], enum_type=[enum])
    made.message_type[0].field[1].type = made.message_type[0].field[1].TYPE_ENUM
    made.message_type[1].field[0].type = made.message_type[1].field[0].TYPE_MESSAGE
    return made


def read(declared: Any, text: str) -> Any:
    schema, refused = compose([(declared, Provider("p", "p"))])
    assert not refused
    layer: Any = parse_text(text, schema.message("LayerParameter"), "x").message
    return layer


def forms(tmp_path: Path) -> list[Any]:
    whole = FileDescriptorSet(file=[file()]).SerializeToString()
    path = tmp_path / "mine.desc"
    path.write_bytes(whole)
    pool = DescriptorPool()
    pool.Add(file())  # type: ignore[no-untyped-call]
    return [whole, file().SerializeToString(), path, str(path), pool.FindFileByName("mine.proto")]  # type: ignore[no-untyped-call]


def test_every_form_of_descriptor_declares_the_field_with_all_it_uses(tmp_path: Path) -> None:
    for form in forms(tmp_path):
        declared = Parameters.from_descriptor(form, "BoxParameter", field="box_param", number=82006001)
        layer = read(declared, "box_param { box { x: 1 unit: METRE } box { } }")
        assert [(b.x, b.unit) for b in layer.box_param.box] == [(1, 1), (2.5, 0)]
        assert {f.name: f.number for f in layer.DESCRIPTOR.fields}["box_param"] == 82006001
        assert "Unused" not in layer.DESCRIPTOR.file.message_types_by_name


def test_two_fields_may_use_messages_of_one_file() -> None:
    data = file().SerializeToString()
    one = Parameters.from_descriptor(data, "BoxParameter", field="box_param", number=82006001)
    two = Parameters.from_descriptor(data, "Box", field="single_box_param", number=82006002)
    schema, refused = compose([(one, Provider("p", "p")), (two, Provider("p", "p"))])
    assert not refused
    layer: Any = parse_text("single_box_param { x: 3 }", schema.message("LayerParameter"), "x").message
    assert layer.single_box_param.x == 3


def test_a_rule_for_the_whole_message_can_be_added() -> None:
    class Checked(Parameters, field="unused_param", number=82006003):
        @classmethod
        def check(cls, param: Any) -> str | None:
            return None if len(param.box) else "there must be a box"

    declared = Checked.from_descriptor(file().SerializeToString(), "BoxParameter", field="box_param", number=82006001)
    with pytest.raises(Exception, match=r"x:1:1: LayerParameter.box_param: there must be a box"):
        read(declared, "box_param { }")


@pytest.mark.parametrize(
    ("descriptor", "message", "rule"),
    [
        (b"\xff\xff", "Box", "these bytes are no compiled descriptor"),
        (b"", "Box", "these bytes are no compiled descriptor"),
        ("/nowhere/mine.desc", "Box", "cannot read this descriptor: No such file"),
        (ModuleType("mine_pb2"), "Box", "a compiled descriptor is a path, bytes, or the DESCRIPTOR of a module"),
        (SimpleNamespace(serialized_pb=file().SerializeToString()), "Bx", r"has no message 'Bx' \(did you mean 'Box'"),
        (file().SerializeToString(), "Unit", "has no message 'Unit'"),
    ],
)
def test_what_is_no_descriptor(descriptor: Any, message: str, rule: str) -> None:
    with pytest.raises(PluginError, match=rule):
        Parameters.from_descriptor(descriptor, message, field="box_param", number=82006001)
