"""What layer types there are."""

from __future__ import annotations

from ..plugins import plugin_manager


def layer_type_list() -> list[str]:
    """The names of all layer types, plugins' included, in alphabetical order."""
    return plugin_manager().registry("layers").names()
