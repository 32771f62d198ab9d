"""How a method of the engine calls its compiled kernel, and when it takes the reference's instead."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial, wraps
from inspect import signature
from typing import Any

import numpy as np

from ..engine import Array
from ..geometry import ConvGeometry, PoolGeometry
from ..reference import ReferenceEngine
from . import _kernels
from .built import check_built

check_built(_kernels)


def compiled(name: str) -> Any:
    """A method that calls the compiled kernel *name*, with the arguments of the reference's method of that name.

    A TypeError is how the compiled code says that it does not take these arguments (another dtype than float32, arrays
    that are not contiguous, more axes): then the reference computes. A geometry is passed on as its numbers.
    """
    reference = getattr(ReferenceEngine, name)
    kernel = getattr(_kernels, name)
    described = signature(reference)
    windowed = list(described.parameters)[-1] == "geometry"

    @wraps(reference)
    def method(self: ReferenceEngine, *arguments: Any, **named: Any) -> Any:
        if named:
            arguments = tuple(described.bind(self, *arguments, **named).arguments.values())[1:]
        try:
            if windowed:
                return kernel(*arguments[:-1], window(arguments[-1]))
            return kernel(*arguments)
        except TypeError:
            return reference(self, *arguments)

    def perform(self: ReferenceEngine, *arguments: Any, **named: Any) -> tuple[Callable[[], Any], Any]:
        if not named:
            taken = (*arguments[:-1], window(arguments[-1])) if windowed else arguments
            try:
                result = kernel(*taken)
            except TypeError:
                pass
            else:
                return _again(taken), result
        call = partial(method, self, *arguments, **named)
        return call, call()

    def _again(taken: tuple[Any, ...]) -> Callable[[], Any]:
        try:
            command: Callable[[], Any] = _kernels.command(name, *taken)
        except TypeError:
            return partial(kernel, *taken)
        return command

    method.__dict__["perform"] = perform
    return method


@lru_cache(maxsize=1024)
def window(geometry: ConvGeometry | PoolGeometry) -> Array | None:
    """The numbers of a geometry as the compiled code takes them; None, which it refuses, if it does not cover it."""
    if len(geometry.kernel) != 2:
        return None
    if isinstance(geometry, PoolGeometry):
        return np.array((*geometry.kernel, *geometry.stride, *geometry.pad), np.int_)
    if max(geometry.kernel) > _kernels.MAX_TAPS:
        return None
    numbers = (*geometry.kernel, *geometry.stride, *geometry.pad, *geometry.dilation, geometry.groups)
    return np.array(numbers, np.int_)
