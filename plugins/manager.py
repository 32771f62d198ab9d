"""The plugin manager: finds plugins, imports them when something of their kind is needed, and keeps the registries.

Built-in plugins are the modules of the folders named in ``KINDS``; others come from the entry-point group ``cortado``
or from ``register()``. A plugin that fails to import is kept in ``broken`` and reported when its absence matters.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import metadata
from types import ModuleType
from typing import Any

import pluggy

from ..errors import PluginError, SolverError, UnknownLayerError
from ..proto import Schema
from . import hookspecs
from .markers import PROJECT
from .parameters import Parameters
from .registry import Entry, Kind, Provider, Registry

ROOT = __package__.rpartition(".")[0]

KINDS = {
    kind.name: kind
    for kind in (
        Kind("layers", "cortado_layers", "layers", "layer type", UnknownLayerError),
        Kind("fillers", "cortado_fillers", "layers.fillers", "filler type"),
        Kind("optimizers", "cortado_optimizers", "solver.optimizers", "solver type", SolverError),
        Kind("regularizers", "cortado_regularizers", "solver.regularizers", "regularization type", SolverError),
        Kind("lr_policies", "cortado_lr_policies", "solver.lr_policies", "learning-rate policy", SolverError),
        Kind("sources", "cortado_sources", "data.sources", "database backend"),
        Kind("engines", "cortado_engines", "engines", "engine"),
        Kind("callbacks", "cortado_callbacks", "solver.callbacks", "callback", SolverError),
        Kind("parameters", "cortado_parameters", "", "schema field"),
        Kind("dialects", "cortado_dialects", "dialects", "dialect"),
        Kind("commands", "cortado_commands", "", "command"),
    )
}

ALLOW = "CORTADO_PLUGINS"
"""Environment variable: a comma list of the third-party plugins to load; empty loads none; unset loads all."""

DENY = "CORTADO_DISABLE_PLUGINS"
"""Environment variable: a comma list of third-party plugins to leave out."""


@dataclass
class Broken:
    """A plugin that could not be imported or that broke a hook's contract."""

    provider: Provider
    error: BaseException

    def __str__(self) -> str:
        reason = f"{type(self.error).__name__}: {self.error}"
        return f"plugin '{self.provider.plugin}' ({self.provider}) could not be loaded: {reason}"


@dataclass
class PluginManager:
    """Registries of every kind, filled on first use. ``external`` switches entry points on or off."""

    external: bool = True
    providers: dict[str, Provider] = field(default_factory=dict)
    broken: dict[str, Broken] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._pm = pluggy.PluginManager(PROJECT)
        self._pm.add_hookspecs(hookspecs)
        self._registries: dict[str, Registry] = {}
        self._lock = threading.RLock()
        self._external_loaded = not self.external
        self._schema: Schema | None = None

    # -- looking up ---------------------------------------------------------------------------------------------

    def registry(self, kind: str) -> Registry:
        """The registry of *kind* (``"layers"``, ``"fillers"`` …), with the plugins that fill it loaded."""
        ready = self._registries.get(kind)
        return ready if ready is not None else self._fill(kind)

    def get(self, kind: str, name: str, **context: Any) -> Entry:
        """The entry *name* of *kind*. An unknown name is answered with the broken plugins that might have had it."""
        return self.registry(kind).get(name, advice=self._blame, **context)

    def schema(self) -> Schema:
        """The stock schema plus the fields of every enabled plugin."""
        with self._lock:
            if self._schema is None:
                declared = [d for kind in KINDS if kind not in ("commands", "engines") for d in self._declared(kind)]
                self._schema = Schema.compose([cls.addition(str(provider)) for cls, provider in declared])
            return self._schema

    def _declared(self, kind: str) -> list[tuple[type[Parameters], Provider]]:
        found = []
        for entry in self.registry(kind).all():
            declared = entry.item if kind == "parameters" else getattr(entry.item, "parameters", None)
            if isinstance(declared, type) and issubclass(declared, Parameters) and declared is not Parameters:
                found.append((declared, entry.provider))
        return list(dict.fromkeys(found))

    def _blame(self) -> str | None:
        return "; ".join(str(b) for b in self.broken.values()) or None

    # -- registering --------------------------------------------------------------------------------------------

    def register(self, plugin: Any, name: str | None = None, provider: Provider | None = None) -> None:
        """Add a plugin: a module or object with hook implementations. Registering a name again replaces it."""
        name = name or getattr(plugin, "__name__", None) or type(plugin).__name__
        with self._lock:
            if self._pm.has_plugin(name):
                self.unregister(name)
            self._pm.register(plugin, name)
            self.providers[name] = provider or Provider(name, distribution=name)
            self._schema = None
            for kind, registry in self._registries.items():
                self._collect(kind, registry, [name])

    def unregister(self, name: str) -> None:
        """Take a plugin and everything it registered out again."""
        with self._lock:
            self._pm.unregister(name=name)
            provider = self.providers.pop(name)
            self._schema = None
            for registry in self._registries.values():
                registry.remove(provider)

    def plugins(self) -> list[Provider]:
        """Every loaded plugin that is not built in, with its distribution and version."""
        self._load_external()
        return [p for p in self.providers.values() if not p.builtin]

    # -- loading ------------------------------------------------------------------------------------------------

    def _fill(self, kind: str) -> Registry:
        with self._lock:
            if kind in self._registries:
                return self._registries[kind]
            self._load_external()
            self._load_builtin(KINDS[kind])
            registry = Registry(KINDS[kind])
            self._collect(kind, registry, list(self.providers))
            self._registries[kind] = registry
            return registry

    def _collect(self, kind: str, registry: Registry, names: Iterable[str]) -> None:
        """Call the kind's hook of each named plugin. One that breaks is reported and left out, unless built in."""
        wanted = set(names)
        for impl in getattr(self._pm.hook, KINDS[kind].hook).get_hookimpls():
            if impl.plugin_name not in wanted:
                continue
            provider = self.providers[impl.plugin_name]
            try:
                registry.add(impl.function(), provider)
            except Exception as error:
                if provider.builtin:
                    raise
                self.broken[impl.plugin_name] = Broken(provider, error)

    def _load_builtin(self, kind: Kind) -> None:
        if not kind.package:
            return
        provider_version = _version(PROJECT)
        for module in _modules(f"{ROOT}.{kind.package}"):
            name = module.__name__
            if not self._pm.has_plugin(name):
                self._pm.register(module, name)
                self.providers[name] = Provider(name, PROJECT, provider_version, builtin=True)

    def _load_external(self) -> None:
        if self._external_loaded:
            return
        with self._lock:
            self._external_loaded = True
            for entry in metadata.entry_points(group=PROJECT):
                if _enabled(entry.name):
                    self._load_entry_point(entry)

    def _load_entry_point(self, entry: metadata.EntryPoint) -> None:
        dist = entry.dist
        provider = Provider(entry.name, dist.name if dist else entry.name, dist.version if dist else "")
        try:
            plugin = entry.load()
            self._pm.register(plugin, entry.name)
            self._pm.check_pending()
        except Exception as error:
            if self._pm.has_plugin(entry.name):
                self._pm.unregister(name=entry.name)
            self.broken[entry.name] = Broken(provider, error)
        else:
            self.providers[entry.name] = provider


def _enabled(name: str) -> bool:
    allowed = os.environ.get(ALLOW)
    if allowed is not None and name not in _comma(allowed):
        return False
    return name not in _comma(os.environ.get(DENY, ""))


def _comma(text: str) -> set[str]:
    return {part.strip() for part in text.split(",") if part.strip()}


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def _modules(package: str) -> list[ModuleType]:
    """The modules of a package, and the package itself; sub-packages are listed by their ``__init__`` alone."""
    root = importlib.import_module(package)
    found = [root]
    for info in pkgutil.iter_modules(root.__path__):
        if not info.name.startswith("_"):
            found.append(importlib.import_module(f"{package}.{info.name}"))
    return found


_default: PluginManager | None = None
_default_lock = threading.Lock()


def plugin_manager() -> PluginManager:
    """The process's own plugin manager, made on first use."""
    global _default  # noqa: PLW0603 - the one process-wide object
    with _default_lock:
        if _default is None:
            _default = PluginManager()
        return _default


def use_plugin_manager(manager: PluginManager | None) -> PluginManager | None:
    """Make *manager* the process's own (None: a fresh one on next use); returns the one before. Meant for tests."""
    global _default  # noqa: PLW0603 - the one process-wide object
    with _default_lock:
        before, _default = _default, manager
        return before


def register(thing: Any) -> Any:
    """Register a single class, in a script or notebook, as a plugin of its own; usable as a decorator.

    The class says what it is by what it derives from: each base (``cortado.Layer``, ``cortado.solver.Optimizer`` …)
    carries the name of its kind in ``plugin_kind``.

    Example::

        @cortado.register
        class Cube(cortado.Layer): ...
    """
    kind = getattr(thing, "plugin_kind", None)
    if kind not in KINDS:
        raise PluginError("register() takes a subclass of Layer, Filler, Optimizer …", got=repr(thing))
    name = f"{thing.__module__}.{thing.__qualname__}"
    plugin_manager().register(_single(KINDS[kind].hook, thing), name, Provider(name, distribution=thing.__module__))
    return thing


def _single(hook: str, thing: Any) -> Any:
    from .markers import hookimpl

    def contribute() -> list[Any]:
        return [thing]

    contribute.__name__ = hook
    return type("OneThing", (), {hook: staticmethod(hookimpl(contribute))})()
