"""The two pluggy markers: ``hookimpl`` for plugins, ``hookspec`` for the list of hooks."""

from __future__ import annotations

import pluggy

PROJECT = "cortado"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
