"""The native engine: the kernels of the reference in C++, with threads and the widest vectors that the machine has.

Every method means what the method of the same name of `ReferenceEngine` says. Float32 arrays go to the compiled
kernels, everything else to the reference. `CORTADO_ISA` (avx512, avx2 or baseline) forces an instruction set,
`CORTADO_THREADS` the number of threads; it is the number of processors otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pluggy

from ...errors import PluginError, nearest
from ..engine import Engine
from . import _kernels
from .convolution import Convolution
from .elementwise import Elementwise
from .normalization import Normalization, Updates

__all__ = ["NativeEngine", "cortado_engines"]

hookimpl = pluggy.HookimplMarker("cortado")

LONGEST = 4e-3
"""Seconds that kernels may run in a row without the interpreter: a signal is heard after them."""
MOST_THREADS = 1024
_ISA_NAMES = {"avx512": "AVX-512", "avx2": "AVX2", "baseline": "baseline"}


class NativeEngine(Convolution, Elementwise, Normalization, Updates):
    """Kernels in C++; `set_threads` and `use_isa` change what they run on, for all engines of the process."""

    name = "native"

    def __init__(self) -> None:
        """Errors: PluginError for settings in the environment that mean nothing."""
        _check_environment()
        super().__init__()
        self._describe()

    def set_threads(self, threads: int) -> None:
        """Let the kernels use *threads* threads, the calling one among them. Errors: PluginError for too many."""
        _check_threads("threads", str(threads))
        _kernels.set_threads(threads)
        self._describe()

    def use_isa(self, name: str) -> bool:
        """Run on the instruction set avx512, avx2 or baseline. False, and no change, where the machine has it not."""
        changed: bool = _kernels.use_isa(name)
        self._describe()
        return changed

    def perform(self, name: str, *arguments: Any, **named: Any) -> tuple[Callable[[], Any], Any]:
        direct = getattr(getattr(type(self), name), "perform", None)
        if direct is None:
            return super().perform(name, *arguments, **named)
        performed: tuple[Callable[[], Any], Any] = direct(self, *arguments, **named)
        return performed

    def chain(self, calls: Sequence[tuple[Callable[[], Any], float]]) -> list[Callable[[], Any]]:
        chained: list[Callable[[], Any]] = []
        for together in _groups(calls):
            alone = len(together) == 1
            chained.append(together[0] if alone else partial(_kernels.run_all, together))
        return chained

    def burst(self) -> float:
        amount: float = _kernels.burst(1 << 15)
        return amount

    def _describe(self) -> None:
        self.threads = _kernels.threads()
        plural = "" if self.threads == 1 else "s"
        self.isa = f"{_ISA_NAMES[_kernels.isa()]}, {self.threads} thread{plural}"


def _check_environment() -> None:
    isa, threads = os.environ.get("CORTADO_ISA"), os.environ.get("CORTADO_THREADS")
    if isa and isa not in _ISA_NAMES:
        rule = f"CORTADO_ISA must be one of {', '.join(_ISA_NAMES)}"
        raise PluginError(rule, who="engine 'native'", got=f"'{isa}'", hint=nearest(isa, _ISA_NAMES))
    if threads and threads != "0":  # 0: as many as there are processors
        _check_threads("CORTADO_THREADS", threads)


def _check_threads(name: str, value: str) -> None:
    if not value.isdecimal() or not 1 <= int(value) <= MOST_THREADS:
        raise PluginError(f"{name} must be from 1 to {MOST_THREADS}", who="engine 'native'", got=f"'{value}'")


def _groups(calls: Sequence[tuple[Callable[[], Any], float]]) -> list[list[Callable[[], Any]]]:
    """Neighbouring commands that take up to LONGEST together; every other call by itself."""
    groups: list[list[Callable[[], Any]]] = []
    room = 0.0
    for call, seconds in calls:
        joins = isinstance(call, _kernels.Command)
        if joins and room >= seconds:
            groups[-1].append(call)
            room -= seconds
        else:
            groups.append([call])
            room = LONGEST - seconds if joins else 0.0
    return groups


@hookimpl
def cortado_engines() -> dict[str, Callable[[], Engine]]:
    """The engines of this module, by name."""
    return {"native": NativeEngine}
