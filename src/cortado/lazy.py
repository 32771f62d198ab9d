"""Names of a package that are imported when they are first used, so that importing the package costs next to nothing.

As ``errors``, this module imports nothing of Cortado, and every folder may import it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def lazy_names(package: str, **homes: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """The ``__getattr__``, ``__dir__`` and ``__all__`` of *package*: per module in it, the names that it brings.

    Type checkers are told the same names by imports under ``if TYPE_CHECKING``.

    Example::

        __getattr__, __dir__, __all__ = lazy_names(__name__, blob="Blob Shape", layer="Layer")
    """
    home_of = {name: module for module, names in homes.items() for name in names.split()}

    def getattr_(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        value = getattr(import_module(f".{home_of[name]}", package), name)
        setattr(sys.modules[package], name, value)
        return value

    names = sorted(home_of)
    return getattr_, lambda: names, names
