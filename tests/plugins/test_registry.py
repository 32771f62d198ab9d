from __future__ import annotations

import re
from typing import Any

import click
import pytest

from cortado import Layer
from cortado.errors import PluginError, UnknownLayerError
from cortado.plugins import KINDS, Provider, Registry

LAYERS = KINDS["layers"]
CORTADO = Provider("cortado.layers.relu", "cortado", "0.1", builtin=True)
ACME = Provider("acme", "acme-layers", "1.2")
OTHER = Provider("other", "other-layers", "3.0")


def layer(name: str) -> type[Layer]:
    return type(name, (Layer,), {"type": name})


@pytest.fixture
def registry() -> Registry:
    registry = Registry(LAYERS)
    registry.add([layer("ReLU"), layer("TanH")], CORTADO)
    return registry


def test_entries_are_found_by_name_and_by_distribution(registry: Registry) -> None:
    assert registry.names() == ["ReLU", "TanH"]
    entry = registry.get("ReLU")
    assert (entry.name, entry.provider) == ("ReLU", CORTADO)
    assert registry.get("cortado/ReLU") is entry
    assert str(entry.provider) == "cortado 0.1"


def test_an_unknown_name_is_answered_with_the_nearest_and_with_advice(registry: Registry) -> None:
    with pytest.raises(UnknownLayerError, match=r"unknown layer type 'Relu' \(did you mean 'ReLU'\?\)"):
        registry.get("Relu")
    with pytest.raises(UnknownLayerError, match=r"'Relu' \(did you mean 'ReLU'\?; plugin x is broken\)"):
        registry.get("Relu", advice=lambda: "plugin x is broken")
    with pytest.raises(
        UnknownLayerError, match=r"net.prototxt: layer 'a': unknown layer type 'Zz' \(known: ReLU, TanH\)"
    ):
        registry.get("Zz", where="net.prototxt", who="layer 'a'")


def test_many_known_names_are_cut_short() -> None:
    registry = Registry(LAYERS)
    registry.add([layer(f"L{i:02}") for i in range(30)], ACME)
    with pytest.raises(UnknownLayerError, match=r"known: L00, .*, L11, …\)$"):
        registry.get("something else")


def test_a_clash_names_both_packages_and_the_way_to_choose(registry: Registry) -> None:
    registry.add([layer("ReLU")], ACME)
    with pytest.raises(PluginError) as caught:
        registry.get("ReLU", where="net.prototxt")
    assert str(caught.value) == (
        "net.prototxt: layer type 'ReLU' is provided by cortado 0.1 and acme-layers 1.2 "
        "(write 'acme-layers/ReLU', or disable one of them)"
    )
    assert registry.get("acme-layers/ReLU").provider is ACME
    assert registry.get("acme/ReLU").provider is ACME
    assert registry.get("cortado/ReLU").provider is CORTADO
    assert registry.get("TanH").provider is CORTADO, "the other types are not concerned"
    assert list(registry.clashes()) == ["ReLU"]


def test_two_plugins_of_one_distribution_are_told_apart_by_their_own_names() -> None:
    registry = Registry(LAYERS)
    one, two = Provider("one", "acme", "1.0"), Provider("two", "acme", "1.0")
    registry.add([layer("X")], one)
    registry.add([layer("X")], two)
    with pytest.raises(PluginError, match="write 'two/X'"):
        registry.get("X")
    assert registry.get("two/X").provider is two


def test_the_same_class_from_two_plugins_is_no_clash(registry: Registry) -> None:
    shared = layer("Shared")
    registry.add([shared], ACME)
    registry.add([shared], OTHER)
    assert registry.get("Shared").provider is ACME


def test_removing_a_provider_leaves_the_others(registry: Registry) -> None:
    registry.add([layer("ReLU"), layer("Own")], ACME)
    registry.remove(ACME)
    assert registry.names() == ["ReLU", "TanH"]
    assert registry.get("ReLU").provider is CORTADO


@pytest.mark.parametrize(
    ("contribution", "message"),
    [
        (None, "cortado_layers() must return a list of classes or a mapping from names; got None"),
        ("ReLU", "must return a list of classes or a mapping from names; got 'ReLU'"),
        (Layer, "must return a list of classes or a mapping from names; got <class"),
        (3, "must return a list of classes or a mapping from names; got 3"),
        ([object], "must return subclasses of cortado.Layer; got <class 'object'>"),
        ([object()], "must return subclasses of cortado.Layer; got <object"),
        ({"X": 1}, "must return subclasses of cortado.Layer; got 1"),
        ([layer("")], "must return classes that name themselves in a class attribute 'type'; got '' for"),
        ([type("T", (Layer,), {"type": 7})], "name themselves in a class attribute 'type'; got 7 for"),
        ({"a/b": layer("b")}, "name themselves in a class attribute 'type'; got 'a/b' for"),
        ([layer("X"), layer("X")], "must give each name once; got 'X' for"),
    ],
)
def test_nonsense_is_refused_in_the_name_of_its_plugin(registry: Registry, contribution: Any, message: str) -> None:
    with pytest.raises(PluginError, match=re.escape(message)) as caught:
        registry.add(contribution, ACME)
    assert "plugin 'acme' (acme-layers 1.2): cortado_layers()" in str(caught.value)
    assert registry.names() == ["ReLU", "TanH"], "nothing was added"


def test_kinds_of_objects_take_what_has_the_right_attribute() -> None:
    registry = Registry(KINDS["commands"])
    hello = click.Command("hello")
    registry.add({"hello": hello}, ACME)
    assert registry.get("hello").item is hello
    with pytest.raises(PluginError, match=r"cortado_commands\(\) must return click commands; got 1"):
        registry.add({"one": 1}, ACME)
    with pytest.raises(PluginError, match=r"cortado_engines\(\) must return callables that make an engine; got 1"):
        Registry(KINDS["engines"]).add({"one": 1}, ACME)


def test_mappings_give_a_class_another_name(registry: Registry) -> None:
    registry.add({"Alias": layer("Name")}, ACME)
    assert registry.get("Alias").item.type == "Name"
    assert "Name" not in registry.names()
