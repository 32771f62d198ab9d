"""Kernels on hostile shapes: nothing, one pixel, windows larger than images, padding larger than windows, huge strides.

Shapes are drawn anew for each seed, in place of those of the table. Arrays end where their memory ends and begin at odd
places, so that ``benchmarks/sanitize.sh`` sees a single number read or written beyond them. ``CORTADO_HOSTILE=300``
tries 300 seeds instead of 2.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice
from unittest.mock import patch

import numpy as np
import pytest

from cortado.engines import get_engine
from cortado.engines.geometry import ConvGeometry, PoolGeometry
from cortado.engines.table import (
    FAMILIES,
    Maker,
    convolution,
    copy_arguments,
    kernel,
    linear,
    normalization,
    pooling,
    softmax,
)

SEEDS = int(os.environ.get("CORTADO_HOSTILE", "2"))
SIZES = [0, 1, 1, 1, 2, 3, 4, 5, 7, 8, 13, 15, 16, 17, 31, 33, 63, 65, 129]
MOST = 20_000
"""Numbers in an image or in weights."""


class EdgeMaker(Maker):
    """Arrays at the end of their memory, one to seven numbers after its beginning."""

    def __getattribute__(self, name: str) -> object:
        found = super().__getattribute__(name)
        if name not in {"normal", "positive", "uniform", "whole", "junk", "junk_mask"}:
            return found

        def made(*arguments: int) -> np.ndarray:
            array = np.asarray(found(*arguments))  # type: ignore[operator]
            shift = 1 + array.size % 7
            room = np.empty(array.size + shift, array.dtype)
            room[shift:] = array.reshape(-1)
            return room[shift:].reshape(array.shape)

        return made


def axes(rng: random.Random, choices: list[int]) -> tuple[int, ...]:
    return tuple(rng.choice(choices) for _ in range(rng.choice([1, 2, 2, 2, 2, 3])))


def geometry(rng: random.Random, count: int) -> dict[str, tuple[int, ...]]:
    """A window on each of *count* axes; sometimes the same on all, as layers have it."""

    def drawn(choices: list[int]) -> tuple[int, ...]:
        return (
            (rng.choice(choices),) * count if rng.random() < 0.6 else tuple(rng.choice(choices) for _ in range(count))
        )

    return {
        "kernel": drawn([1, 1, 2, 3, 3, 3, 4, 5, 7, 11]),
        "stride": drawn([1, 1, 1, 2, 2, 3, 4, 5, 17, 1000]),
        "pad": drawn([0, 0, 1, 1, 2, 3, 6, 12, 40]),
        "dilation": drawn([1, 1, 1, 2, 3, 9]),
    }


def convolutions(rng: random.Random) -> Iterator[tuple[str, convolution.Shape]]:
    """Among them many of the fast ways: 3 x 3 without stride, 1 x 1, one channel a group."""
    while True:
        spatial, groups = axes(rng, [1, 1, 2, 3, 4, 5, 6, 7, 8, 14, 15, 17, 33]), rng.choice([1, 1, 1, 2, 3, 8])
        window = geometry(rng, len(spatial))
        if rng.random() < 0.4:
            window |= {"kernel": (rng.choice([1, 3]),) * len(spatial), "stride": (1,) * len(spatial)}
        shape = ConvGeometry(**window, groups=groups)
        inputs, outputs = (groups * rng.choice([1, 1, 2, 3, 7, 16, 33]) for _ in range(2))
        batch, out = rng.choice([0, 1, 1, 2, 3, 5]), shape.output_size(spatial)
        columns = inputs * shape.taps * int(np.prod(out))
        if min(out) > 0 and max(inputs * np.prod(spatial), outputs * np.prod(out), columns / 8) <= MOST:
            yield (
                f"{batch}x{inputs}->{outputs} {spatial} {shape}",
                convolution.Shape(batch, inputs, outputs, spatial, shape),
            )


def pools(rng: random.Random) -> Iterator[tuple[str, pooling.Shape]]:
    """Padding is smaller than the window: Caffe asks for that, and so does the layer."""
    while True:
        spatial = axes(rng, [1, 1, 2, 3, 4, 5, 7, 8, 16, 17, 33])
        window = geometry(rng, len(spatial))
        pad = tuple(min(p, k - 1) for p, k in zip(window["pad"], window["kernel"], strict=True))
        shape = PoolGeometry(window["kernel"], window["stride"], pad, rng.random() < 0.7)
        channels = (rng.choice([0, 1, 1, 2]), rng.choice([1, 2, 5, 17]))
        if min(shape.output_size(spatial)) > 0:
            yield f"{channels} {spatial} {shape}", ((*channels, *spatial), shape)


def images(rng: random.Random) -> Iterator[tuple[str, tuple[int, ...]]]:
    while True:
        shape = (rng.choice([0, 1, 2]), rng.choice([1, 2, 3, 5, 17, 33]), *axes(rng, [1, 1, 2, 3, 7, 16, 17]))
        yield str(shape), shape


def sizes(letters: str, least: int = 0) -> Callable[[random.Random], Iterator[tuple[str, dict[str, int]]]]:
    def drawn(rng: random.Random) -> Iterator[tuple[str, dict[str, int]]]:
        while True:
            size = {letter: max(least, rng.choice(SIZES)) for letter in letters}
            if np.prod(list(size.values())) <= MOST:
                yield str(size), size

    return drawn


TABLES = [
    (convolution.SHAPES, convolutions),
    (pooling.SHAPES, pools),
    (normalization.IMAGES, images),
    (normalization.ROW_SIZES, sizes("oi", 1)),
    (softmax.SIZES, sizes("oci", 1)),
    (linear.SIZES, sizes("mnk")),
    (kernel.ELEMENTS, sizes("oci")),
]
"""The shapes of the table's rows, and what is drawn in their place."""


def same(found: np.ndarray, expected: np.ndarray) -> bool:
    scale = max(1.0, float(np.abs(expected[np.isfinite(expected)]).max(initial=0)))
    return np.allclose(found, expected, rtol=1e-3, atol=1e-3 * scale, equal_nan=True)


@pytest.fixture(params=range(SEEDS))
def seed(request: pytest.FixtureRequest) -> Iterator[int]:
    """A seed, with whose shapes the tables are filled."""
    rng = random.Random(request.param)
    with ExitStack() as stack:
        for table, drawn in TABLES:
            shapes = dict(islice(drawn(rng), 6))
            if table is convolution.SHAPES:
                shapes["3x3"] = next(iter(shapes.values()))  # a row asks for it by name
            stack.enter_context(patch.dict(table, shapes, clear=True))
        yield request.param


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("family", FAMILIES)
def test_hostile_shapes(family: str, seed: int, engine) -> None:
    reference = get_engine("reference")
    for row in FAMILIES[family]:
        for case in row.cases(EdgeMaker(seed=seed), False):
            expected = copy_arguments(case.arguments)
            want = getattr(reference, row.name)(**expected)
            got = getattr(engine, row.name)(**case.arguments)
            where = f"{row.name}, {case.label}"
            assert want is None or same(np.asarray(got), np.asarray(want)), where
            for output in row.outputs:
                if expected[output] is not None:
                    assert same(case.arguments[output], expected[output]), f"{where}: {output}"
