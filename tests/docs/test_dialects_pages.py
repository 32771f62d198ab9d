"""docs/dialects.md and docs/dialect-layers.md are what docs/generate_dialects.py makes of the dialects."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def generator(program: Callable[[str], ModuleType]) -> ModuleType:
    return program("generate_dialects")


def test_tables_are_up_to_date(generator):
    written = (DOCS / "dialects.md").read_text(encoding="utf-8")
    assert written == generator.page(written), "run: python docs/generate_dialects.py"


def test_data_sheets_are_up_to_date(generator):
    written = (DOCS / "dialect-layers.md").read_text(encoding="utf-8")
    assert written == generator.sheets(), "run: python docs/generate_dialects.py"


def test_every_layer_has_a_sheet(generator):
    headings = [line[3:].split(" ")[0] for line in generator.sheets().splitlines() if line.startswith("## ")]
    assert {"AnnotatedData", "BN", "CtcLoss", "Permute", "Yolov3"} <= set(headings)
    assert headings == sorted(headings)
