"""Finite: a record with NaN or infinity in it is refused where it is read, by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import NumericsError

Array = npt.NDArray[Any]


def check_finite(values: Array, name: str | Callable[[int], str]) -> None:
    """Errors: NumericsError for the record *name* when *values* are floats and not all of them are finite. Where *name*
    is a function, the first axis counts records, and it tells their names.

    One NaN in a batch makes every weight NaN by the next update, and nothing else shows where it came from.
    """
    if values.dtype.kind != "f":
        return
    with np.errstate(all="ignore"):
        if np.isfinite(values.sum()):  # takes no memory; a sum of finite numbers may overflow, hence the second look
            return
    wrong = np.argwhere(~np.isfinite(values))
    if len(wrong):
        at = tuple(int(i) for i in wrong[0])
        got = float(values[at])
        if not isinstance(name, str):
            name, at = name(at[0]), at[1:]
        place = f" at {list(at)}" if at else ""
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise NumericsError(f"{name}: the values of a record must be finite numbers", got=f"{got:g}{place}{more}")
