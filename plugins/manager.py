"""The plugin manager: finds plugins, imports them when something of their kind is needed, and keeps the registries.

Built-in plugins are the modules of the folders named in ``KINDS``; others come from the entry-point group ``cortado``,
from a folder of one-file plugins, or from ``register()``. A plugin that fails to import, or breaks a hook's contract,
is kept in ``broken`` and reported when its absence matters.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pluggy

from ..errors import CortadoError, PluginError, nearest
from ..proto import Schema
from . import hookspecs
from .api_version import check_api_version
from .composition import Refused, compose
from .discovery import Candidate, Filter, in_folder, installed, names, names_of
from .kinds import KINDS
from .markers import PROJECT
from .parameters import Parameters, ParametersClass
from .registry import Entry, Kind, Provider, Registry

ROOT = __package__.rpartition(".")[0]

ALLOW = "CORTADO_PLUGINS"
"""Environment variable: a comma list of the installed plugins to load; empty loads none; unset loads all."""

DENY = "CORTADO_DISABLE_PLUGINS"
"""Environment variable: a comma list of third-party plugins to leave out."""

FOLDERS = "CORTADO_PLUGINS_DIR"
"""Environment variable: folders of one-file plugins, separated as in PATH."""

_loading: ContextVar[PluginManager | None] = ContextVar("loading", default=None)
"""The manager that is importing a plugin, which may call ``register()``."""


@dataclass
class Broken:
    """A plugin that could not be imported or that broke a hook's contract."""

    provider: Provider
    error: BaseException

    def __str__(self) -> str:
        reason = (
            str(self.error) if isinstance(self.error, CortadoError) else f"{type(self.error).__name__}: {self.error}"
        )
        head = f"plugin '{self.provider.plugin}' ({self.provider})"
        if reason.startswith(f"{head}: "):
            return reason
        return f"{head} could not be loaded: {' '.join(reason.split())}"


@dataclass
class PluginManager:
    """Registries of every kind, filled on first use.

    Parameters: *external*, whether to look for third-party plugins at all; *only*, *without*, names of plugins or
    distributions that are loaded, or left out (the environment variables say, where None); *folders* of one-file
    plugins beside those of the environment. One-file plugins need not be among *only*: who names a folder wants what
    is in it. *dialect*, the dialects to read every file with, instead of looking what it needs; *passes*, the net
    passes that every net goes through.

    Attributes: ``providers``, the loaded plugins by name; ``broken``, those that are not; ``off``, those that were
    filtered out; ``refused``, the parameter declarations that contradict others. Safe to use from several threads.
    """

    external: bool = True
    only: Iterable[str] | None = None
    without: Iterable[str] | None = None
    folders: Iterable[str | Path] = ()
    dialect: str | None = None
    passes: Sequence[str] = ()
    providers: dict[str, Provider] = field(default_factory=dict)
    broken: dict[str, Broken] = field(default_factory=dict)
    off: dict[str, Provider] = field(default_factory=dict)
    refused: Refused = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._pm = pluggy.PluginManager(PROJECT)
        self._pm.add_hookspecs(hookspecs)
        self._registries: dict[str, Registry] = {}
        self._lock = threading.RLock()
        self._external_loaded = not self.external
        self._schema: Schema | None = None
        self._kept: dict[int, Schema] = {}

    # -- looking up ---------------------------------------------------------------------------------------------

    def registry(self, kind: str) -> Registry:
        """The registry of *kind* (``"layers"``, ``"fillers"`` …), with the plugins that fill it loaded."""
        ready = self._registries.get(kind)
        return ready if ready is not None else self._fill(kind)

    def get(self, kind: str, name: str, **context: Any) -> Entry:
        """The entry *name* of *kind*; *context* is *where* and *who*, for errors.

        Errors: the kind's own for an unknown name, with the nearest one, and with the plugins that might have had it
        and are broken or switched off; PluginError for a name, or for parameters, that several packages claim.
        """
        entry = self.registry(kind).get(name, advice=lambda: self._missing(kind), **context)
        declared = getattr(entry.item, "parameters", None)
        if declared is not None and self.schema() and declared in self.refused:
            error = self.refused[declared]
            raise PluginError(
                f"the parameters of {KINDS[kind].noun} '{name}' ({entry.provider}) cannot be used: {error}", **context
            )
        return entry

    def schema(self) -> Schema:
        """The stock schema plus the fields of every enabled plugin. Those that clash are left out, see ``refused``."""
        if self._schema is None:
            with self._lock:
                if self._schema is None:
                    declared = [
                        d for kind in KINDS if kind not in ("commands", "engines") for d in self._declared(kind)
                    ]
                    first = dict(reversed(declared))
                    schema, self.refused = compose([d for d in dict.fromkeys(declared) if first[d[0]] == d[1]])
                    self._schema = self.keep(schema)
        return self._schema

    def keep(self, schema: Schema) -> Schema:
        """Hold on to *schema*, which messages that were read with it need to be understood later; returns it."""
        self._kept[id(schema)] = schema
        return schema

    def _declared(self, kind: str) -> list[tuple[ParametersClass, Provider]]:
        found = []
        for entry in self.registry(kind).all():
            declared = entry.item if kind == "parameters" else getattr(entry.item, "parameters", None)
            if isinstance(declared, type) and issubclass(declared, Parameters) and declared is not Parameters:
                found.append((declared, entry.provider))
        return found

    def field_hint(self, message: str, field: str) -> str | None:
        """What there is to say of a field that the schema lacks: that plugins clash over it, or which are missing."""
        claims = [str(e) for cls, e in self.refused.items() if (cls.owner, cls.field) == (message, field)]
        missing = self._missing("parameters") if field.endswith("_param") else None
        return "; ".join(dict.fromkeys(claims)) or missing

    def _missing(self, kind: str) -> str | None:
        """The plugins that might have had what was looked for; built-in ones only where they are of the *kind*."""
        home = f"{ROOT}.{KINDS[kind].package}"
        reasons = [str(b) for name, b in self.broken.items() if not b.provider.builtin or name.startswith(home)]
        if self.off:
            reasons.append(f"switched off: {', '.join(f'{p.plugin} ({p})' for p in self.off.values())}")
        return "; ".join(reasons) or None

    # -- registering --------------------------------------------------------------------------------------------

    def register(self, plugin: Any, name: str | None = None, provider: Provider | None = None) -> None:
        """Add a plugin: a module or object with hook implementations. Registering a name again replaces it.

        Errors: PluginError for a hook that does not exist, takes arguments it is not given, or breaks its contract;
        for an ``cortado_api_version`` that this Cortado does not have.
        """
        name = name or getattr(plugin, "__name__", None) or type(plugin).__name__
        provider = provider or Provider(name, distribution=name)
        with self._lock:
            if self._pm.has_plugin(name):
                self.unregister(name)
            self._add(plugin, provider)
            if name in self.broken:
                error = self.broken[name].error
                self.unregister(name)
                raise error

    def unregister(self, name: str) -> None:
        """Take a plugin and everything it registered out again. Errors: PluginError for a name that nobody has."""
        with self._lock:
            if not self._pm.has_plugin(name):
                raise PluginError(f"no plugin is called '{name}'", hint=nearest(name, self.providers))
            self._pm.unregister(name=name)
            provider = self.providers.pop(name)
            self.broken.pop(name, None)
            self._schema = None
            for registry in self._registries.values():
                registry.remove(provider)

    def plugins(self) -> list[Provider]:
        """Every loaded plugin that is not built in, with its distribution and version."""
        with self._lock:
            self._load_external()
            return [p for p in self.providers.values() if not p.builtin]

    # -- choosing -----------------------------------------------------------------------------------------------

    def configure(
        self,
        *,
        only: Iterable[str] | None = None,
        without: Iterable[str] | None = None,
        folders: Iterable[str | Path] = (),
        dialect: Iterable[str] | None = None,
        passes: Iterable[str] = (),
    ) -> None:
        """Change the parameters that the class describes; *folders* and *passes* are added to those there are.

        Errors: PluginError for a change of which third-party plugins are loaded, once they are.
        """
        with self._lock:
            self.dialect = self.dialect if dialect is None else ",".join(dialect)
            self.passes = [*self.passes, *passes]
            before = self._choice()
            self.only = self.only if only is None else only
            self.without = self.without if without is None else without
            self.folders = [*self.folders, *folders]
            if self._external_loaded and self._choice() != before:
                raise PluginError("plugins are chosen before the first of them is used")

    def _choice(self) -> tuple[Filter, list[Path]]:
        return self._filter(), _folders(self.folders)

    def _filter(self) -> Filter:
        only = os.environ.get(ALLOW) if self.only is None else self.only
        without = os.environ.get(DENY, "") if self.without is None else self.without
        return Filter(None if only is None else names(only), names(without))

    # -- loading ------------------------------------------------------------------------------------------------

    def _fill(self, kind: str) -> Registry:
        with self._lock:
            if kind not in self._registries:
                self._load_external()
                self._load_builtin(KINDS[kind])
                if kind == "layers":
                    self._load_builtin(KINDS["dialects"])
                registry = Registry(KINDS[kind])
                self._collect(registry, self.providers)
                self._registries[kind] = registry
            return self._registries[kind]

    def _load_builtin(self, kind: Kind) -> None:
        if not kind.package:
            return
        version = importlib.import_module(ROOT).__version__
        for name in _modules(f"{ROOT}.{kind.package}"):
            provider = Provider(name, PROJECT, version, builtin=True)
            if self._pm.has_plugin(name) or name in self.broken:
                continue
            try:
                self._pm.register(importlib.import_module(name), name)
            except (ImportError, PluginError) as error:  # the compiled kernels are not there, or are old ones
                self.broken[name] = Broken(provider, error)
            else:
                self.providers[name] = provider

    def _load_external(self) -> None:
        """Import the third-party plugins, once."""
        with self._lock:
            if self._external_loaded:
                return
            self._external_loaded = True
            chosen, found = self._filter(), installed()
            self._check_chosen(found)
            for candidate in found:
                self._load(candidate, chosen)
            for folder in _folders(self.folders):
                for candidate in in_folder(folder):
                    self._load(candidate, Filter(None, chosen.without))

    def _check_chosen(self, found: Sequence[Candidate]) -> None:
        """Errors: PluginError where *only* names a plugin that is not there; the environment may name any."""
        there = {name for one in found for name in names_of(one.provider)}
        folders = {path.stem for folder in _folders(self.folders) for path in folder.glob("*.py")}
        for name in sorted(names(self.only or ())):
            if name not in there | folders:
                hint = nearest(name, there | folders) or "cortado plugins list tells which are installed"
                raise PluginError(f"no plugin that is installed is called '{name}'", hint=hint)

    def _load(self, candidate: Candidate, chosen: Filter) -> None:
        provider = candidate.provider
        if not chosen.passes(provider):
            self.off[provider.plugin] = provider
            return
        token = _loading.set(self)
        try:
            plugin = candidate.load()
            if self._pm.has_plugin(provider.plugin):
                raise PluginError("another plugin has this name", got=str(self.providers[provider.plugin]))
            self._add(plugin, provider)
        except (Exception, SystemExit) as error:
            self.broken[provider.plugin] = Broken(provider, error)
        finally:
            _loading.reset(token)

    def _add(self, plugin: Any, provider: Provider) -> None:
        """Register *plugin* with pluggy, and collect from it into the registries that are filled already."""
        check_api_version(plugin)
        _check_hooks(plugin)
        try:
            self._pm.register(plugin, provider.plugin)
        except (pluggy.PluginValidationError, ValueError) as error:
            if self._pm.has_plugin(provider.plugin):
                self._pm.unregister(name=provider.plugin)
            raise PluginError(" ".join(str(error).split())) from None
        self.providers[provider.plugin] = provider
        self._schema = None
        for registry in self._registries.values():
            self._collect(registry, [provider.plugin])

    def _collect(self, registry: Registry, plugins: Iterable[str]) -> None:
        """Call the kind's hook of each of *plugins*. One that breaks is reported and left out, unless built in."""
        wanted = set(plugins)
        hook = registry.kind.hook
        impls = [impl for impl in getattr(self._pm.hook, hook).get_hookimpls() if impl.plugin_name in wanted]
        for impl in sorted(impls, key=lambda impl: not self.providers[impl.plugin_name].builtin):
            provider = self.providers[impl.plugin_name]
            try:
                if impl.hookwrapper or impl.wrapper:
                    raise PluginError(f"{hook}() collects, and cannot be wrapped")
                registry.add(impl.function(), provider)
            except (Exception, SystemExit) as error:
                if provider.builtin:
                    raise
                self.broken[provider.plugin] = Broken(provider, error)


@contextmanager
def loading(manager: PluginManager) -> Iterator[None]:
    """Within the block ``register()`` adds to *manager*."""
    token = _loading.set(manager)
    try:
        yield
    finally:
        _loading.reset(token)


def loading_manager() -> PluginManager | None:
    """The manager that is importing a plugin at this moment, in this thread."""
    return _loading.get()


def _check_hooks(plugin: Any) -> None:
    """Refuse implementations of hooks that do not exist. Errors: PluginError with the nearest hook."""
    known = {kind.hook for kind in KINDS.values()}
    for name in dir(plugin):
        marked = name.startswith(f"{PROJECT}_") and hasattr(getattr(plugin, name, None), f"{PROJECT}_impl")
        if marked and name not in known:
            hint = nearest(name, known) or f"hooks: {', '.join(sorted(known))}"
            raise PluginError(f"there is no hook {name}()", hint=hint)


def _folders(given: Iterable[str | Path]) -> list[Path]:
    told = [part for part in os.environ.get(FOLDERS, "").split(os.pathsep) if part]
    return list(dict.fromkeys(Path(folder) for folder in (*told, *given)))


def _modules(package: str) -> list[str]:
    """The names of a package and of its modules; sub-packages are listed by their ``__init__`` alone."""
    root = importlib.import_module(package)
    inner = [info.name for info in pkgutil.iter_modules(root.__path__) if not info.name.startswith("_")]
    return [package, *(f"{package}.{name}" for name in inner)]
