"""What a check is, and how it compares."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from ..cases import Subject

Check = Callable[[Subject], None]
"""Raises ConformanceError where the layer breaks the rule, NotApplicable where there is nothing to look at."""


class ConformanceError(AssertionError):
    """A layer breaks a rule of its contract."""


class NotApplicable(Exception):  # noqa: N818 - no error
    """A check that has nothing to look at in this layer."""


def require(holds: bool, rule: str) -> None:
    """Raise ConformanceError with *rule*, which says what is wrong, unless it *holds*."""
    if not holds:
        raise ConformanceError(rule)


def compare(what: str, got: npt.ArrayLike, expected: npt.ArrayLike, tolerance: float = 1e-10) -> None:
    """Require equal shapes, and values that differ by at most *tolerance* times the largest of *expected* (at least 1).

    NaN and infinity must be in the same places.
    """
    a, b = np.asarray(got, np.float64), np.asarray(expected, np.float64)
    require(a.shape == b.shape, f"{what}: the shape is {a.shape}, not {b.shape}")
    finite = b[np.isfinite(b)]
    close = np.isclose(a, b, rtol=0, atol=tolerance * max(1.0, float(np.abs(finite).max(initial=0))), equal_nan=True)
    if not close.all():
        at = tuple(int(i) for i in np.argwhere(~close)[0])
        wrong = f"{int((~close).sum())} of {close.size} differ"
        raise ConformanceError(f"{what}: element {list(at)} is {a[at]:.9g}, not {b[at]:.9g} ({wrong})")


def compare_all(
    what: str, got: Sequence[npt.ArrayLike], expected: Sequence[npt.ArrayLike], tolerance: float = 1e-10
) -> None:
    """``compare`` for lists of arrays; *what* may contain ``{}`` for the index."""
    require(len(got) == len(expected), f"{what.format('…')}: there are {len(got)}, not {len(expected)}")
    for index, (a, b) in enumerate(zip(got, expected, strict=True)):
        compare(what.format(index), a, b, tolerance)
