from __future__ import annotations

import gc
import re

import pytest

from cortado.errors import CortadoError, PluginError
from cortado.proto import Addition, Schema, enum, field, message, parse_text, set_default

ROI = Addition(
    provider="roi 1.0",
    messages=(
        message(
            "ROIPoolingParameter",
            enum("Method", MAX=0, AVE=1),
            field("pooled_h", 1, "uint32", default=7),
            field("method", 2, "Method", default="AVE"),
            field("filler", 3, "FillerParameter"),
            field("scales", 4, "float", repeated=True, packed=True),
            field("exact", 5, "bool", default=True),
            field("name", 6, "string", default="x"),
        ),
    ),
    fields={"LayerParameter": (field("roi_pooling_param", 8266711, "ROIPoolingParameter"),)},
)


def clash(*additions: Addition) -> str:
    with pytest.raises(PluginError) as caught:
        Schema.compose(additions)
    return str(caught.value)


def test_stock_is_built_once_and_has_messages_enums_and_values() -> None:
    stock = Schema.stock()
    assert stock is Schema.stock() is Schema.compose([])
    assert stock.NetParameter is stock.NetParameter is stock.message("NetParameter")
    assert (stock.TRAIN, stock.TEST, stock.Phase.Name(1)) == (0, 1, "TEST")
    assert stock.V1LayerParameter.CONVOLUTION == 4
    assert stock.message("LayerParameter").DESCRIPTOR.full_name == "caffe.LayerParameter"


def test_unknown_names_hint_at_the_nearest() -> None:
    with pytest.raises(CortadoError, match=r"no message 'NetParam' \(did you mean 'NetParameter'\?\)"):
        Schema.stock().message("NetParam")
    with pytest.raises(AttributeError, match="the schema has no 'Nothing'"):
        _ = Schema.stock().Nothing
    assert not hasattr(Schema.stock(), "__wrapped__")


def test_an_addition_parses_from_text_and_keeps_its_number_on_the_wire() -> None:
    schema = Schema.compose([ROI])
    text = "roi_pooling_param { pooled_h: 3 filler { std: 2 } scales: [0.5, 2] }"
    layer = parse_text(text, schema.message("LayerParameter"), "x").message
    param = layer.roi_pooling_param  # type: ignore[attr-defined]
    assert (param.pooled_h, param.method, param.filler.std, list(param.scales)) == (3, 1, 2.0, [0.5, 2.0])
    assert (param.exact, param.name) == (True, "x")
    assert layer.SerializeToString().startswith(bytes([0xBA, 0xBD, 0xC4, 0x1F]))  # 8266711 << 3 | 2
    again = schema.LayerParameter.FromString(layer.SerializeToString())
    assert again == layer
    stock = Schema.stock().LayerParameter.FromString(layer.SerializeToString())
    assert stock.SerializeToString() == layer.SerializeToString()


def test_schemas_with_equal_additions_are_one() -> None:
    assert Schema.compose([ROI]) is Schema.compose([ROI])
    assert Schema.compose([ROI]) is not Schema.stock()
    assert not hasattr(Schema.stock().LayerParameter(), "roi_pooling_param")


def test_provider_of_messages_and_fields() -> None:
    schema = Schema.compose([ROI])
    assert schema.provider_of("ROIPoolingParameter") == "roi 1.0"
    assert schema.provider_of("ROIPoolingParameter", "pooled_h") == "roi 1.0"
    assert schema.provider_of("LayerParameter", "roi_pooling_param") == "roi 1.0"
    assert schema.provider_of("LayerParameter", "relu_param") == schema.provider_of("LayerParameter") == "stock Caffe"


def test_of_finds_the_schema_of_a_message() -> None:
    schema = Schema.compose([ROI])
    assert Schema.of(schema.LayerParameter()) is Schema.of(schema.LayerParameter) is schema
    assert Schema.of(Schema.stock().NetParameter()) is Schema.stock()
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto

    assert Schema.of(FieldDescriptorProto()) is None


def test_forgotten_schemas_are_freed_but_messages_stay_usable() -> None:
    kept = None
    for number in range(200, 280):
        schema = Schema.compose([Addition(provider="p", fields={"LayerParameter": (field("f", number, "int32"),)})])
        kept = kept or schema.LayerParameter()
    gc.collect()
    assert kept is not None
    assert kept.DESCRIPTOR.fields_by_name["f"].number == 200


def test_fields_of_any_message_can_be_added_and_enums_extended() -> None:
    more = Addition(
        provider="more",
        enums=(enum("Kind", A=0, B=5),),
        fields={
            "SolverParameter": (field("min_lr", 50, "float", default=0.5), field("kind", 51, "Kind", default="B")),
            "NetParameter": (field("data_type", 12, "string"),),
        },
        values={"PoolingParameter.PoolMethod": {"RANDOM": 7}, "Phase": {"VAL": 2}},
    )
    schema = Schema.compose([more])
    solver = parse_text("min_lr: 2", schema.SolverParameter, "x").message
    assert (solver.min_lr, solver.kind) == (2.0, 5)  # type: ignore[attr-defined]
    pool = parse_text("pool: RANDOM", schema.message("PoolingParameter"), "x").message
    assert pool.pool == 7  # type: ignore[attr-defined]
    assert schema.VAL == 2
    assert schema.provider_of("PoolingParameter.PoolMethod", "RANDOM") == "more"


def test_replaces_frees_name_and_number() -> None:
    forward = field("forward_type", 147, "string")
    nvidia = Addition("nv", fields={"LayerParameter": (forward,)}, replaces=("LayerParameter.swish_param",))
    layer = Schema.compose([nvidia]).LayerParameter()
    assert not hasattr(layer, "swish_param")
    assert layer.DESCRIPTOR.fields_by_number[147].name == "forward_type"
    loss = "LossParameter.NormalizationMode"
    modes = Addition("intel", values={loss: {"PRE_FIXED": 3, "NONE": 4}}, replaces=(f"{loss}.NONE",))
    assert Schema.compose([modes]).message("LossParameter").DESCRIPTOR.enum_types[0].values_by_number[4].name == "NONE"


def test_a_replaced_field_may_come_back_with_another_number() -> None:
    c3d = Addition(
        "c3d",
        fields={"BlobProto": (field("data", 6, "float", repeated=True, packed=True),)},
        replaces=("BlobProto.data", "BlobProto.diff"),
    )
    assert Schema.compose([c3d]).BlobProto.DESCRIPTOR.fields_by_name["data"].number == 6


def test_two_may_replace_the_same_stock_field_unless_they_clash() -> None:
    one = Addition("one", replaces=("LayerParameter.clip_param",))
    two = Addition(
        "two", fields={"LayerParameter": (field("b", 148, "int32"),)}, replaces=("LayerParameter.clip_param",)
    )
    assert Schema.compose([one, two]).LayerParameter.DESCRIPTOR.fields_by_number[148].name == "b"


def test_clashes_name_both_sides() -> None:
    a = Addition("a", fields={"LayerParameter": (field("x_param", 500, "int32"),)})
    same_name = Addition("b", fields={"LayerParameter": (field("x_param", 501, "int32"),)})
    same_number = Addition("b", fields={"LayerParameter": (field("y_param", 500, "int32"),)})
    assert clash(a, same_name).startswith("b: LayerParameter.x_param is already a field of a; got x_param = 501 (")
    assert clash(a, same_number).startswith(
        "b: number 500 of LayerParameter is already x_param of a; got y_param = 500 ("
    )
    of_stock = Addition("c", fields={"LayerParameter": (field("z", 147, "int32"),)})
    assert "already swish_param of stock Caffe; got z = 147" in clash(of_stock)
    again = Addition("roi 2.0", messages=ROI.messages)
    assert clash(ROI, again).startswith("roi 2.0: the message ROIPoolingParameter is already one of roi 1.0")
    pool = Addition("d", values={"PoolingParameter.PoolMethod": {"MEAN": 1}})
    assert "d: value 1 of PoolingParameter.PoolMethod is already AVE of stock Caffe; got MEAN = 1" in clash(pool)
    name = Addition("d", values={"PoolingParameter.PoolMethod": {"AVE": 9}})
    assert "d: PoolingParameter.PoolMethod.AVE is already a value of stock Caffe; got AVE = 9" in clash(name)


def test_mistakes_in_an_addition_name_its_provider() -> None:
    def of(**parts: object) -> str:
        return clash(ROI, Addition("bad", **parts))  # type: ignore[arg-type]

    got = of(fields={"LayerParam": (field("a", 500),)})
    assert got == "bad: 'fields' names a message of the schema; got 'LayerParam' (did you mean 'LayerParameter'?)"
    assert of(values={"PoolMethod": {"A": 9}}).startswith("bad: 'values' names an enum of the schema; got 'PoolMethod'")
    assert of(replaces=("LayerParameter.x",)) == (
        "bad: 'replaces' names a field or enum value of stock Caffe; got 'LayerParameter.x'"
    )
    assert of(replaces=("LayerParameter.roi_pooling_param",)).startswith("bad: 'replaces' names")
    assert "bad: the number of a field is 1 to 536870911" in of(fields={"LayerParameter": (field("a", 19500),)})
    assert "got 0 for LayerParameter.a" in of(fields={"LayerParameter": (field("a", 0),)})
    missing = of(fields={"LayerParameter": (field("a", 500, "NoSuchParameter"),)})
    assert re.match(r"bad: the additions do not make a schema: .*NoSuchParameter", missing)


def test_a_repeated_field_has_no_default() -> None:
    with pytest.raises(PluginError, match="a repeated field has no default; got default=1 for 'a'"):
        field("a", 1, repeated=True, default=1)


def test_the_default_schema_can_be_set() -> None:
    from cortado.proto import caffe_pb2

    try:
        assert Schema.default() is Schema.stock()
        set_default(Schema.compose([ROI]))
        assert caffe_pb2.LayerParameter is Schema.compose([ROI]).LayerParameter
        set_default(Schema.stock)
        assert Schema.default() is Schema.stock()
    finally:
        set_default(None)


def test_caffe_pb2_is_what_old_scripts_expect() -> None:
    from cortado.proto import caffe_pb2

    net = caffe_pb2.NetParameter(name="n")
    net.layer.add(type="ReLU").include.add(phase=caffe_pb2.TEST)
    assert net.layer[0].include[0].phase == caffe_pb2.Phase.Value("TEST")
    assert caffe_pb2.DESCRIPTOR.package == "caffe"
    assert "BlobProto" in dir(caffe_pb2)
    with pytest.raises(AttributeError, match="caffe_pb2 has no 'Nope'"):
        _ = caffe_pb2.Nope  # type: ignore[attr-defined]
