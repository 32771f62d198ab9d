"""The pages of the lessons: pictures and files that they name exist, and what they say a command prints is printed."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cortado.cli.formula import command as formula
from cortado.cli.jacobian import command as jacobian

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "backprop"
PAGES = sorted(FOLDER.glob("*.md"))
EXACT = ("graphs", "cost", "sigmoid", "activations", "expression")
"""Scripts whose output has no rounding that differs from machine to machine."""


@pytest.mark.parametrize("page", [*PAGES, ROOT / "docs" / "lessons.md"], ids=lambda path: path.stem)
def test_what_a_page_links_to_is_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert links or page.stem == "README"
    for link in links:
        assert (page.parent / link).exists(), link


def test_every_lesson_has_page_picture_and_place_in_both_indices() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    lessons = (ROOT / "docs" / "lessons.md").read_text(encoding="utf-8")
    for page in PAGES:
        if page.stem != "README":
            assert f"({page.name})" in readme
            assert f"backprop/{page.name})" in lessons
            assert "](pictures/" in page.read_text(encoding="utf-8")


def test_every_picture_is_shown_and_drawn_by_the_script() -> None:
    shown = {name for page in PAGES for name in re.findall(r"pictures/(\w+\.png)", page.read_text(encoding="utf-8"))}
    assert shown == {path.name for path in (FOLDER / "pictures").glob("*")}


@pytest.mark.parametrize("name", EXACT)
def test_a_page_shows_what_its_script_prints(name: str, lesson: Any, capsys: pytest.CaptureFixture[str]) -> None:
    if name == "expression":
        pytest.importorskip("sympy")
    main = lesson(name).main
    with warnings.catch_warnings():
        main([]) if name == "graphs" else main()
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for line in filter(None, capsys.readouterr().out.splitlines()):
        assert line.rstrip() in pages, f"{name}.py: run it and bring the page up to date"


def test_a_script_runs_from_the_command_line() -> None:
    command = [sys.executable, FOLDER / "graphs.py", FOLDER / "line.prototxt"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1].split() == ["J", "2", "1"]


def test_the_commands_print_what_the_pages_say() -> None:
    pytest.importorskip("sympy")
    swish = CliRunner().invoke(formula, ["x / (1 + exp(-beta * x))", "--scalar", "beta=1"])
    softmax = CliRunner().invoke(jacobian, [str(FOLDER / "softmax.prototxt"), "prob"])
    for result, page in ((swish, "expression.md"), (softmax, "jacobian.md")):
        assert result.exit_code == 0, result.output
        text = (FOLDER / page).read_text(encoding="utf-8")
        for line in result.output.splitlines():
            assert "largest" in line or line.rstrip() in text


def test_pictures_can_be_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    folder = f"pictures.FOLDER = pathlib.Path({str(tmp_path)!r})"
    code = f"import pictures, pathlib; {folder}; pictures.main(['graphs', 'cost'])"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=FOLDER, capture_output=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cost.png", "gates.png", "line.png", "two_layers.png"]
