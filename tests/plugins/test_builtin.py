"""What ships is whole."""

from __future__ import annotations

from cortado.plugins import KINDS, PluginManager


def test_no_builtin_module_is_broken() -> None:
    manager = PluginManager(external=False)
    for kind in KINDS:
        manager.registry(kind)
    broken = {name for name in manager.broken if not name.endswith(".engines.native")}
    assert not broken
