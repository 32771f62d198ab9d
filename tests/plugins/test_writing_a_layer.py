"""docs/writing-a-layer.md: its code runs from top to bottom, and prints what it says."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cortado
from cortado.layers import Layer
from cortado.plugins import PluginManager, use_plugin_manager
from cortado.testing import CHECKS

PAGE = Path(__file__).parents[2].joinpath("docs", "writing-a-layer.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    before = use_plugin_manager(PluginManager(external=False))
    yield
    use_plugin_manager(before)


def test_the_page_runs_and_prints_what_it_says() -> None:
    pytest.importorskip("autograd")
    blocks = re.findall(r"^```(python|text)\n(.*?)^```$", PAGE, re.M | re.S)
    assert len(blocks) > 8
    names: dict[str, Any] = {"__name__": "notebook"}
    printed = ""
    for language, text in blocks:
        if language == "text":
            assert printed == text, "the page says what its code prints"
            printed = ""
            continue
        assert not printed, "what is printed is shown"
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(text, "docs/writing-a-layer.md", "exec"), names)
        printed = out.getvalue()
    np.testing.assert_allclose(cortado.Net("net.prototxt")(x=[[2.0, 2.0, 2.0]])["y"], 0.5)


def test_every_declaration_of_a_layer_is_in_the_table() -> None:
    rows = {name for row in re.findall(r"^\| (`[^|]*`) \|", PAGE, re.M) for name in re.findall(r"`(\w+)`", row)}
    declared = set(vars(Layer)["__annotations__"]) - {"plugin_kind", "param_field"}
    assert declared <= rows


def test_the_count_of_checks_is_right() -> None:
    assert f"1 of {len(CHECKS)} checks failed" in PAGE
    assert len(CHECKS) == 20, "the page says that nineteen others are content"
