"""docs/errors.md tells of every error there is, and of no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import cortado
from cortado import errors

PAGE = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()
ALL = {c.__name__ for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.CortadoError)}
ROWS = {row[0]: row[1:] for row in re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", PAGE, re.M)}


def test_every_error_has_a_row() -> None:
    assert set(ROWS) == ALL - {"CortadoError"}
    assert all(cause and cure for cause, cure in ROWS.values())


def test_the_tree_at_the_top_of_the_module_is_the_tree() -> None:
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    assert set(drawn) == set(ROWS)


def test_errors_are_public() -> None:
    assert all(getattr(cortado, name) is getattr(errors, name) for name in ALL)


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({}, "rule"),
        (
            {"where": "f:1:2", "who": "layer 'x' (ReLU)", "got": "3", "hint": "do y"},
            "f:1:2: layer 'x' (ReLU): rule; got 3 (do y)",
        ),
        ({"where": errors.Position("f", 3)}, "f:3: rule"),
    ],
)
def test_the_grammar(parts: dict[str, str], text: str) -> None:
    assert str(errors.CortadoError("rule", **parts)) == text
