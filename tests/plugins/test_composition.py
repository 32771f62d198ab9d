from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import cortado
from cortado.errors import ParseError, PluginError
from cortado.plugins import Float, Message, Parameters, PluginManager, Provider
from cortado.plugins.dialects import parse_net_text


def declare(field: str, number: int, message: str, **fields: Any) -> type[Parameters]:
    return type(message, (Parameters,), fields or {"x": Float(1)}, field=field, number=number)


def add(manager: PluginManager, name: str, version: str, *parameters: type[Parameters]) -> None:
    """Register a plugin with a layer for each of *parameters*, called ``Name0``, ``Name1`` …."""
    layers = [
        type("L", (cortado.Layer,), {"type": f"{name.capitalize()}{i}", "parameters": p})
        for i, p in enumerate(parameters)
    ]
    plugin = SimpleNamespace(cortado_layers=cortado.hookimpl(lambda: layers))
    manager.register(plugin, name, Provider(name, f"{name}-layers", version))


def test_everybody_s_fields_are_in_one_schema(manager: PluginManager) -> None:
    add(manager, "acme", "1.0", declare("acme_param", 82006101, "AcmeParameter"))
    add(manager, "other", "2.0", declare("other_param", 82006102, "OtherParameter"))
    schema = manager.schema()
    assert schema.provider_of("LayerParameter", "acme_param") == "acme-layers 1.0"
    assert schema.provider_of("LayerParameter", "other_param") == "other-layers 2.0"
    assert not manager.refused


@pytest.mark.parametrize(
    ("theirs", "what"),
    [
        (
            declare("acme_param", 82006102, "OtherParameter"),
            "LayerParameter.acme_param is already a field of acme-layers 1.0",
        ),
        (
            declare("other_param", 82006101, "OtherParameter"),
            "number 82006101 of LayerParameter is already acme_param of acme-layers",
        ),
        (
            declare("other_param", 82006102, "AcmeParameter"),
            "the message AcmeParameter is already one of acme-layers 1.0",
        ),
    ],
)
def test_a_clash_takes_both_sides_out_and_is_told_where_they_are_used(
    manager: PluginManager, theirs: type[Parameters], what: str
) -> None:
    add(
        manager,
        "acme",
        "1.0",
        declare("acme_param", 82006101, "AcmeParameter"),
        declare("fine_param", 82006103, "FineParameter"),
    )
    add(manager, "other", "2.0", theirs)
    names = set(manager.schema().message("LayerParameter").DESCRIPTOR.fields_by_name)
    assert "fine_param" in names
    assert not {"acme_param", "other_param"} & names
    with pytest.raises(PluginError) as caught:
        manager.get("layers", "Acme0", who="layer 'a'")
    assert (
        f"layer 'a': the parameters of layer type 'Acme0' (acme-layers 1.0) cannot be used: other-layers 2.0: {what}"
        in str(caught.value)
    )
    assert manager.get("layers", "Acme1")
    assert manager.get("layers", "ReLU"), "nobody else is concerned"
    with pytest.raises(ParseError, match=r"1:23: LayerParameter has no field 'acme_param' \(other-layers 2.0: "):
        parse_net_text('layer { type: "Acme0" acme_param { x: 1 } }', "net.prototxt", manager)
    manager.unregister("other")
    assert manager.get("layers", "Acme0")


def test_a_field_that_stock_caffe_has_is_refused(manager: PluginManager) -> None:
    add(manager, "acme", "1.0", declare("pooling_param", 82006101, "AcmeParameter"))
    add(manager, "other", "1.0", declare("my_param", 121, "MyParameter"))
    with pytest.raises(PluginError, match=r"LayerParameter.pooling_param is already a field of stock Caffe"):
        manager.get("layers", "Acme0")
    with pytest.raises(PluginError, match=r"number 121 of LayerParameter is already pooling_param of stock Caffe"):
        manager.get("layers", "Other0")


def test_a_message_that_does_not_exist_is_the_fault_of_its_plugin_alone(manager: PluginManager) -> None:
    bad = declare("acme_param", 82006101, "AcmeParameter", filler=Message(1, "FilerParameter"))
    add(manager, "acme", "1.0", bad)
    add(manager, "other", "1.0", declare("other_param", 82006102, "OtherParameter"))
    with pytest.raises(PluginError, match=r"cannot be used: acme-layers 1.0: .*FilerParameter"):
        manager.get("layers", "Acme0")
    assert manager.get("layers", "Other0")


def test_two_layers_may_share_a_declaration_also_across_plugins(manager: PluginManager) -> None:
    shared = declare("acme_param", 82006101, "AcmeParameter")
    add(manager, "acme", "1.0", shared, shared)
    add(manager, "other", "1.0", shared)
    assert manager.schema().provider_of("LayerParameter", "acme_param") == "acme-layers 1.0"
    assert manager.get("layers", "Acme1")
    assert manager.get("layers", "Other0")
    assert not manager.refused


def test_a_field_that_belongs_to_no_class(manager: PluginManager) -> None:
    augmentation = declare("augmentation_param", 82006104, "AugmentationParameter")
    plugin = SimpleNamespace(cortado_parameters=cortado.hookimpl(lambda: [augmentation]))
    manager.register(plugin, "acme")
    assert "augmentation_param" in manager.schema().message("LayerParameter").DESCRIPTOR.fields_by_name
    assert manager.get("parameters", "augmentation_param").item is augmentation


def test_messages_of_a_dialect_are_understood_however_many_schemas_were_made_since(manager: PluginManager) -> None:
    import gc

    from cortado.proto import Addition, Schema, field

    text = """layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 4 dim: 2 dim: 2 } } }
              layer { name: "r" type: "Reorg" bottom: "x" top: "y" reorg_param { stride: 2 } }"""
    message = parse_net_text(text, "net.prototxt", manager).message
    for number in range(60):
        Schema.compose([Addition(f"p{number}", fields={"LayerParameter": (field(f"f{number}", 90_000_000 + number),)})])
    gc.collect()
    assert cortado.Net(message, plugins=manager).blobs["y"].shape == (1, 16, 1, 1)
