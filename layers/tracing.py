"""Arrays that remember what was computed with them, so that plain NumPy code can be differentiated.

``Traced`` passes NumPy's own functions, operators and methods on to those of the package autograd. It stands in for the
``data`` of a blob while a forward is run again to derive its backward.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .blob import Array, Blob

REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}


class Traced(NDArrayOperatorsMixin):
    """An array, or autograd's box around one, in ``value``; writing into it gives it another value."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        name = ufunc.__name__
        if method == "reduce" and name in REDUCTIONS:
            name = REDUCTIONS[name]
        elif method != "__call__":
            raise TypeError(f"numpy.{name}.{method} has no derivative here")
        if "where" in kwargs:
            raise TypeError(f"numpy.{name}(…, where=…) has no derivative here; numpy.where() does")
        kwargs.pop("dtype", None)
        return self._call(_function("autograd.numpy", name), inputs, kwargs, out)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        module = func.__module__.replace("numpy", "autograd.numpy", 1)
        out = kwargs.get("out")
        given = {name: value for name, value in kwargs.items() if name != "out"}
        return self._call(_function(module, func.__name__), args, given, (out,) if out is not None else None)

    def _call(self, function: Callable[..., Any], args: Any, kwargs: Any, out: Any) -> Any:
        result = function(*_bare(args), **_bare(kwargs))
        if not out:
            return _wrapped(result)
        target = out[0]
        if not isinstance(target, Traced):
            raise TypeError("a result that depends on the inputs is written into a plain array; use a new one")
        target[...] = _wrapped(result)
        return target

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.value, name)
        if not callable(found):
            return _wrapped(found)
        return lambda *args, **kwargs: _wrapped(found(*_bare(args), **_bare(kwargs)))

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, index: Any) -> Any:
        return _wrapped(self.value[_bare(index)])

    def __setitem__(self, index: Any, item: Any) -> None:
        """Put *item* in the places that *index* names, as an assignment to a NumPy array does."""
        xp: Any = import_module("autograd.numpy")
        shape = self.value.shape
        places = np.arange(self.value.size).reshape(shape)[_bare(index)]
        source = np.full(self.value.size, -1)
        source[places.ravel()] = np.arange(places.size)
        items = xp.ravel(xp.ones(places.shape) * _bare(item)) if places.size else xp.zeros(1)
        written = xp.reshape(items[np.maximum(source, 0)], shape)
        self.value = xp.where((source >= 0).reshape(shape), written, self.value)

    def __iter__(self) -> Any:
        return (self[index] for index in range(len(self)))

    def __array__(self, *args: Any, **kwargs: Any) -> Array:
        raise TypeError("an array that depends on the inputs cannot be made a plain one, nor be handed to other code")

    def __float__(self) -> float:
        raise TypeError("a number that depends on the inputs cannot be made a plain one")

    __int__ = __bool__ = __float__


class TracedBlob:
    """A blob whose ``data`` is traced; its shape and all else are those of the blob it stands for."""

    def __init__(self, blob: Blob, value: Any) -> None:
        self._blob = blob
        self._data = Traced(value)

    @property
    def data(self) -> Traced:
        return self._data

    @data.setter
    def data(self, value: Any) -> None:
        if value is not self._data:
            self._data[...] = value

    def __getattr__(self, name: str) -> Any:
        return getattr(self._blob, name)


def _function(module: str, name: str) -> Callable[..., Any]:
    try:
        found: Callable[..., Any] = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        raise TypeError(f"{module.replace('autograd.', '')}.{name} has no derivative here") from None
    return found


def _bare(value: Any) -> Any:
    """*value* with autograd's boxes in place of the traced arrays in it."""
    if isinstance(value, Traced):
        return value.value
    if isinstance(value, (list, tuple)):
        return type(value)(_bare(item) for item in value)
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items()}
    return value


def _wrapped(value: Any) -> Any:
    """Traced, where *value* depends on the inputs; as it is where not."""
    if isinstance(value, (list, tuple)):
        return type(value)(_wrapped(item) for item in value)
    return Traced(value) if import_module("autograd.extend").Box in type(value).__mro__ else value
