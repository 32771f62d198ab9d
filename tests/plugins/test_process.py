from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import cortado
from cortado.errors import PluginError
from cortado.plugins import Float, Parameters, PluginManager, plugin_manager, register, unregister, use_plugin_manager


@pytest.fixture(autouse=True)
def own() -> Iterator[PluginManager]:
    """The process's manager is a fresh one during the test."""
    manager = PluginManager(external=False)
    before = use_plugin_manager(manager)
    yield manager
    use_plugin_manager(before)


class CubeParameter(Parameters, field="cube_param", number=81_000_010):
    scale = Float(1, default=1, doc="what the cube is multiplied by")


class Cube(cortado.Layer):
    type = "Cube"
    parameters = CubeParameter

    def reshape(self, bottom: Any, top: Any) -> None:
        top[0].reshape_like(bottom[0])

    def forward(self, bottom: Any, top: Any) -> None:
        top[0].data[...] = self.param.scale * bottom[0].data ** 3


def test_a_class_of_a_script_works_in_a_net_at_once(own: PluginManager, tmp_path: Any) -> None:
    assert plugin_manager() is own
    own.schema()
    assert register(Cube) is Cube
    path = tmp_path / "net.prototxt"
    path.write_text("""
        layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 } } }
        layer { name: "cube" type: "Cube" bottom: "x" top: "y" cube_param { scale: 2 } }""")
    np.testing.assert_array_equal(cortado.Net(path)(x=[1, 2])["y"], [2, 16])
    unregister(Cube)
    with pytest.raises(cortado.CortadoError, match="no field 'cube_param'"):
        cortado.Net(path)


def test_as_a_decorator_again_and_again_as_in_a_notebook(own: PluginManager) -> None:
    for _ in range(2):

        @cortado.register
        class Square(cortado.Layer):
            type = "Square"

        assert own.get("layers", "Square").item is Square


@pytest.mark.parametrize("base", ["Optimizer", "Regularizer", "LearningRatePolicy", "Callback"])
def test_every_kind_of_class(own: PluginManager, base: str) -> None:
    import cortado.solver

    thing = type("Thing", (getattr(cortado.solver, base),), {"type": "thing"})
    register(thing)
    assert own.get(thing.plugin_kind, "thing").item is thing  # type: ignore[attr-defined]


def test_parameters_alone_and_objects_with_hooks(own: PluginManager) -> None:
    register(CubeParameter)
    assert "cube_param" in own.schema().message("LayerParameter").DESCRIPTOR.fields_by_name
    plugin = SimpleNamespace(__name__="mine", cortado_layers=cortado.hookimpl(lambda: [Cube]))
    register(plugin)
    assert own.get("layers", "Cube").provider.plugin == "mine"
    unregister(plugin)
    assert "Cube" not in own.registry("layers").names()


@pytest.mark.parametrize("thing", [object, 3, "Cube", object()])
def test_anything_else_is_refused(thing: Any) -> None:
    with pytest.raises(PluginError, match=r"register\(\) takes a subclass of Layer, Filler, Optimizer …"):
        register(thing)


def test_a_class_without_a_name_is_refused() -> None:
    with pytest.raises(PluginError, match=r"names itself in a class attribute 'type'"):
        register(type("Nameless", (cortado.Layer,), {}))


def test_unregistering_what_was_never_registered() -> None:
    with pytest.raises(PluginError, match="no plugin is called"):
        unregister(Cube)
