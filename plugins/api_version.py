"""The version of the interface of plugins: hooks, base classes and what they are called with.

It rises when something changes that a plugin may rely on, and has nothing to do with Cortado's own version.
"""

from __future__ import annotations

from typing import Any

from ..errors import PluginError

API_VERSION = 1
OLDEST = 1
"""The oldest version that plugins may be written for."""


def check_api_version(plugin: Any) -> None:
    """See that *plugin* was written for an interface there is here, where its ``cortado_api_version`` says which.

    Errors: PluginError, with what to update.
    """
    wanted = getattr(plugin, "cortado_api_version", None)
    if wanted is None:
        return
    if not isinstance(wanted, int) or isinstance(wanted, bool):
        raise PluginError(
            "cortado_api_version is a whole number", got=repr(wanted), hint=f"write cortado_api_version = {API_VERSION}"
        )
    if OLDEST <= wanted <= API_VERSION:
        return
    which = str(API_VERSION) if OLDEST == API_VERSION else f"{OLDEST} to {API_VERSION}"
    hint = "update Cortado" if wanted > API_VERSION else "update the plugin"
    raise PluginError(f"this Cortado has version {which} of the interface of plugins", got=str(wanted), hint=hint)
