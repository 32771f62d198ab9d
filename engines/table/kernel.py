"""What a row of the kernel table is, and how most rows make their cases from one line of text.

A case is one call: a label, and arguments by name. Arrays that the kernel overwrites come filled with NaN (or -7 where
they hold integers), so that what is left unwritten shows; those it updates come filled with numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from ..engine import Array

Arguments: TypeAlias = dict[str, Any]
Sizes: TypeAlias = Mapping[str, Mapping[str, int]]


class Case(NamedTuple):
    """One call of a kernel."""

    label: str
    arguments: Arguments


class Maker:
    """Makes the arrays of cases: the same ones for the same dtype and seed."""

    def __init__(self, dtype: npt.DTypeLike = np.float32, seed: int = 0) -> None:
        self.dtype = np.dtype(dtype)
        self.random = np.random.default_rng(seed)

    def normal(self, *shape: int) -> Array:
        """Numbers around 0, none so near to it that a step of a numerical gradient would cross it."""
        numbers = self.random.normal(size=shape)
        return np.asarray(numbers + np.copysign(0.01, numbers), self.dtype)

    def positive(self, *shape: int) -> Array:
        """Numbers between 0.1 and 2."""
        return np.asarray(self.random.uniform(0.1, 2, shape), self.dtype)

    def uniform(self, *shape: int) -> Array:
        """Numbers in [0, 1)."""
        return np.asarray(self.random.uniform(size=shape) * 0.999, self.dtype)

    def whole(self, below: int, *shape: int) -> Array:
        """Whole numbers in [0, below), in the floating dtype, as labels are."""
        return np.asarray(self.random.integers(0, below, shape), self.dtype)

    def bits(self, *shape: int) -> Array:
        """0 and 1, as uint8."""
        return self.random.integers(0, 2, shape, dtype=np.uint8)

    def junk(self, *shape: int) -> Array:
        """What an output holds before it is written."""
        return np.full(shape, np.nan, self.dtype)

    def junk_mask(self, *shape: int) -> Array:
        """What an int32 output holds before it is written."""
        return np.full(shape, -7, np.int32)


@dataclass(frozen=True)
class Kernel:
    """One row: a kernel is the engine's method of this name.

    Parameters: *writes*, the arguments that it overwrites; *updates*, those it reads and writes, as accumulators are;
    *cases*, a generator of cases, of realistic sizes if its second argument is true, else of small and odd ones;
    *operations*, how many additions and multiplications one call makes, where that says something; *tolerance*, how
    much more rounding than one elementary function's to expect, for sums over many elements.
    """

    name: str
    writes: tuple[str, ...]
    updates: tuple[str, ...]
    cases: Callable[[Maker, bool], Iterator[Case]]
    operations: Callable[[Arguments], int] | None = None
    tolerance: float = 1.0

    @property
    def outputs(self) -> tuple[str, ...]:
        """All arguments that the kernel changes."""
        return self.writes + self.updates

    def memory(self, arguments: Arguments) -> int:
        """The bytes that one call must move: every array once, and those that are updated twice."""
        total = 0
        for name, value in arguments.items():
            arrays = value if isinstance(value, (list, tuple)) else [value]
            size = sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))
            total += 2 * size if name in self.updates else size
        return total


def copy_arguments(arguments: Arguments) -> Arguments:
    """The same arguments with arrays of their own; one array given under two names stays one, and a view a view."""
    copies: dict[int, Array] = {}

    def copied(value: object) -> object:
        if isinstance(value, list):
            return [copied(item) for item in value]
        if not isinstance(value, np.ndarray):
            return value
        if id(value) not in copies:
            copies[id(value)] = _copy_of(value)
        return copies[id(value)]

    return {name: copied(value) for name, value in arguments.items()}


def _copy_of(array: Array) -> Array:
    if array.flags.c_contiguous or not isinstance(array.base, np.ndarray):
        return array.copy()
    offset = array.ctypes.data - array.base.ctypes.data
    return np.ndarray(array.shape, array.dtype, array.base.copy(), offset, array.strides)


# The sizes of axes by letter. Elementwise kernels take any shape; the others name their axes [outer, channel, inner].
ELEMENTS: Sizes = {
    "one": {"o": 1, "c": 1, "i": 1},
    "odd": {"o": 3, "c": 5, "i": 7},
    "long": {"o": 1, "c": 1, "i": 1031},
    "flat": {"o": 4, "c": 3, "i": 1},
    "shared": {"o": 1, "c": 1, "i": 37},
    "wide": {"o": 2, "c": 19, "i": 33},
    "empty": {"o": 0, "c": 3, "i": 4},
    "nothing inside": {"o": 2, "c": 19, "i": 0},
}
BENCH_ELEMENTS: Sizes = {"32x64x28x28": {"o": 32, "c": 64, "i": 784}}


def row(
    name: str,
    reads: str = "",
    writes: str = "",
    updates: str = "",
    *,
    in_place: str = "",
    parameters: Sequence[Arguments] = ({},),
    fills: Mapping[str, str] | None = None,
    sizes: Sizes = ELEMENTS,
    bench: Sizes = BENCH_ELEMENTS,
    operations: Callable[[Arguments], int] | None = None,
    tolerance: float = 1.0,
) -> Kernel:
    """A row whose cases follow from its signature.

    *reads*, *writes* and *updates* list arguments as ``name:axes`` (``x:oci slope:c``), an axis being a letter of
    *sizes*. *in_place* lists the pairs ``y=x`` that may be one array. *fills* says which method of `Maker` fills an
    argument, where it is not ``normal``. There is a case for each size, each of the *parameters*, and each pair of
    *in_place*.
    """
    read, written, updated = (_signature(text) for text in (reads, writes, updates))
    pairs = [dict([pair.split("=")]) for pair in in_place.split()]

    def cases(make: Maker, realistic: bool) -> Iterator[Case]:
        options = [{}] if realistic else [{}, *pairs]
        settings = parameters[:1] if realistic else parameters
        for (label, size), values, pair in product((bench if realistic else sizes).items(), settings, options):
            arguments: Arguments = {}
            for argument, axes in {**read, **updated}.items():
                fill = getattr(make, (fills or {}).get(argument, "normal"))
                arguments[argument] = fill(*(size[axis] for axis in axes))
            for argument, axes in written.items():
                arguments[argument] = make.junk(*(size[axis] for axis in axes))
            arguments |= {target: arguments[source] for target, source in pair.items()}
            yield Case(_label(label, values, pair), arguments | values)

    return Kernel(name, tuple(written), tuple(updated), cases, operations, tolerance)


def _signature(text: str) -> dict[str, str]:
    return dict(item.split(":") for item in text.split())


def _label(size: str, values: Arguments, pair: Mapping[str, str]) -> str:
    words = [size, *(f"{name}={value}" for name, value in values.items() if not isinstance(value, np.ndarray))]
    return " ".join(words + [f"{target} is {source}" for target, source in pair.items()])
