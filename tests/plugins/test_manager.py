from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import cortado
from cortado.errors import CortadoError, FileError, PluginError, UnknownLayerError
from cortado.plugins import Float, Parameters, PluginManager, Provider
from cortado.proto import parse_text

Install = Callable[..., None]
Code = Callable[[str], str]


def test_built_in_things_come_through_the_hooks(manager: PluginManager) -> None:
    entry = manager.get("layers", "Sigmoid")
    assert (entry.provider.plugin, entry.provider.builtin) == ("cortado.layers.sigmoid", True)
    assert entry.provider.version == cortado.__version__
    assert manager.plugins() == []


def test_an_installed_plugin_is_found_with_its_version(install: Install, cube: Code) -> None:
    install("acme-layers", cube("Cube"), version="1.2", entry="acme")
    manager = PluginManager()
    entry = manager.get("layers", "Cube")
    assert entry.provider == Provider("acme", "acme-layers", "1.2")
    assert manager.plugins() == [entry.provider]


def test_a_manager_without_external_plugins_looks_at_none(install: Install) -> None:
    install("acme-layers", "raise SystemExit('must not be imported')")
    manager = PluginManager(external=False)
    assert "Cube" not in manager.registry("layers").names()
    assert not manager.broken


def test_two_distributions_may_use_the_same_entry_point_name(install: Install, cube: Code) -> None:
    install("one", cube("One"), entry="plugin")
    install("two", cube("Two"), entry="plugin")
    manager = PluginManager()
    assert {p.plugin for p in manager.plugins()} == {"one:plugin", "two:plugin"}
    assert manager.get("layers", "One").provider.distribution == "one"
    assert not manager.broken


class TestBroken:
    """A plugin that is broken is named with its version, and only matters where it is missed."""

    @pytest.mark.parametrize(
        ("code", "reason"),
        [
            ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
            ("1 / 0", "ZeroDivisionError: division by zero"),
            ("import sys; sys.exit(3)", "SystemExit: 3"),
            ("def f(:", "SyntaxError: invalid syntax"),
            (
                "import cortado\n@cortado.hookimpl\ndef cortado_layer(): return []",
                "there is no hook cortado_layer() (did you mean 'cortado_layers'?)",
            ),
            (
                "import cortado\n@cortado.hookimpl\ndef cortado_layers(config): return []",
                "Argument(s) {'config'} are declared in the hookimpl but can not be found in the hookspec",
            ),
            ("import cortado\n@cortado.hookimpl\ndef cortado_layers(): return 7", "must return a list of classes"),
            ("import cortado\n@cortado.hookimpl\ndef cortado_layers(): return [object]", "subclasses of cortado.Layer"),
            ("import cortado\n@cortado.hookimpl\ndef cortado_layers(): 1 / 0", "ZeroDivisionError: division by zero"),
            (
                "import cortado\n@cortado.hookimpl(wrapper=True)\ndef cortado_layers(): yield",
                "cortado_layers() collects, and cannot be wrapped",
            ),
        ],
    )
    def test_reported_by_name_and_version(self, install: Install, code: str, reason: str) -> None:
        install("acme-layers", code, version="1.2", entry="acme")
        manager = PluginManager()
        assert manager.get("layers", "ReLU").provider.builtin, "the rest works"
        manager.schema()
        with pytest.raises(UnknownLayerError) as caught:
            manager.get("layers", "Cube")
        assert "plugin 'acme' (acme-layers 1.2)" in str(caught.value)
        assert reason in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_what_it_brings_of_other_kinds_still_works(self, install: Install, cube: Code) -> None:
        code = cube("Cube") + "@cortado.hookimpl\ndef cortado_fillers(): return 7\n"
        install("acme-layers", code)
        manager = PluginManager()
        assert manager.get("layers", "Cube").provider.plugin == "acme-layers"
        with pytest.raises(PluginError, match=r"unknown filler type 'x'.*cortado_fillers"):
            manager.get("fillers", "x")

    def test_a_near_name_does_not_hide_the_broken_plugin(self, install: Install) -> None:
        install("acme-layers", "import nothing_of_this_name")
        with pytest.raises(UnknownLayerError, match=r"did you mean 'ReLU'\?; plugin 'acme-layers' \(acme-layers 1.0\)"):
            PluginManager().get("layers", "ReLUs")


class TestChoosing:
    """The allow list, the off switch, and folders."""

    @pytest.fixture(autouse=True)
    def two(self, install: Install, cube: Code) -> None:
        install("acme-layers", cube("Acme"), entry="acme")
        install("other-layers", cube("Other"), entry="other")

    def found(self, manager: PluginManager) -> set[str]:
        return {"Acme", "Other"} & set(manager.registry("layers").names())

    @pytest.mark.parametrize(
        ("variable", "value", "left"),
        [
            ("CORTADO_PLUGINS", "", set()),
            ("CORTADO_PLUGINS", "acme", {"Acme"}),
            ("CORTADO_PLUGINS", " acme , other-layers", {"Acme", "Other"}),
            ("CORTADO_DISABLE_PLUGINS", "acme", {"Other"}),
            ("CORTADO_DISABLE_PLUGINS", "other-layers,", {"Acme"}),
            ("CORTADO_DISABLE_PLUGINS", "", {"Acme", "Other"}),
        ],
    )
    def test_by_variable(self, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, left: set[str]) -> None:
        monkeypatch.setenv(variable, value)
        manager = PluginManager()
        assert self.found(manager) == left
        assert len(manager.off) == 2 - len(left)

    def test_by_argument_which_goes_before_the_variables(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CORTADO_PLUGINS", "acme")
        assert self.found(PluginManager(only=["other"])) == {"Other"}
        assert self.found(PluginManager(without=["acme"])) == set()
        assert self.found(PluginManager(only=["acme", "other"], without=["acme"])) == {"Other"}

    def test_what_is_off_is_not_imported_and_the_message_says_so(self) -> None:
        manager = PluginManager(without=["acme"])
        with pytest.raises(UnknownLayerError, match=r"switched off: acme \(acme-layers 1.0\)"):
            manager.get("layers", "Acme")
        assert "cortado_test_acme_layers" not in sys.modules

    def test_the_choice_is_made_before_the_first_use(self) -> None:
        manager = PluginManager()
        manager.configure(without=["acme"])
        assert self.found(manager) == {"Other"}
        manager.configure(without=["acme"])
        with pytest.raises(PluginError, match="chosen before the first of them is used"):
            manager.configure(without=[])


class TestFolders:
    """One-file plugins."""

    def test_each_file_is_a_plugin(self, tmp_path: Path, cube: Code) -> None:
        tmp_path.joinpath("cube.py").write_text(cube("Cube"))
        tmp_path.joinpath("_helper.py").write_text("raise Exception")
        tmp_path.joinpath("notes.txt").write_text("raise Exception")
        manager = PluginManager(folders=[tmp_path])
        entry = manager.get("layers", "Cube")
        assert entry.provider == Provider("cube", str(tmp_path / "cube.py"))
        assert not manager.broken

    def test_a_file_may_simply_register(self, tmp_path: Path) -> None:
        code = "import cortado\n@cortado.register\nclass Quick(cortado.Layer):\n    type = 'Quick'\n"
        tmp_path.joinpath("quick.py").write_text(code)
        manager = PluginManager(folders=[tmp_path])
        assert manager.get("layers", "Quick").item.__module__ == "cortado_file_plugins.quick"
        assert "Quick" not in cortado.plugins.plugin_manager().registry("layers").names(), "only where it was loaded"

    def test_by_variable_with_several_folders(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cube: Code
    ) -> None:
        for name in ("one", "two"):
            tmp_path.joinpath(name).mkdir()
            tmp_path.joinpath(name, f"{name}.py").write_text(cube(name.capitalize()))
        import os

        monkeypatch.setenv("CORTADO_PLUGINS_DIR", os.pathsep.join(str(tmp_path / n) for n in ("one", "two")))
        assert {"One", "Two"} <= set(PluginManager().registry("layers").names())

    def test_a_folder_is_wanted_even_with_an_allow_list_but_a_file_can_be_off(self, tmp_path: Path, cube: Code) -> None:
        tmp_path.joinpath("cube.py").write_text(cube("Cube"))
        assert "Cube" in PluginManager(only=[], folders=[tmp_path]).registry("layers").names()
        assert "Cube" not in PluginManager(without=["cube"], folders=[tmp_path]).registry("layers").names()

    def test_a_broken_file_is_named(self, tmp_path: Path) -> None:
        tmp_path.joinpath("cube.py").write_text("1 / 0")
        with pytest.raises(
            UnknownLayerError, match=r"plugin 'cube' \(.*cube.py\) could not be loaded: ZeroDivisionError"
        ):
            PluginManager(folders=[tmp_path]).get("layers", "Cube")

    def test_two_files_of_one_name_cannot_both_be_loaded(self, tmp_path: Path, cube: Code) -> None:
        folders = [tmp_path / "one", tmp_path / "two"]
        for folder in folders:
            folder.mkdir()
            folder.joinpath("cube.py").write_text(cube("Cube"))
        manager = PluginManager(folders=folders)
        assert manager.get("layers", "Cube").provider.distribution == str(folders[0] / "cube.py")
        assert "another plugin has this name" in str(manager.broken["cube"])

    @pytest.mark.parametrize(("name", "why"), [("nothing", "it does not exist"), ("file.txt", "this is a file")])
    def test_a_folder_that_is_none(self, tmp_path: Path, name: str, why: str) -> None:
        tmp_path.joinpath("file.txt").write_text("")
        with pytest.raises(FileError, match=why):
            PluginManager(folders=[tmp_path / name]).registry("layers")


class Cube(cortado.Layer):
    type = "Cube"


def plugin(**hooks: Any) -> SimpleNamespace:
    """An object with hooks that return what is given."""
    return SimpleNamespace(**{name: cortado.hookimpl(lambda value=value: value) for name, value in hooks.items()})


class TestRegister:
    def test_adds_to_registries_that_are_filled_and_takes_out_again(self, manager: PluginManager) -> None:
        before = manager.registry("layers").names()
        manager.register(plugin(cortado_layers=[Cube]), "mine")
        assert manager.get("layers", "Cube").provider.plugin == "mine"
        manager.unregister("mine")
        assert manager.registry("layers").names() == before
        assert manager.plugins() == []

    def test_registering_again_replaces(self, manager: PluginManager) -> None:
        manager.register(plugin(cortado_layers=[Cube]), "mine")
        other = type("Cube", (cortado.Layer,), {"type": "Cube"})
        manager.register(plugin(cortado_layers=[other]), "mine")
        assert manager.get("layers", "Cube").item is other

    def test_a_mistake_is_raised_at_once_and_leaves_nothing(self, manager: PluginManager) -> None:
        manager.registry("layers")
        with pytest.raises(PluginError, match=r"subclasses of cortado.Layer"):
            manager.register(plugin(cortado_layers=[object]), "mine")
        with pytest.raises(PluginError, match=r"no hook cortado_layrs\(\) \(did you mean 'cortado_layers'"):
            manager.register(plugin(cortado_layrs=[Cube]), "mine")
        assert (manager.plugins(), manager.broken) == ([], {})

    def test_unregistering_what_is_not_there(self, manager: PluginManager) -> None:
        manager.register(plugin(cortado_layers=[Cube]), "mine")
        with pytest.raises(PluginError, match=r"no plugin is called 'mein' \(did you mean 'mine'"):
            manager.unregister("mein")

    def test_the_schema_follows(self, manager: PluginManager) -> None:
        class CubeParameter(Parameters, field="cube_param", number=81_000_010):
            side = Float(1, default=2)

        class WithField(cortado.Layer):
            type = "WithField"
            parameters = CubeParameter

        stock = manager.schema()
        manager.register(plugin(cortado_layers=[WithField]), "mine")
        text = "cube_param { side: 3 }"
        layer: Any = parse_text(text, manager.schema().message("LayerParameter"), "x").message
        assert layer.cube_param.side == 3
        manager.unregister("mine")
        assert manager.schema() is stock
        with pytest.raises(CortadoError, match="no field 'cube_param'"):
            parse_text(text, manager.schema().message("LayerParameter"), "x")

    def test_a_plugin_that_looks_something_up_while_it_is_imported(self, install: Install, cube: Code) -> None:
        code = "from cortado.plugins.manager import loading_manager\nloading_manager().registry('layers')\n" + cube(
            "Cube"
        )
        install("eager", code)
        install("zebra", cube("Late"))
        manager = PluginManager()
        assert {"Cube", "Late"} <= set(manager.registry("layers").names())
        assert not manager.broken


def test_threads_that_ask_at_the_same_time_get_whole_registries(install: Install, cube: Code) -> None:
    install("slow", "import time\ntime.sleep(0.05)\n" + cube("Cube"))
    for _ in range(3):
        manager, start = PluginManager(), threading.Barrier(8)

        def ask(kind: str, manager: PluginManager = manager, start: threading.Barrier = start) -> list[str]:
            start.wait()
            return [p.plugin for p in manager.plugins()] if kind == "plugins" else manager.registry(kind).names()

        kinds = ["layers", "fillers", "plugins", "optimizers"] * 2
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask, kinds))
        for kind, answer in zip(kinds, answers, strict=True):
            expected = ["slow"] if kind == "plugins" else manager.registry(kind).names()
            assert answer == expected
        assert "Cube" in answers[0]
