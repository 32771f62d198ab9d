"""``cortado new-layer``: what it writes and refuses. The installed result is tested in tests/plugins_integration."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_a_package(run: Run, folder: Path) -> None:
    done = run("new-layer", "SoftBend", "--dir", "made")
    assert done.status == 0
    home = folder / "made" / "cortado-soft-bend"
    files = sorted(str(p.relative_to(home)).replace("\\", "/") for p in home.rglob("*") if p.is_file())
    assert files == [
        ".gitignore",
        "README.md",
        "docs/soft_bend.md",
        "pyproject.toml",
        "src/cortado_soft_bend/__init__.py",
        "src/cortado_soft_bend/soft_bend.py",
        "tests/conftest.py",
        "tests/test_soft_bend.py",
    ]
    assert all(str(Path("made", "cortado-soft-bend", file)) in done.out for file in files)
    project = tomllib.loads(home.joinpath("pyproject.toml").read_text())
    assert project["project"]["entry-points"]["cortado"] == {"soft_bend": "cortado_soft_bend"}
    for path in home.rglob("*"):
        if path.is_file():
            assert "$" not in path.read_text(), f"{path}: a place that was not filled in"
        if path.suffix == ".py":
            ast.parse(path.read_text())


def test_the_number_is_drawn_from_the_name(run: Run, folder: Path) -> None:
    import re

    numbers = []
    for name in ("SoftBend", "SoftTurn", "SoftBend"):
        run("new-layer", name, "--one-file", "--dir", f"made{len(numbers)}")
        (path,) = folder.joinpath(f"made{len(numbers)}").iterdir()
        numbers.append(int(re.findall(r"number=(\d+)", path.read_text())[0]))
    assert numbers[0] == numbers[2] != numbers[1]
    assert all(300_000_000 <= number < 500_000_000 for number in numbers)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("Cube", "cube.py"),
        ("HTTPLayer", "http_layer.py"),
        ("ReLU9", "re_lu9.py"),
        ("X", "x.py"),
        ("YoloV3Box", "yolo_v3_box.py"),
    ],
)
def test_names_become_files(run: Run, folder: Path, name: str, file: str) -> None:
    assert run("new-layer", name, "--one-file", "--dir", "made").status == 0
    assert folder.joinpath("made", file).exists()


def test_one_file_works_at_once(run: Run, folder: Path) -> None:
    done = run("new-layer", "SoftBend", "--one-file", "--dir", "made")
    assert "cortado --plugins-dir made layers SoftBend" in done.out


def test_the_one_file_is_a_plugin(run: Run, folder: Path) -> None:
    from cortado.plugins import PluginManager

    run("new-layer", "SoftBend", "--one-file", "--dir", "made")
    assert PluginManager(folders=["made"]).get("layers", "SoftBend").provider.plugin == "soft_bend"


@pytest.mark.parametrize("name", ["relu", "Hard-Swish", "Hard Swish", "2D", "", "Größe", "$Type"])
def test_names_that_make_no_type(run: Run, folder: Path, name: str) -> None:
    done = run("new-layer", name)
    assert done.status == 2
    assert "a layer type is named in capitals and letters, such as SoftBend" in done.err


def test_a_type_that_is_there_already(run: Run, folder: Path) -> None:
    done = run("new-layer", "ReLU")
    assert done.status == 2
    assert "layer type 'ReLU' is there already, from cortado" in done.err


def test_nothing_is_overwritten(run: Run, folder: Path) -> None:
    assert run("new-layer", "SoftBend").status == 0
    readme = folder / "cortado-soft-bend" / "README.md"
    readme.write_text("mine")
    folder.joinpath("cortado-soft-bend", "pyproject.toml").unlink()
    done = run("new-layer", "SoftBend")
    assert done.status == 1
    assert "README.md: this file is there already, and is left as it is" in done.err
    assert readme.read_text() == "mine"
    assert not folder.joinpath("cortado-soft-bend", "pyproject.toml").exists(), "nothing is written by halves"
