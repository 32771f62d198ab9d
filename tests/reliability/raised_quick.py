"""A pytest plugin that leaves out the tests which do not speak of errors."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

WORDS = ("raises", "Error", "exit_code", "returncode", "problems", "refus", "message", "match=", "stderr",
         "said(", ".output", "broken", "author: pytest.Pytester")  # fmt: skip
FOLDERS = ("benchmarks", "peers", "reference")
"""Whose tests compare numbers, and take long."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [item for item in items if _speaks(getattr(item, "function", None)) and not _long(item)]


def _speaks(function: Any) -> bool:
    return function is not None and any(word in inspect.getsource(function) for word in WORDS)


def _long(item: pytest.Item) -> bool:
    return bool(item.get_closest_marker("slow") or set(item.path.parts) & set(FOLDERS))
