"""The process's own plugin manager, and registration of single classes in a script or notebook."""

from __future__ import annotations

import threading
from typing import Any, TypeVar

from ..errors import PluginError
from .kinds import KINDS
from .manager import PluginManager, loading_manager
from .markers import hookimpl
from .registry import Provider

T = TypeVar("T")

_default: PluginManager | None = None
_lock = threading.Lock()


def plugin_manager() -> PluginManager:
    """The process's own plugin manager, made on first use."""
    global _default  # noqa: PLW0603 - the one process-wide object
    with _lock:
        if _default is None:
            _default = PluginManager()
        return _default


def use_plugin_manager(manager: PluginManager | None) -> PluginManager | None:
    """Make *manager* the process's own (None: a fresh one on next use); returns the one before. Meant for tests."""
    global _default
    with _lock:
        before, _default = _default, manager
        return before


def register(thing: T) -> T:
    """Register a single class, in a script or notebook, as a plugin of its own; usable as a decorator.

    The class says what it is by what it derives from: ``cortado.Layer``, ``cortado.solver.Optimizer`` …. A module or
    object with hook implementations is registered whole. Registering a class of the same name again, as when a cell of
    a notebook is run again, replaces it. Errors: PluginError for anything else.

    Example::

        @cortado.register
        class Cube(cortado.Layer): ...
    """
    manager = loading_manager() or plugin_manager()
    if not isinstance(thing, type) or not hasattr(thing, "plugin_kind"):
        if not any(hasattr(thing, kind.hook) for kind in KINDS.values()):
            raise PluginError(
                "register() takes a subclass of Layer, Filler, Optimizer …, or an object with hooks", got=repr(thing)
            )
        manager.register(thing)
        return thing
    kind = KINDS[thing.plugin_kind]
    if not getattr(thing, kind.named_by, ""):
        raise PluginError(
            f"a class that is registered names itself in a class attribute '{kind.named_by}'", got=repr(thing)
        )
    manager.register(_single(kind.hook, thing), _name(thing), Provider(_name(thing), distribution=thing.__module__))
    return thing


def unregister(thing: Any) -> None:
    """Take out what ``register(thing)`` put in. Errors: PluginError for what was never registered."""
    name = _name(thing) if isinstance(thing, type) else getattr(thing, "__name__", None) or type(thing).__name__
    plugin_manager().unregister(name)


def _name(thing: type) -> str:
    return f"{thing.__module__}.{thing.__qualname__}"


def _single(hook: str, thing: Any) -> Any:
    """A plugin that contributes *thing* alone."""

    def contribute() -> list[Any]:
        return [thing]

    contribute.__name__ = hook
    return type("OneThing", (), {hook: staticmethod(hookimpl(contribute))})()
