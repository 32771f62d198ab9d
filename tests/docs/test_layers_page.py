"""docs/layers.md is what docs/generate_layers.py makes of the layers."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def generator(program: Callable[[str], ModuleType]) -> ModuleType:
    return program("generate_layers")


def test_page_is_up_to_date(generator):
    written = (DOCS / "layers.md").read_text(encoding="utf-8")
    assert written == generator.page(), "run: python docs/generate_layers.py"


def test_every_link_has_its_heading(generator):
    headings = [line[3:] for line in generator.page().splitlines() if line.startswith("## ")]
    links = generator.page().split("\n\n")[2].split(", ")
    assert links == [f"[{name}](#{name.lower()})" for name in headings]


def test_examples_are_fenced_and_code_is_marked_once(generator):
    text = generator.page()
    assert "``" not in text.replace("```", "")
    assert text.count("\n```") % 2 == 0
    assert "```prototxt\nlayer {" in text


def test_defaults_come_from_the_schema(generator):
    rows = generator.page().split("| `lrn_param` | type | default |")[1].splitlines()[2:8]
    assert rows[0] == "| `local_size` | uint32 | `5` |"
    assert rows[3] == "| `norm_region` | ACROSS_CHANNELS, WITHIN_CHANNEL | `ACROSS_CHANNELS` |"
