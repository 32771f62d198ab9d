"""Tables: the language they are written in, and that every one of them can be used."""

from __future__ import annotations

import pytest

from cortado.dialects import Dialect, Table, combine, merge
from cortado.errors import PluginError
from cortado.plugins import plugin_manager
from cortado.proto import Addition, Schema, field, parse_text

DIALECTS = [entry.item for entry in plugin_manager().registry("dialects").all()]
STOCK = Schema.stock()


def fields_of(schema: Schema, message: str) -> dict[str, int]:
    return {f.name: f.number for f in schema.message(message).DESCRIPTOR.fields}


def read(schema: Schema, text: str, message: str = "LayerParameter"):
    return parse_text(text, schema.message(message), "net.prototxt").message


def test_the_language():
    table = Table(
        "ours",
        """
        message TwistParameter {  // of ours
          enum Way { LEFT = 0; RIGHT = 3; }
          float angle = 1 [default = 0.5]; repeated uint32 turn = 2 [packed = true]; Way way = 3 [default = RIGHT];
          required string name = 4; message Inner { bool on = 1; } Inner inner = 5; double guess = ?;
        }
        extend LayerParameter { TwistParameter twist_param = 990; }
        extend enum LossParameter.NormalizationMode { LOUD = 9; }
        open message VagueParameter { }
        extend LayerParameter { VagueParameter vague_param = ?; }
        layer Twist twist_param;
        layer Plain;
        v1 TWISTED Twist;
        extend enum V1LayerParameter.LayerType { TWISTED = 77; }
        """,
    )
    assert table.layers == {"Twist": ("twist_param",), "Plain": ()}
    assert ("LayerParameter", "twist_param") in table.names
    assert ("TwistParameter.Way", "RIGHT") in table.names
    assert ("LossParameter.NormalizationMode", "LOUD") in table.names
    schema = combine(STOCK, [table])
    layer = read(
        schema, 'twist_param { name: "x" turn: 1 turn: 2 inner { on: true } } loss_param { normalization: LOUD }'
    )
    assert (layer.twist_param.angle, layer.twist_param.way, layer.loss_param.normalization) == (0.5, 3, 9)
    assert fields_of(schema, "LayerParameter")["twist_param"] == 990
    assert fields_of(schema, "TwistParameter")["guess"] >= 100_000_000
    document = parse_text(
        "vague_param { anything: 1 at_all { x: 2 } }", schema.message("LayerParameter"), "net.prototxt"
    )
    assert document.message.HasField("vague_param")
    assert schema.provider_of("LayerParameter.twist_param") == "dialect ours"


def test_stock_fields_keep_their_names_where_a_fork_takes_their_numbers():
    table = Table("ours", "extend LayerParameter { string tune = 110; float loss_weight = 5; }")
    schema = combine(STOCK, [table])
    numbers = fields_of(schema, "LayerParameter")
    assert (numbers["tune"], numbers["loss_weight"]) == (110, 5)
    taken = next(name for name, number in fields_of(STOCK, "LayerParameter").items() if number == 110)
    assert numbers[taken] > 200_000_000
    assert not read(schema, 'tune: "a"').HasField(taken)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("masage A { }", "begins a statement"),
        ("message A {", "ends in the middle"),
        ("message A { float x 1; }", "'=' is expected"),
        ("message A { float x = 1 }", "';' is expected"),
        ("message A { float x = 1; } @", "names, numbers, strings"),
    ],
)
def test_mistakes_name_the_table_and_the_line(text, rule):
    with pytest.raises(PluginError, match=rule) as error:
        Table("ours", f"\n{text}").addition  # noqa: B018
    assert "dialect ours" in str(error.value)
    assert "line 2" in str(error.value)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: d.type)
def test_every_dialect_adds_up(dialect):
    schema = combine(STOCK, dialect.tables)
    known = fields_of(schema, "LayerParameter")
    for name, fields in dialect.layer_types().items():
        assert set(fields) <= set(known), name
    assert set(fields_of(STOCK, "LayerParameter")) <= set(known), "no stock name may be lost"
    assert dialect.fork
    assert dialect.size()
    if (dialect.__doc__ or "").strip():
        assert dialect.__doc__ is not Dialect.__doc__
    for scope, name in sorted(n for table in dialect.tables for n in table.names):
        assert dialect.knows(scope, name)
    for name in {name for table in dialect.tables for name in table.addition.type_names}:
        values = schema.V1LayerParameter.DESCRIPTOR.enum_types_by_name["LayerType"].values_by_name
        assert name in values, name


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: d.type)
def test_bytes_of_stock_fields_of_other_numbers_stay_readable(dialect):
    """A layer that uses only stock fields reads the same from text with any dialect."""
    text = """name: "x" type: "Convolution" bottom: "a" top: "b" param { lr_mult: 2 }
        convolution_param { num_output: 3 bias_term: false pad: 1 group: 1 } loss_weight: 2 phase: TEST"""
    if dialect.type == "c3d_v10":
        pytest.skip("its convolution_param has another pad")
    layer, stock = (read(schema, text) for schema in (combine(STOCK, dialect.tables), STOCK))
    assert (layer.convolution_param.num_output, list(layer.loss_weight)) == (3, [2.0])
    assert str(layer) == str(stock)


def test_a_plugins_field_wins_and_both_stay():
    ours = Addition("ours", fields={"LayerParameter": (field("twist", 5151, "float"),)})
    base = Schema.compose([ours])
    table = Table("fork", "extend LayerParameter { string twist = 991; float turn = 992; }")
    schema = combine(base, [table])
    assert (fields_of(schema, "LayerParameter")["twist"], read(schema, "twist: 1.5 turn: 2").twist) == (5151, 1.5)


def test_colliding_numbers_are_refused_exactly_and_moved_in_a_merger():
    a = Table("a", "message AParameter { float x = 1; } extend LayerParameter { AParameter a_param = 990; }")
    b = Table("b", "message BParameter { float y = 1; } extend LayerParameter { BParameter b_param = 990; }")
    with pytest.raises(PluginError, match="990"):
        combine(STOCK, [a, b])
    schema = merge(STOCK, [a, b])
    assert fields_of(schema, "LayerParameter")["a_param"] == 990
    assert fields_of(schema, "LayerParameter")["b_param"] >= 300_000_000
    layer = read(schema, "a_param { x: 1 } b_param { y: 2 }")
    assert (layer.a_param.x, layer.b_param.y) == (1, 2)


def test_all_dialects_can_be_merged():
    schema = merge(STOCK, [table for dialect in DIALECTS for table in dialect.tables])
    numbers = [f.number for f in schema.LayerParameter.DESCRIPTOR.fields]
    assert len(set(numbers)) == len(numbers)
    for dialect in DIALECTS:
        for scope, name in (n for table in dialect.tables for n in table.names if "." not in n[0]):
            assert name in fields_of(schema, scope), (dialect.type, scope, name)


def test_a_merger_unites_messages_of_one_name():
    a = Table("a", "message P { enum K { U = 0; } K k = 1; float x = 2; } extend LayerParameter { P p = 990; }")
    b = Table("b", "message P { enum K { U = 0; V = 1; } K k = 1; float y = 2; } extend LayerParameter { P p = 990; }")
    schema = merge(STOCK, [a, b])
    layer = read(schema, "p { k: V x: 1 y: 2 }")
    assert (layer.p.k, layer.p.x, layer.p.y) == (1, 1, 2)
