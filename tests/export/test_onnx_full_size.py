"""The nets of examples/models at full size with their fillers' weights, as docs/generate_onnx.py exports them."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
DOCS = Path(__file__).parents[2] / "docs"
NETS = ("lenet", "cifar10_full", "squeezenet", "mobilenet", "googlenet", "resnet50", "caffenet")
LARGE = ("vgg16", "fcn8s")
"""Half a minute and 5 GB each: where CORTADO_LARGE_NETS is set."""


@pytest.fixture(scope="module")
def generator() -> Iterator[Any]:
    spec = importlib.util.spec_from_file_location("generate_onnx", DOCS / "generate_onnx.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["generate_onnx"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["generate_onnx"]


def row(name: str) -> list[str]:
    """The row of a net in the page."""
    text = (DOCS / "onnx.md").read_text(encoding="utf-8")
    found = re.search(rf"^\| `{name}` \|.*$", text, re.M)
    assert found, "run: python docs/generate_onnx.py"
    return [cell.strip() for cell in found[0].strip("|").split("|")]


@pytest.mark.slow
@pytest.mark.parametrize("name", [*NETS, *LARGE])
def test_a_net_agrees_and_the_page_says_so(generator: Any, name: str) -> None:
    if name in LARGE and not os.environ.get("CORTADO_LARGE_NETS"):
        pytest.skip("CORTADO_LARGE_NETS is not set")
    found = generator.measure(generator.MODELS / f"{name}.prototxt", name)
    assert found.absolute <= 1e-4
    written = row(name)
    assert written[1:4] == ["fillers", str(found.layers), str(found.nodes)]
    assert float(written[4]) <= 1e-4


def test_every_model_is_in_the_program(generator: Any) -> None:
    assert set(generator.NAMES) == {path.stem for path in generator.MODELS.glob("*.prototxt")} == {*NETS, *LARGE}


def test_the_page_has_no_difference_beyond_the_tolerance() -> None:
    text = (DOCS / "onnx.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\|.*\| (\d\.\de[+-]\d\d) \| (\d\.\de[+-]\d\d) \|$", text, re.M)
    assert len(rows) > 40
    assert all(float(absolute) <= 1e-4 or float(relative) <= 1e-4 for absolute, relative in rows)


def test_a_table_is_put_between_its_marks(generator: Any) -> None:
    text = "a\n<!-- x -->\nold\n<!-- end of x -->\nb\n"
    made = generator.put(text, "x", [generator.Row("n", "drawn", 1, 2, 3e-5, 4e-6)])
    assert "| n | drawn | 1 | 2 | 3.0e-05 | 4.0e-06 |\n<!-- end of x -->\nb\n" in made
    assert "old" not in made
    with pytest.raises(ValueError, match="no place for y"):
        generator.put(text, "y", [])
