"""The error function and the normal distribution, which NumPy lacks, for whole arrays.

For x >= 0, with ``t = 3 / (3 + x)`` and ``s = 2 t - 1``: ``erfc(x) = exp(-x²) · t · P(s)``. P is a polynomial fitted to
``exp(x²) · erfc(x) / t`` at Chebyshev nodes in 50 digits: of degree 22 for float64, where erfc is right to a few
rounding errors, relative to its value, up to where it underflows; and of degree 10 for float32 (1e-7).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..engine import Array

if TYPE_CHECKING:
    from .base import ReferenceBase

DOUBLE = (
    0.3580023023627799, 0.294464817723293, 0.19674278570136933, 0.10348908730032487, 0.039842587095666314,
    0.008942411537958437, -0.00040413887394316183, -0.0010113539579816233, -0.00018276991424949872,
    9.225899997789508e-05, 3.585392363681283e-05, -1.0131578675156923e-05, -5.823857407636006e-06,
    1.5801189369395156e-06, 9.225829640201406e-07, -3.2798388174368307e-07, -1.3722842699705352e-07,
    7.241314802770536e-08, 1.6652640553590825e-08, -1.3174436327282527e-08, -1.1893885619092368e-09,
    1.3433763579088608e-09, 2.3183140775046786e-12,
)  # fmt: skip
SINGLE = (
    0.3580023041045045, 0.29446474467980094, 0.19674265853470232, 0.10349057075351656, 0.03984410023021237,
    0.008933907198412055, -0.0004107903472013445, -0.0009911235675145347, -0.00016928352617058944,
    7.030988922803929e-05, 2.260987852402578e-05,
)  # fmt: skip
NEAR_ZERO = tuple(2 / math.sqrt(math.pi) * (-1) ** k / (math.factorial(k) * (2 * k + 1)) for k in range(12))
"""Taylor's series of erf(x) / x in x², for |x| < 1/2."""


PIECE = 1 << 14
"""How many elements are taken at a time: what is read again for each term then stays in the cache."""


def normal_cdf(engine: ReferenceBase, x: Array, out: Array) -> None:
    """out = Φ(x), the share of a normal distribution below x; *out* must not be x."""
    _in_pieces(_normal_cdf, engine, x, out)


def erf(engine: ReferenceBase, x: Array, out: Array) -> None:
    """out = erf(x) = 2 / √π · ∫ exp(-t²) dt from 0 to x; *out* must not be x."""
    _in_pieces(_erf, engine, x, out)


def _in_pieces(function: Callable[..., None], engine: ReferenceBase, x: Array, out: Array) -> None:
    if x.size <= PIECE or not (x.flags.c_contiguous and out.flags.c_contiguous):
        function(engine, x, out)
        return
    flat, result = x.reshape(-1), out.reshape(-1)
    for start in range(0, x.size, PIECE):
        function(engine, flat[start : start + PIECE], result[start : start + PIECE])


def _normal_cdf(engine: ReferenceBase, x: Array, out: Array) -> None:
    xp, size = engine.xp, engine.like("erf size", x)
    xp.multiply(x, math.sqrt(0.5), out=size)
    xp.abs(size, out=size)
    _erfc(engine, size, out)
    xp.multiply(out, 0.5, out=out)
    # above 0 it is 1 less that: out + [x > 0] · (1 - 2 out), as masked operations are far slower
    xp.multiply(out, -2, out=size)
    xp.add(size, 1, out=size)
    above = engine.like("erf tail", x)
    xp.greater(x, 0, out=above)
    xp.multiply(size, above, out=size)
    xp.add(out, size, out=out)


def _erf(engine: ReferenceBase, x: Array, out: Array) -> None:
    xp, size, square = engine.xp, engine.like("erf size", x), engine.like("erf tail", x)
    xp.abs(x, out=size)
    _erfc(engine, size, out)
    xp.subtract(1, out, out=out)
    xp.copysign(out, x, out=out)
    xp.clip(x, -0.5, 0.5, out=size)
    xp.multiply(size, size, out=square)
    near = engine.like("erf near", x)
    _polynomial(engine, NEAR_ZERO, square, near)
    xp.multiply(near, size, out=near)
    inside = engine.scratch("erf mask", x.shape, np.bool_)
    xp.equal(size, x, out=inside)
    xp.copyto(out, near, where=inside)


def _erfc(engine: ReferenceBase, size: Array, out: Array) -> None:
    """out = erfc(size) for size >= 0."""
    xp, share = engine.xp, engine.like("erf tail", size)
    xp.add(size, 3, out=share)
    xp.divide(3, share, out=share)
    xp.multiply(share, 2, out=out)
    xp.subtract(out, 1, out=out)
    place = engine.like("erf near", size)
    xp.copyto(place, out)
    _polynomial(engine, SINGLE if size.dtype == np.float32 else DOUBLE, place, out)
    xp.multiply(out, share, out=out)
    xp.multiply(size, size, out=share)
    xp.negative(share, out=share)
    xp.exp(share, out=share)
    xp.multiply(out, share, out=out)


def _polynomial(engine: ReferenceBase, coefficients: tuple[float, ...], x: Array, out: Array) -> None:
    """out = c0 + c1 · x + c2 · x² …, by Horner's rule; *out* must not be x."""
    xp = engine.xp
    out.fill(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        xp.multiply(out, x, out=out)
        xp.add(out, coefficient, out=out)
