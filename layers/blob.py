"""Blob: the array that layers pass on, with its gradient beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from itertools import count as count_up
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ..errors import ShapeError

Array = npt.NDArray[Any]
Shape = tuple[int, ...]

MAX_AXES = 32
MAX_COUNT = 2**40
"""Elements beyond which a shape is taken for a mistake; memory is asked for only when data is first used."""


class Storage:
    """Flat memory that several blobs may look at. It grows when a longer view is asked for and never shrinks."""

    __slots__ = ("dtype", "flat")

    moves: ClassVar[int] = 0
    """Another number whenever any blob has got another shape or place: while it stays, all arrays of blobs do."""
    _numbers: ClassVar = count_up(1)

    @classmethod
    def moved(cls) -> None:
        """Some blob has another shape, or other memory, from now on."""
        Storage.moves = next(cls._numbers)

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self.dtype = np.dtype(dtype)
        self.flat: Array | None = None

    def reserve(self, count: int) -> Array:
        if self.flat is None or self.flat.size < count:
            try:
                grown = np.zeros(count, self.dtype)
            except MemoryError:
                size = count * self.dtype.itemsize / 2**30
                raise ShapeError(f"a blob of {count} elements needs {size:.1f} GiB, more than is free") from None
            if self.flat is not None:
                grown[: self.flat.size] = self.flat
            self.flat = grown
            self.moved()
        return self.flat


class Blob:
    """An N-dimensional array ``data`` and its gradient ``diff``, both of ``shape`` and in C order.

    Memory is taken when ``data`` or ``diff`` is first used, so a net can be built, and its shapes checked, without
    any. Shrinking keeps the memory; two blobs may share it (``share_data``, ``share_diff``).

    Parameters: *shape*, sizes per axis, in Caffe's order (num, channels, height, width); *dtype*, float32 by default;
    *name*; *initializer*, called once with the blob when ``data`` is first used. ``told`` is the name in messages: that
    of the definition, where the blob has one of its own behind a Split.

    Example::

        >>> blob = Blob((2, 3))
        >>> blob.data[...] = 1
        >>> float(blob.data.sum())
        6.0
    """

    __slots__ = (
        "_count",
        "_data",
        "_data_view",
        "_diff",
        "_diff_view",
        "_shape",
        "dtype",
        "initializer",
        "name",
        "told",
        "version",
    )

    def __init__(
        self,
        shape: Sequence[int] = (0,),
        dtype: npt.DTypeLike = np.float32,
        name: str = "",
        initializer: Callable[[Blob], None] | None = None,
    ) -> None:
        self.dtype = np.dtype(dtype)
        self.name = self.told = name
        self.initializer = initializer
        self.version = 0
        self._data = Storage(self.dtype)
        self._diff = Storage(self.dtype)
        self._data_view: Array | None = None
        self._diff_view: Array | None = None
        self._shape: Shape = ()
        self._count = 1
        self.reshape(shape)

    # -- shape --------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Shape:
        """Sizes per axis; ``()`` is a scalar."""
        return self._shape

    @property
    def count(self) -> int:
        """The number of elements."""
        return self._count

    @property
    def num_axes(self) -> int:
        return len(self._shape)

    def reshape(self, *dims: int | Sequence[int]) -> None:
        """Change the shape, ``reshape(2, 3)`` or ``reshape((2, 3))``. Memory is kept, contents beyond it are zero.

        Errors: ShapeError for a negative size, more than 32 axes, or more elements than any machine holds.
        """
        if dims[0:1] == (self._shape,) and len(dims) == 1 and self.version:
            return
        sizes = dims[0] if len(dims) == 1 and not isinstance(dims[0], (int, np.integer)) else dims
        shape = tuple(int(d) for d in sizes)  # type: ignore[arg-type]
        if shape == self._shape and self.version:
            return
        self._count = checked_count(shape, self.name)
        self._shape = shape
        self._data_view = self._diff_view = None
        self.version += 1
        if self.version > 1:
            Storage.moved()

    def reshape_like(self, other: Blob) -> None:
        """Take the shape of another blob."""
        self.reshape(other._shape)

    def axis(self, index: int) -> int:
        """The axis *index* counted from 0; negative ones count from the end.

        Errors: ShapeError when there is no such axis.
        """
        n = len(self._shape)
        if not -n <= index < n:
            raise ShapeError(
                f"axis must be in [{-n}, {n - 1}] for blob '{self.told}' of shape {self._shape}", got=str(index)
            )
        return index % n

    def legacy(self, index: int) -> int:
        """Size of axis *index* as in the days when every blob had four axes: 1 where the blob has fewer.

        Errors: ShapeError for a blob of more than four axes.
        """
        if len(self._shape) > 4:
            raise ShapeError(f"num, channels, height and width exist up to 4 axes; blob '{self.told}' is {self._shape}")
        return self._shape[index] if index < len(self._shape) else 1

    @property
    def num(self) -> int:
        return self.legacy(0)

    @property
    def channels(self) -> int:
        return self.legacy(1)

    @property
    def height(self) -> int:
        return self.legacy(2)

    @property
    def width(self) -> int:
        return self.legacy(3)

    # -- contents -----------------------------------------------------------------------------------------------

    @property
    def data(self) -> Array:
        """The values, as a writable view of the blob's memory."""
        flat, view = self._data.flat, self._data_view
        if view is None or view.base is not flat:
            flat = self._data.reserve(self._count)
            view = self._data_view = flat[: self._count].reshape(self._shape)
        if self.initializer is not None:
            initialize, self.initializer = self.initializer, None
            initialize(self)
        return view

    @data.setter
    def data(self, value: npt.ArrayLike) -> None:
        self.data[...] = value

    @property
    def diff(self) -> Array:
        """The gradient, as a writable view; zero when first used."""
        flat, view = self._diff.flat, self._diff_view
        if view is None or view.base is not flat:
            flat = self._diff.reserve(self._count)
            view = self._diff_view = flat[: self._count].reshape(self._shape)
        return view

    @diff.setter
    def diff(self, value: npt.ArrayLike) -> None:
        self.diff[...] = value

    @property
    def has_diff(self) -> bool:
        """Whether memory for the gradient has been taken."""
        return self._diff.flat is not None

    @property
    def nbytes(self) -> int:
        """Bytes held, values and gradient together; shared memory is counted in each blob that shares it."""
        return sum(s.flat.nbytes for s in (self._data, self._diff) if s.flat is not None)

    def share_data(self, other: Blob) -> None:
        """Look at the values of *other* from now on; the counts must be equal."""
        self._need_count(other)
        if self._data is not other._data:
            self._data, self._data_view = other._data, None
            Storage.moved()
        if other.initializer is not None:
            self.initializer = lambda _: _touch(other)

    def share_diff(self, other: Blob) -> None:
        """Look at the gradient of *other* from now on; the counts must be equal."""
        self._need_count(other)
        if self._diff is not other._diff:
            self._diff, self._diff_view = other._diff, None
            Storage.moved()

    def place_diff(self, flat: Array | None, keep: bool = True) -> None:
        """Keep the gradient, and that of every blob that shares it, in *flat* from now on, with what it holds now
        unless *keep* is false. None: in memory of its own, and zero.

        So the gradients of many blobs can lie side by side in one array.
        """
        place = None if flat is None else self._fitting(flat, "gradient")
        if flat is not None and keep:
            flat[: self._count] = self.diff.reshape(-1)
        self._diff.flat, self._diff_view = place, None
        Storage.moved()

    def place_data(self, flat: Array) -> None:
        """Keep the values, and those of every blob that shares them, in *flat* from now on, as they are there."""
        self._data.flat, self._data_view = self._fitting(flat, "values"), None
        Storage.moved()

    def _fitting(self, flat: Array, what: str) -> Array:
        if flat.ndim != 1 or flat.size < self._count or flat.dtype != self.dtype:
            raise ShapeError(f"blob '{self.name}' needs {self._count} {self.dtype} for its {what}", got=repr(flat))
        # through a memoryview, so that views of it have it, and not the array behind it, as their base
        return np.frombuffer(flat.data, self.dtype)

    @property
    def data_key(self) -> int:
        """Equal for blobs that share their values."""
        return id(self._data)

    @property
    def diff_key(self) -> int:
        """Equal for blobs that share their gradient."""
        return id(self._diff)

    def _need_count(self, other: Blob) -> None:
        if self._count != other._count:
            raise ShapeError(
                f"blobs that share memory need equal counts: '{self.name}' {self._shape}, '{other.name}' {other._shape}"
            )

    def _repr_html_(self) -> str:
        """What a notebook shows: shape, range, and pictures of images and filters."""
        return str(import_module("..report.notebook", __package__).blob_html(self))

    def __repr__(self) -> str:
        name = f"'{self.name}', " if self.name else ""
        return f"Blob({name}{'x'.join(map(str, self._shape)) or 'scalar'}, {self.dtype})"


def _touch(blob: Blob) -> None:
    _ = blob.data


def checked_count(shape: Shape, name: str = "") -> int:
    """The number of elements of *shape*, after checking that it is one. Errors: ShapeError."""
    who = f"blob '{name}'" if name else "a blob"
    if len(shape) > MAX_AXES:
        raise ShapeError(f"{who} may have at most {MAX_AXES} axes", got=f"{len(shape)}")
    count = 1
    for size in shape:
        if size < 0:
            raise ShapeError(f"sizes of {who} must not be negative", got=str(shape))
        count *= size
    if count > MAX_COUNT:
        raise ShapeError(f"{who} may have at most {MAX_COUNT} elements", got=f"{shape}, {count} elements")
    return count
