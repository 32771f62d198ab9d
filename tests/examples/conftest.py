"""The scripts of the lessons, as modules."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "backprop"
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py"))
Load = Callable[[str], Any]


@pytest.fixture
def lesson(monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """``lesson(name)``: the script of that name as a module; it may import the others, and all are forgotten after."""
    monkeypatch.syspath_prepend(str(FOLDER))
    before: dict[str, ModuleType] = {name: sys.modules[name] for name in SCRIPTS if name in sys.modules}
    for name in before:
        del sys.modules[name]

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module

    yield load
    for name in SCRIPTS:
        sys.modules.pop(name, None)
    sys.modules.update(before)
