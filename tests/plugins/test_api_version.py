"""A plugin that says which interface it was written for."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from cortado.errors import PluginError, UnknownLayerError
from cortado.plugins import API_VERSION, PluginManager

Install = Callable[..., None]
Code = Callable[[str], str]


@pytest.mark.parametrize("line", ["", f"cortado_api_version = {API_VERSION}"])
def test_one_that_fits_is_loaded(install: Install, cube: Code, line: str) -> None:
    install("acme-layers", f"{cube('Cube')}\n{line}\n")
    assert "Cube" in PluginManager().registry("layers").names()


def test_one_for_a_later_interface_is_named_where_it_is_missed(install: Install, cube: Code) -> None:
    install("acme-layers", f"{cube('Cube')}\ncortado_api_version = {API_VERSION + 1}\n", version="1.2", entry="acme")
    manager = PluginManager()
    assert manager.get("layers", "ReLU").provider.builtin
    rule = rf"plugin 'acme' \(acme-layers 1\.2\).* has version {API_VERSION} of.*; got {API_VERSION + 1} \(update Co"
    with pytest.raises(UnknownLayerError, match=rule):
        manager.get("layers", "Cube")


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (API_VERSION + 1, r"got 2 \(update Cortado\)"),
        (0, r"got 0 \(update the plugin\)"),
        ("1", r"a whole number; got '1' \(write cortado_api_version = 1\)"),
        (True, "a whole number; got True"),
    ],
)
def test_registering_one_that_does_not_fit_fails(manager: PluginManager, version: Any, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        manager.register(SimpleNamespace(cortado_api_version=version), "odd")
    assert "odd" not in manager.providers
