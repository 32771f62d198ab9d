"""The ways that a convolution may go beyond what the table's small cases reach: many channels, Winograd, threads."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from cortado.engines import ConvGeometry, get_engine

# batch, channels, size, outputs, geometry
SHAPES = {
    "1x1 deep": (2, 130, (14, 14), 70, ConvGeometry((1, 1))),
    "1x1 over images": (5, 40, (7, 7), 33, ConvGeometry((1, 1))),
    "1x1 strided": (2, 40, (14, 14), 33, ConvGeometry((1, 1), (2, 2))),
    "3x3 wide": (2, 64, (30, 45), 48, ConvGeometry((3, 3), pad=(1, 1))),
    "3x3 narrow": (8, 48, (13, 13), 96, ConvGeometry((3, 3), pad=(1, 1))),
    "3x3 grouped": (4, 128, (13, 14), 96, ConvGeometry((3, 3), pad=(1, 1), groups=2)),
    "3x3 without padding": (3, 35, (19, 22), 45, ConvGeometry((3, 3))),
    "3x3 padded by 2": (3, 35, (19, 22), 45, ConvGeometry((3, 3), pad=(2, 2))),
    "3x3 strided": (2, 20, (31, 30), 40, ConvGeometry((3, 3), (2, 2), (1, 1))),
    "5x5": (3, 20, (17, 16), 40, ConvGeometry((5, 5), pad=(2, 2))),
    "5x5 in blocks": (9, 26, (8, 8), 31, ConvGeometry((5, 5), pad=(2, 2))),
    "5x5 grouped": (2, 12, (12, 20), 14, ConvGeometry((5, 5), pad=(2, 1), groups=2)),
    "5x5 dilated": (2, 3, (19, 18), 7, ConvGeometry((5, 5), pad=(4, 4), dilation=(2, 2))),
    "4x5 strided apart": (2, 3, (41, 47), 9, ConvGeometry((4, 5), (3, 4), (1, 2))),
    "large plane": (1, 2, (70, 90), 5, ConvGeometry((5, 5), pad=(2, 2))),
    "7x7 strided": (2, 3, (61, 67), 24, ConvGeometry((7, 7), (2, 2), (3, 3))),
    "11x11 strided": (2, 3, (67, 67), 24, ConvGeometry((11, 11), (4, 4))),
    "depthwise": (2, 18, (28, 29), 18, ConvGeometry((3, 3), pad=(1, 1), groups=18)),
    "depthwise strided": (2, 18, (28, 29), 18, ConvGeometry((3, 3), (2, 2), (1, 1), groups=18)),
    "depthwise strided, no padding": (1, 5, (9, 35), 5, ConvGeometry((3, 3), (2, 2), groups=5)),
    "depthwise strided, two each": (2, 6, (20, 33), 12, ConvGeometry((3, 3), (2, 2), (2, 2), groups=6)),
    "depthwise 5x5": (2, 6, (21, 20), 12, ConvGeometry((5, 5), (2, 1), (2, 2), groups=6)),
    "one row": (2, 16, (1, 200), 32, ConvGeometry((1, 9), pad=(0, 4))),
}


def passes(engine, name, dtype=np.float32, seed=0):
    """Forward, backward to data and to weights: what they give, and how long the sums behind are."""
    batch, channels, size, outputs, geometry = SHAPES[name]
    rng = np.random.default_rng(seed)
    out = geometry.output_size(size)
    x = rng.normal(size=(batch, channels, *size)).astype(np.float32)
    w = rng.normal(size=(outputs, channels // geometry.groups, *geometry.kernel)).astype(np.float32)
    b = rng.normal(size=outputs).astype(np.float32)
    dy = rng.normal(size=(batch, outputs, *out)).astype(np.float32)
    x, w, b, dy = (np.asarray(array, dtype) for array in (x, w, b, dy))
    y, dx = np.full(dy.shape, np.nan, dtype), np.full(x.shape, np.nan, dtype)
    dw, db = np.ones_like(w), np.ones_like(b)
    engine.conv_forward(x, w, b, y, geometry)
    engine.conv_backward_data(dy, w, dx, geometry)
    engine.conv_backward_weights(x, dy, dw, db, geometry)
    depth = w[0].size
    return {"y": (y, depth), "dx": (dx, depth * outputs // channels), "dw": (dw, dy[:, 0].size), "db": (db, dy.size)}


def error(got, want):
    """The largest error over the size of a typical result, the root of the number of its terms."""
    return {k: float(np.abs(got[k][0] - want[k][0]).max()) / max(1, want[k][1]) ** 0.5 for k in want}


@pytest.mark.parametrize("name", SHAPES)
def test_all_three_passes_agree_with_float64(name, engine):
    want = passes(get_engine("reference"), name, np.float64)
    for output, size in error(passes(engine, name), want).items():
        assert size < 1e-4, output


def test_the_number_of_threads_changes_no_bit(native):
    before = native.threads
    found = {}
    try:
        for threads in (1, 2, 3):
            native.set_threads(threads)
            found[threads] = {name: passes(native, name) for name in SHAPES}
    finally:
        native.set_threads(before)
    assert native.threads == before
    for threads in (2, 3):
        for name in SHAPES:
            for output, (array, _) in found[threads][name].items():
                np.testing.assert_array_equal(array, found[1][name][output][0], err_msg=f"{name}: {output}")


def test_the_same_call_gives_the_same_bits(native):
    first, second = passes(native, "3x3 wide"), passes(native, "3x3 wide")
    for name in first:
        np.testing.assert_array_equal(first[name][0], second[name][0])


def test_winograd_everywhere_and_nowhere(native):
    """In processes of their own, as the choice is made once. The errors are what docs/performance.md states."""
    script = """
import sys
sys.path.insert(0, sys.argv[1])
from test_convolution import SHAPES, error, passes
from cortado.engines import get_engine
import numpy as np
for name in ("3x3 wide", "3x3 narrow", "3x3 grouped", "3x3 without padding", "3x3 padded by 2"):
    want = passes(get_engine("reference"), name, np.float64)
    print(max(error(passes(get_engine("native"), name), want).values()))
"""
    worst = {}
    for wish in ("0", "1"):
        run = subprocess.run(
            [sys.executable, "-c", script, os.path.dirname(__file__)],
            env={**os.environ, "CORTADO_WINOGRAD": wish},
            capture_output=True,
            text=True,
            check=True,
        )
        worst[wish] = max(float(line) for line in run.stdout.split())
    assert worst["0"] < 5e-6
    assert worst["1"] < 1e-4


@pytest.mark.parametrize("wish", ["0", "1"])
@pytest.mark.parametrize("way", ["CORTADO_SHIFTED", "CORTADO_COLUMNS"])
def test_a_way_everywhere_and_nowhere(way, wish):
    """In a process of its own, as the choice is made once; on all instruction sets that the machine has."""
    script = """
import sys
sys.path.insert(0, sys.argv[1])
from test_convolution import SHAPES, error, passes
from cortado.engines import get_engine
import numpy as np
native = get_engine("native")
for name in SHAPES:
    want = passes(get_engine("reference"), name, np.float64)
    for isa in ("avx512", "avx2", "baseline"):
        if native.use_isa(isa):
            print(max(error(passes(native, name), want).values()))
"""
    run = subprocess.run(
        [sys.executable, "-c", script, os.path.dirname(__file__)],
        env={**os.environ, "CORTADO_WINOGRAD": "0", "CORTADO_SHIFTED": "0", "CORTADO_COLUMNS": "0", way: wish},
        capture_output=True,
        text=True,
        check=True,
    )
    errors = [float(line) for line in run.stdout.split()]
    assert len(errors) >= len(SHAPES)
    assert max(errors) < 5e-6


def test_a_steady_state_allocates_nothing(native):
    """On one thread the second round takes what the first did; which of several takes which task is chance, so it may
    be some rounds until all have their memory."""
    from cortado.engines.native import _kernels

    def rounds(count):
        for _ in range(count):
            for name in SHAPES:
                passes(native, name)
            yield _kernels.workspace_bytes()

    before = native.threads
    try:
        native.set_threads(1)
        first, second = rounds(2)
        assert first == second
    finally:
        native.set_threads(before)
    held = [0]
    for size in rounds(60):
        held.append(size)
        if held[-4:] == [size] * 4:
            return
    raise AssertionError(f"working memory grows on: {held}")


@pytest.mark.parametrize("name", SHAPES)
def test_packed_weights_change_nothing(name, engine):
    batch, channels, size, outputs, geometry = SHAPES[name]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, channels, *size)).astype(np.float32)
    w = rng.normal(size=(outputs, channels // geometry.groups, *geometry.kernel)).astype(np.float32)
    wide = rng.normal(size=(batch, outputs + 3, *geometry.output_size(size))).astype(np.float32)
    before, y = wide.copy(), wide[:, 2:-1]
    plain = np.empty_like(y)
    engine.conv_forward(x, w, None, plain, geometry)
    engine.conv_fused(x, w, None, y, True, 0.25, engine.pack_convolution(x.shape, w, geometry), geometry)
    total = plain + before[:, 2:-1]
    expected = np.where(total > 0, total, np.float32(0.25) * total)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    np.testing.assert_array_equal(wide[:, :2], before[:, :2])
    np.testing.assert_array_equal(wide[:, -1:], before[:, -1:])


def test_weights_packed_for_another_shape_are_not_used(engine):
    batch, channels, size, outputs, geometry = SHAPES["3x3 wide"]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, channels, *size)).astype(np.float32)
    w = rng.normal(size=(outputs, channels, *geometry.kernel)).astype(np.float32)
    packed = engine.pack_convolution((batch, channels, 5, 5), w, geometry)
    y, expected = (np.empty((batch, outputs, *geometry.output_size(size)), np.float32) for _ in range(2))
    engine.conv_fused(x, w, None, y, False, None, packed, geometry)
    engine.conv_forward(x, w, None, expected, geometry)
    np.testing.assert_array_equal(y, expected)
