"""Rows of pooling."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..geometry import PoolGeometry
from ..reference.windows import first_pixels
from .kernel import Arguments, Case, Kernel, Maker

Shape = tuple[tuple[int, ...], PoolGeometry]

SHAPES: dict[str, Shape] = {
    "2x2/2": ((2, 3, 6, 8), PoolGeometry((2, 2), (2, 2))),
    "2x2/2 ceil": ((2, 3, 5, 7), PoolGeometry((2, 2), (2, 2))),
    "2x2/2 floor": ((2, 3, 5, 7), PoolGeometry((2, 2), (2, 2), ceil=False)),
    "3x3/2": ((2, 2, 9, 10), PoolGeometry((3, 3), (2, 2))),
    "3x3/1 padded": ((1, 3, 5, 19), PoolGeometry((3, 3), (1, 1), (1, 1))),
    "3x3/2 padded": ((1, 3, 7, 6), PoolGeometry((3, 3), (2, 2), (1, 1))),
    "last window dropped": ((1, 2, 4, 4), PoolGeometry((2, 2), (2, 2), (1, 1))),
    "rectangle": ((2, 2, 9, 5), PoolGeometry((3, 2), (2, 1), (1, 0))),
    "gaps": ((1, 2, 9, 9), PoolGeometry((2, 2), (3, 3))),
    "empty window": ((1, 2, 6, 4), PoolGeometry((1, 1), (2, 2))),
    "3x3/3": ((1, 2, 7, 61), PoolGeometry((3, 3), (3, 3))),
    "2x2/4 padded": ((2, 1, 9, 70), PoolGeometry((2, 2), (4, 4), (1, 1))),
    "many rows": ((2, 1, 67, 41), PoolGeometry((3, 3), (2, 2))),
    "global": ((3, 5, 4, 7), PoolGeometry((4, 7))),
    "1x1": ((2, 2, 3, 3), PoolGeometry((1, 1))),
    "1-D": ((2, 3, 11), PoolGeometry((3,), (2,), (1,))),
    "3-D": ((2, 2, 4, 5, 3), PoolGeometry((2, 3, 2), (2, 1, 1), (0, 1, 0))),
    "empty batch": ((0, 3, 6, 6), PoolGeometry((2, 2), (2, 2))),
}
BENCH: dict[str, Shape] = {
    "LeNet 2x2/2": ((64, 20, 24, 24), PoolGeometry((2, 2), (2, 2))),
    "AlexNet 3x3/2": ((8, 96, 55, 55), PoolGeometry((3, 3), (2, 2))),
    "GoogLeNet 3x3/1": ((8, 192, 28, 28), PoolGeometry((3, 3), (1, 1), (1, 1))),
    "global 7x7": ((32, 1024, 7, 7), PoolGeometry((7, 7))),
}


def _row(
    name: str,
    writes: tuple[str, ...],
    *builds: Callable[[Maker, tuple[int, ...], tuple[int, ...], PoolGeometry], Arguments],
) -> Kernel:
    def cases(make: Maker, realistic: bool) -> Iterator[Case]:
        for label, (shape, geometry) in (BENCH if realistic else SHAPES).items():
            out = (*shape[:2], *geometry.output_size(shape[2:]))
            for build in builds:
                arguments = build(make, shape, out, geometry)
                without = "".join(f" {name}=None" for name, value in arguments.items() if value is None)
                yield Case(label + without, arguments | {"geometry": geometry})

    return Kernel(name, writes, (), cases, tolerance=5)


def _max(make: Maker, shape: tuple[int, ...], out: tuple[int, ...], geometry: PoolGeometry) -> Arguments:
    return {"x": _few_values(make, shape), "y": make.junk(*out), "mask": make.junk_mask(*out)}


def _max_alone(make: Maker, shape: tuple[int, ...], out: tuple[int, ...], geometry: PoolGeometry) -> Arguments:
    return _max(make, shape, out, geometry) | {"mask": None}


def _few_values(make: Maker, shape: tuple[int, ...]) -> object:
    """Multiples of 1/2, so that many windows have several maxima."""
    return np.round(2 * make.normal(*shape)) / 2


def _max_backward(make: Maker, shape: tuple[int, ...], out: tuple[int, ...], geometry: PoolGeometry) -> Arguments:
    # All gradient goes to the first pixels of the windows: a legal mask, and one where overlapping windows meet.
    mask = np.broadcast_to(first_pixels(shape[2:], out[2:], geometry), out).copy()
    return {"dy": make.normal(*out), "mask": mask, "dx": make.junk(*shape)}


def _average(make: Maker, shape: tuple[int, ...], out: tuple[int, ...], geometry: PoolGeometry) -> Arguments:
    return {"x": make.normal(*shape), "y": make.junk(*out)}


def _average_backward(make: Maker, shape: tuple[int, ...], out: tuple[int, ...], geometry: PoolGeometry) -> Arguments:
    return {"dy": make.normal(*out), "dx": make.junk(*shape)}


def _stochastic(make: Maker, shape: tuple[int, ...], out: tuple[int, ...], geometry: PoolGeometry) -> Arguments:
    return _stochastic_test(make, shape, out, geometry) | {"mask": make.junk_mask(*out), "uniform": make.uniform(*out)}


def _stochastic_test(make: Maker, shape: tuple[int, ...], out: tuple[int, ...], geometry: PoolGeometry) -> Arguments:
    # Multiples of 1/8: their sums are exact in any order, and so is the choice.
    x = np.round(8 * np.maximum(make.normal(*shape), 0)) / 8
    x[:1, :1] = 0
    return {"x": x, "y": make.junk(*out)}


ROWS = (
    _row("max_pool_forward", ("y", "mask"), _max, _max_alone),
    _row("max_pool_backward", ("dx",), _max_backward),
    _row("ave_pool_forward", ("y",), _average),
    _row("ave_pool_backward", ("dx",), _average_backward),
    _row("stochastic_pool_forward", ("y", "mask"), _stochastic),
    _row("stochastic_pool_test_forward", ("y",), _stochastic_test),
)
