"""What every engine has, whatever it computes with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, ClassVar, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Method = TypeVar("Method", bound=Callable[..., Any])


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
