"""Array kernels: `reference` (NumPy, the specification) and `native` (C++), behind one interface.

>>> engine = get_engine("reference")
>>> y = engine.empty((2, 3))
>>> engine.relu_forward(engine.zeros((2, 3)), y, 0.0)

The interface is `ReferenceEngine`: the docstring of each of its methods says exactly what that kernel computes.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from threading import RLock
from typing import TYPE_CHECKING

from ..errors import MissingExtraError, PluginError, nearest
from ..lazy import lazy_names
from .geometry import ConvGeometry, PoolGeometry

if TYPE_CHECKING:
    from .engine import Array, Engine
    from .reference import ReferenceEngine

__all__ = [
    "Array",
    "ConvGeometry",
    "Engine",
    "PoolGeometry",
    "ReferenceEngine",
    "engine_names",
    "get_engine",
    "register_engine",
]

_BUILT_IN = {"native": ".native", "reference": ".reference"}
_factories: dict[str, Callable[[], ReferenceEngine]] = {}
_engines: dict[str, ReferenceEngine] = {}
_lock = RLock()


def register_engine(name: str, factory: Callable[[], ReferenceEngine]) -> None:
    """Make ``get_engine(name)`` call *factory* the first time; called with every engine that a plugin brings."""
    with _lock:
        _factories[name] = factory
        _engines.pop(name, None)


def engine_names() -> list[str]:
    """The names that `get_engine` knows besides ``auto``, whether or not their packages are installed."""
    return sorted({*_BUILT_IN, *_factories})


def get_engine(name: str = "auto") -> ReferenceEngine:
    """The engine called *name*, the same object at every call.

    ``auto`` is ``native`` where its compiled kernels can be imported, else ``reference``. Errors: PluginError for a
    name that nobody provides, and for kernels that were built from other sources, which ``auto`` does not pass over;
    MissingExtraError for ``native`` without its kernels.
    """
    with _lock:
        if name == "auto":
            return _auto()
        if name not in _engines:
            _engines[name] = _make(name)
        return _engines[name]


def _auto() -> ReferenceEngine:
    try:
        return get_engine("native")
    except MissingExtraError:
        return get_engine("reference")


def _make(name: str) -> ReferenceEngine:
    if name in _factories:
        return _factories[name]()
    if name not in _BUILT_IN:
        names = [*engine_names(), "auto"]
        raise PluginError(f"engine must be one of {', '.join(names)}", got=repr(name), hint=nearest(name, names))
    try:
        module = import_module(_BUILT_IN[name], __name__)
        factories: dict[str, Callable[[], ReferenceEngine]] = module.cortado_engines()
    except ImportError as error:
        raise MissingExtraError(
            f"the engine {name!r} needs its compiled kernels",
            got=str(error),
            hint="install a wheel that has them, or use the engine 'reference'",
        ) from error
    return factories[name]()


__getattr__ = lazy_names(__name__, engine="Array Engine", reference="ReferenceEngine")[0]
