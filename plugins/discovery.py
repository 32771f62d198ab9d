"""Discovery: the plugins that are installed, and those that are files of a folder; ``load`` imports them."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from ..errors import FileError
from .markers import PROJECT
from .registry import Provider

FILES = "cortado_file_plugins"
"""The package name that one-file plugins get in front of their own."""


@dataclass(frozen=True)
class Candidate:
    """A plugin that could be loaded."""

    provider: Provider
    load: Callable[[], Any]


def installed() -> list[Candidate]:
    """The entry points of the group ``cortado``; a name that several distributions use gets theirs in front."""
    entries = sorted(metadata.entry_points(group=PROJECT), key=lambda e: (e.name, _distribution(e)[0]))
    names = [entry.name for entry in entries]
    return [Candidate(_provider(entry, names.count(entry.name) > 1), entry.load) for entry in entries]


def _provider(entry: metadata.EntryPoint, ambiguous: bool) -> Provider:
    distribution, version = _distribution(entry)
    return Provider(f"{distribution}:{entry.name}" if ambiguous else entry.name, distribution, version)


def _distribution(entry: metadata.EntryPoint) -> tuple[str, str]:
    dist = entry.dist
    return (dist.name or entry.name, dist.version or "") if dist is not None else (entry.name, "")


def in_folder(folder: Path) -> list[Candidate]:
    """The ``*.py`` files of *folder* whose names do not start with an underscore, by name.

    Errors: FileError for a folder that is not there.
    """
    if not os.path.isdir(folder):
        what = "this is a file" if os.path.exists(folder) else "it does not exist"
        raise FileError(f"a folder of plugins must be a folder, and {what}", where=str(folder.absolute()))
    paths = sorted(p for p in folder.glob("*.py") if not p.name.startswith("_"))
    return [Candidate(Provider(path.stem, str(path)), lambda path=path: _run(path)) for path in paths]  # type: ignore[misc]


def _run(path: Path) -> Any:
    name = f"{FILES}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@dataclass(frozen=True)
class Filter:
    """Which plugins to load: *only* these (None: all), *without* those; by the name of a plugin or its distribution."""

    only: frozenset[str] | None = None
    without: frozenset[str] = frozenset()

    def passes(self, provider: Provider) -> bool:
        names = names_of(provider)
        return not (names & self.without) and (self.only is None or bool(names & self.only))


def names_of(provider: Provider) -> set[str]:
    """The names by which *provider* can be chosen: that of the plugin, and that of its distribution."""
    return {provider.plugin, provider.plugin.rpartition(":")[2], provider.distribution}


def names(text: str | Iterable[str]) -> frozenset[str]:
    """The names in a comma list, or in several."""
    parts = [text] if isinstance(text, str) else list(text)
    return frozenset(name.strip() for part in parts for name in part.split(",") if name.strip())
