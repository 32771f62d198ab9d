"""Packages that Cortado can do without: imported when needed, and named with their extra when they are missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..errors import MissingExtraError


def need(module: str, package: str, extra: str, purpose: str) -> Any:
    """The *module*, or a MissingExtraError: *purpose* needs *package*, which *extra* of Cortado installs."""
    try:
        return import_module(module)
    except ImportError:
        raise MissingExtraError.for_package(package, extra, purpose) from None


def need_h5py(purpose: str) -> Any:
    """h5py, for *purpose*."""
    return need("h5py", "h5py", "hdf5", purpose)
