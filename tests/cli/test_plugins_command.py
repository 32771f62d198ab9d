from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

CUBE = """
import cortado
from cortado.plugins import Choice, Float

class CubeParameter(cortado.Parameters, field="cube_param", number=81_000_020):
    scale = Float(1, default=2, above=0, doc="what the cube is multiplied by")
    sizes = Float(2, repeated=True, doc="of no use")
    mode = Choice(3, ("PLAIN", "ODD"), doc="which cube")

class Cube(cortado.Layer):
    \"""The third power.

    Example::

        layer { name: "c" type: "Cube" bottom: "x" top: "y" }
    \"""
    type = "Cube"
    parameters = CubeParameter

@cortado.hookimpl
def cortado_layers():
    return [Cube]
"""


@pytest.fixture
def plugins(folder: Path) -> str:
    """A folder with a plugin that works and one that does not."""
    home = folder / "plugins"
    home.mkdir()
    home.joinpath("cube.py").write_text(CUBE)
    home.joinpath("broken.py").write_text("import nothing_of_this_name")
    return str(home)


def test_list(run: Run, plugins: str) -> None:
    assert run("plugins", "list").out == "no third-party plugins; --all lists the built-in ones\n"
    assert "cortado.layers.sigmoid  (cortado" in run("plugins", "list", "--all").out


def test_list_names_what_is_loaded_broken_and_off(run: Run, plugins: str) -> None:
    out = run("--plugins-dir", plugins, "--without-plugins", "nobody", "plugins", "list").out
    assert f"cube  ({plugins}/cube.py)  layers: Cube" in out.replace("\\", "/")
    assert "broken  (" in out
    assert "ModuleNotFoundError: No module named 'nothing_of_this_name'" in out


def test_list_as_json(run: Run, plugins: str) -> None:
    done = run("--plugins-dir", plugins, "--without-plugins", "broken", "plugins", "list", "--json")
    rows = {row["plugin"]: row for row in json.loads(done.out)}
    assert set(rows) == {"cube", "broken"}
    assert (rows["cube"]["status"], rows["cube"]["registers"], rows["cube"]["error"]) == (
        "loaded",
        {"layers": ["Cube"]},
        "",
    )
    assert (rows["broken"]["status"], rows["broken"]["registers"]) == ("off", {})


def test_info_on_a_type_shows_its_parameters(run: Run, plugins: str) -> None:
    out = run("--plugins-dir", plugins, "plugins", "info", "Cube").out
    assert "layer type 'Cube' of" in out
    assert "cortado_file_plugins.cube.Cube: The third power." in out
    assert "cube_param (field 81000020 of LayerParameter):" in out
    assert "scale: float = 2, greater than 0  what the cube is multiplied by" in out
    assert "sizes: float, repeated  of no use" in out
    assert "mode: enum = 'PLAIN', one of PLAIN, ODD  which cube" in out


def test_info_as_json(run: Run, plugins: str) -> None:
    facts = json.loads(run("--plugins-dir", plugins, "plugins", "info", "Cube", "--json").out)
    (thing,) = facts["provides"]
    assert (thing["kind"], thing["parameters"]["number"]) == ("layers", 81_000_020)
    assert [f["name"] for f in thing["parameters"]["fields"]] == ["scale", "sizes", "mode"]


def test_info_on_a_plugin(run: Run, plugins: str) -> None:
    out = run("--plugins-dir", plugins, "plugins", "info", "cube").out
    assert "plugin cube of" in out
    assert "layers: Cube" in out


def test_info_on_a_broken_plugin(run: Run, plugins: str) -> None:
    assert "could not be loaded: ModuleNotFoundError" in run("--plugins-dir", plugins, "plugins", "info", "broken").out


def test_info_on_one_name_in_several_kinds_and_on_none(run: Run) -> None:
    done = run("plugins", "info", "Sigmiod")
    assert done.status == 1
    assert "there is no plugin 'Sigmiod', nor does one provide it (did you mean 'Sigmoid'?)" in done.err
    assert "solver type 'Adam' of cortado" in run("plugins", "info", "Adam").out
    assert "schema" not in run("plugins", "info", "cortado/Adam").err


def test_doctor_on_a_healthy_patient(run: Run) -> None:
    done = run("plugins", "doctor")
    assert done.status == 0
    assert done.out.endswith("0 third-party plugins, 0 problems\n")


def test_doctor_names_what_is_broken(run: Run, plugins: str) -> None:
    done = run("--plugins-dir", plugins, "plugins", "doctor")
    assert done.status == 1
    assert "problem: plugin 'broken' (" in done.out
    assert "1 third-party plugins, 1 problem\n" in done.out


def test_doctor_names_clashes_and_what_hides(run: Run, folder: Path) -> None:
    folder.joinpath("relu.py").write_text(CUBE.replace("Cube", "ReLU").replace('"""The third power.', '"""'))
    folder.joinpath("field.py").write_text(CUBE.replace("Cube", "Other"))
    folder.joinpath("third.py").write_text(CUBE.replace("Cube", "Third").replace("81_000_020", "81_000_021"))
    folder.joinpath("greet.py").write_text(
        "import click, cortado\n@cortado.hookimpl\n"
        "def cortado_commands():\n    return {'train': click.Command('train')}\n"
    )
    done = run("--plugins-dir", ".", "plugins", "doctor", "--json")
    assert done.status == 1
    found = json.loads(done.out)
    problems = "\n".join(found["problems"])
    assert "layer type 'ReLU' is provided by cortado 0.1.0 and relu.py" in problems
    assert (
        "number 81000020 of LayerParameter is already cube_param" in problems
        or "cube_param is already a field" in problems
    )
    assert "command 'train' of greet.py is hidden by Cortado's own" in problems


def test_layers_shows_plugin_layers_with_their_origin(run: Run, plugins: str) -> None:
    out = run("--plugins-dir", plugins, "layers").out
    assert "cube.py]" in out
    sheet = run("--plugins-dir", plugins, "layers", "Cube").out
    assert sheet.startswith("Cube: 1 bottom(s), 1 top(s). From ")
    assert "scale: float = 2, greater than 0" in sheet
    rows = json.loads(run("layers", "--json").out)
    assert {"name": "Tile", "from": "cortado 0.1.0"}.items() <= next(r for r in rows if r["name"] == "Tile").items()
    assert json.loads(run("layers", "Tile", "--json").out)["sheet"].startswith("Tile: 1 bottom(s)")


def test_plugins_may_be_named_by_option_more_than_once(run: Run, plugins: str, folder: Path) -> None:
    second = folder / "second"
    second.mkdir()
    second.joinpath("square.py").write_text(
        CUBE.replace("Cube", "Square").replace("cube_", "square_").replace("020", "022")
    )
    out = run(
        "--plugins-dir", plugins, "--plugins-dir", str(second), "--without-plugins", "broken,x", "plugins", "list"
    ).out
    assert "layers: Cube" in out
    assert "layers: Square" in out
    assert "broken" in out
    assert "switched off" in out
