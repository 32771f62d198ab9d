"""Old files against what BVLC Caffe's own upgrade tools made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cortado.proto import Schema, parse_text, read_text, upgrade_net, upgrade_solver

FOLDER = Path(__file__).parents[1] / "reference" / "upgrade"
NAMES = sorted(path.name.removesuffix(".in.prototxt") for path in FOLDER.glob("*.in.prototxt"))


def test_there_are_cases() -> None:
    assert len(NAMES) == 12


@pytest.mark.parametrize("name", NAMES)
def test_upgrade_agrees_with_caffe(name: str) -> None:
    is_solver = name.startswith("solver")
    message_class: Any = Schema.stock().SolverParameter if is_solver else Schema.stock().NetParameter
    upgrade: Any = upgrade_solver if is_solver else upgrade_net
    old = parse_text(read_text(FOLDER / f"{name}.in.prototxt"), message_class, name)
    want = parse_text(read_text(FOLDER / f"{name}.out.prototxt"), message_class, name)
    assert str(upgrade(old).message) == str(want.message)
    assert upgrade(old).message == want.message
