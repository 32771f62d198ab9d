"""What every engine has, whatever it computes with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import ModuleType
from typing import Any, ClassVar, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Method = TypeVar("Method", bound=Callable[..., Any])
Updater: TypeAlias = Callable[[list[tuple[float, ...]], float, bool, bool], tuple[bool, bool]]
"""Updates many parameters at once: (of each parameter (shrink, l1, l2, and the numbers that the rule takes behind the
arrays), share, watch, clear) -> whether all g were finite, and whether all w are. See ``Engine.updater``."""


def kernel(method: Method) -> Method:
    """Mark a method as a kernel: it has a row in the table, and lets NaN and infinity through without a warning."""
    quiet: Method = np.errstate(all="ignore")(method)
    quiet.__dict__["is_kernel"] = True
    return quiet


class Engine:
    """The base of all engines: who it is, and where its arrays come from.

    Attributes: *name*, as in ``get_engine(name)``; *isa*, what the kernels run on, in words for logs; *xp*, the module
    with NumPy's functions for this engine's arrays, so that a cheap layer can write ``self.engine.xp.abs(x, out=y)``;
    *threads*, how many the kernels may use.

    The kernels themselves are described by `ReferenceEngine`. These rules hold for all of them:

    * arrays are C-contiguous, of one floating dtype (masks excepted), and of the shapes that the kernel names;
    * results go into arrays that the caller gives; they are overwritten, unless the kernel says that it accumulates;
    * an output may be the same array as an input (in place) only where the kernel says so; never overlap in part;
    * empty arrays (a batch of 0) are allowed: outputs stay empty, accumulators stay as they are;
    * NaN and infinity pass through as IEEE arithmetic has it; sizes and labels are checked by the layers, not here.
    """

    name: ClassVar[str] = ""
    isa: str = ""
    xp: ModuleType = np
    threads: int = 1

    def empty(self, shape: Sequence[int], dtype: npt.DTypeLike = np.float32) -> Array:
        """A new array with unset contents."""
        array: Array = self.xp.empty(tuple(shape), dtype)
        return array

    def zeros(self, shape: Sequence[int], dtype: npt.DTypeLike = np.float32) -> Array:
        """A new array of zeros."""
        array: Array = self.xp.zeros(tuple(shape), dtype)
        return array

    def perform(self, name: str, *arguments: Any, **named: Any) -> tuple[Callable[[], Any], Any]:
        """Call the kernel *name*; returns what makes the same call again, of the same arrays, and what it returned."""
        call = partial(getattr(self, name), *arguments, **named)
        return call, call()

    def chain(self, calls: Sequence[tuple[Callable[[], Any], float]]) -> list[Callable[[], Any]]:
        """Calls that ``perform`` gave, with the seconds that each took, to be made one after the other: as fewer calls
        that do the same, if the engine can, none of them much longer than a few milliseconds."""
        return [call for call, _ in calls]

    def updater(self, rule: str, arrays: list[tuple[Array, ...]], size: int) -> Updater | None:
        """What updates many parameters in one call, in pieces of *size* numbers, as long as their arrays stay in place;
        None by an engine that has no such call, or not for these arrays.

        Of each parameter *arrays* has w, g and the history that the kernel *rule* takes. Of each piece in turn the call
        does: ``g *= share``, ``w *= shrink``, ``regularize(w, g, l1, l2)``, the rule, and, where it is to clear,
        ``g = 0``. Where it is to watch, pieces whose g is not finite are left as they are.
        """
        return None

    def clear(self, arrays: list[Array]) -> None:
        """Set all numbers in *arrays* to 0."""
        for array in arrays:
            array[...] = 0

    def softmax_loss(self, x: Array, prob: Array, labels: Array) -> tuple[float, int] | None:
        """``softmax_forward`` and ``softmax_loss_forward`` in one call; None, and nothing of use in *prob*, by an
        engine that has no such call, or not for these arrays, or where a label is not the number of a class."""
        return None

    def count_right(self, x: Array, labels: Array, top_k: int) -> int | None:
        """At how many positions of *x*, outer × classes × inner, fewer than *top_k* of the other classes score at least
        as much as that of the label, or NaN is among the two; None by an engine that has no such call, or not for these
        arrays, or where a label is not the number of a class."""
        return None

    def labels_fit(self, labels: Array, classes: int) -> bool:
        """Whether all *labels* are from 0 to below *classes*."""
        return not labels.size or bool(self.xp.min(labels) >= 0 and self.xp.max(labels) < classes)

    def burst(self) -> float:
        """Multiply and add as fast as the engine can for a millisecond or so; returns how many of both that were.

        ``measure_limits`` finds the peak rate with it. Here it is a matrix product, which comes near to the peak.
        """
        size = 768
        factor, result = self.xp.ones((size, size), np.float32), self.xp.empty((size, size), np.float32)
        self.xp.matmul(factor, factor, out=result)
        return 2.0 * size**3

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}: {self.isa}>"
