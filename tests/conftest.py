"""What holds for every test: one copy of the package, no installed plugins, the kit's own pytest plugin."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("data", "dialects", "engines", "layers", "netdef", "plugins", "proto", "solver")

os.environ["CORTADO_PLUGINS"] = ""
for name in ("CORTADO_DISABLE_PLUGINS", "CORTADO_PLUGINS_DIR", "CORTADO_TRACEBACK"):
    os.environ.pop(name, None)

collect_ignore_glob = ["plugins_integration/acme-cortado/*"]


def pytest_configure(config: pytest.Config) -> None:
    """The kit is an installed plugin of pytest where Cortado is installed, and is registered here where it is not."""
    if not config.pluginmanager.has_plugin("cortado"):
        from cortado.testing import pytest_plugin

        config.pluginmanager.register(pytest_plugin, "cortado")


@pytest.fixture(autouse=True, scope="session")
def _one_copy() -> Iterator[None]:
    """A bare ``import layers`` would find the folder at the top of the repository: a second copy of all its classes."""
    yield
    seconds = [name for name in sys.modules if name.split(".")[0] in FOLDERS and _is_ours(name)]
    assert not seconds, f"imported beside cortado.{seconds[0]}: {', '.join(sorted(seconds))}"


def _is_ours(name: str) -> bool:
    file = getattr(sys.modules[name], "__file__", None)
    return file is not None and Path(file).is_relative_to(ROOT)
