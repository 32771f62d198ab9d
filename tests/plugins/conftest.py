"""Distributions made up for a test: a module, and the metadata that an installation would leave."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cortado.plugins import PluginManager

Install = Callable[..., None]

CUBE = """
import cortado

class {type}(cortado.Layer):
    type = "{type}"

@cortado.hookimpl
def cortado_layers():
    return [{type}]
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """``install(distribution, code, version="1.0", entry=…)``: as if pip had installed a distribution of one module."""
    monkeypatch.delenv("CORTADO_PLUGINS", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    made = []

    def make(distribution: str, code: str, version: str = "1.0", entry: str | None = None) -> None:
        module = f"cortado_test_{distribution.replace('-', '_')}"
        made.append(module)
        tmp_path.joinpath(f"{module}.py").write_text(code)
        info = tmp_path / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        info.joinpath("entry_points.txt").write_text(f"[cortado]\n{entry or distribution} = {module}\n")

    yield make
    for name in made:
        sys.modules.pop(name, None)


@pytest.fixture
def manager() -> PluginManager:
    """A manager of its own, without installed plugins."""
    return PluginManager(external=False)


@pytest.fixture
def cube() -> Callable[[str], str]:
    """``cube(name)``: the code of a plugin with one layer called *name*."""
    return lambda name: CUBE.format(type=name)
