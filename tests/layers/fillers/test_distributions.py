"""Every random filler against the mean, the spread and the bounds that its definition gives."""

from __future__ import annotations

from math import inf, sqrt

import numpy as np
import pytest

WEIGHTS = (64, 32, 5, 5)  # fan-in 800, fan-out 1600

# text, shape, mean, standard deviation, lowest, highest
CASES = [
    ('type: "xavier"', WEIGHTS, 0, sqrt(1 / 800), -0.0612372436, 0.0612372436),
    ('type: "xavier" variance_norm: FAN_OUT', WEIGHTS, 0, 0.025, -0.0433012702, 0.0433012702),
    ('type: "xavier" variance_norm: AVERAGE', WEIGHTS, 0, sqrt(1 / 1200), -0.05, 0.05),
    ('type: "xavier"', (250, 200), 0, sqrt(1 / 200), -0.1224744871, 0.1224744871),
    ('type: "xavier"', (20000,), 0, 1, -1.7320508076, 1.7320508076),
    ('type: "msra"', WEIGHTS, 0, 0.05, -inf, inf),
    ('type: "msra" variance_norm: FAN_OUT', WEIGHTS, 0, sqrt(2 / 1600), -inf, inf),
    ('type: "msra" variance_norm: AVERAGE', WEIGHTS, 0, sqrt(2 / 1200), -inf, inf),
    ('type: "msra"', (20000,), 0, sqrt(2), -inf, inf),
    ('type: "gaussian"', WEIGHTS, 0, 1, -inf, inf),
    ('type: "gaussian" mean: 1.5 std: 0.25', WEIGHTS, 1.5, 0.25, -inf, inf),
    ('type: "uniform"', WEIGHTS, 0.5, sqrt(1 / 12), 0, 1),
    ('type: "uniform" min: -2 max: 0.5', WEIGHTS, -0.75, 2.5 / sqrt(12), -2, 0.5),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize(("text", "shape", "mean", "std", "low", "high"), CASES)
def test_mean_spread_and_bounds(fill, text, shape, mean, std, low, high, dtype):
    array = fill(text, shape, dtype)
    assert array.dtype == dtype
    values = array.astype(np.float64)
    error = std / sqrt(values.size)
    assert abs(values.mean() - mean) < 5 * error + 1e-4 * (dtype is np.float16)
    assert abs(values.std() - std) < 5 * error
    slack = 1e-3 if dtype is np.float16 else 1e-7
    assert values.min() >= (low - slack * abs(low) if low else 0)
    assert values.max() <= high + slack * abs(high)


def test_uniform_is_flat_and_gaussian_is_not(fill):
    edges = np.linspace(-0.05, 0.05, 11)
    flat, _ = np.histogram(fill('type: "xavier" variance_norm: AVERAGE', WEIGHTS), edges)
    assert flat.min() > 0.95 * flat.max()
    bell = fill('type: "gaussian"', WEIGHTS)
    assert abs(np.mean(np.abs(bell) < 1) - 0.6827) < 0.01
    assert abs(np.mean(np.abs(bell) < 2) - 0.9545) < 0.005


def test_the_stream_decides(fill):
    for kind in ("gaussian", "uniform", "xavier", "msra", "positive_unitball"):
        text = f'type: "{kind}"'
        np.testing.assert_array_equal(fill(text, (3, 4), seed=1), fill(text, (3, 4), seed=1))
        assert (fill(text, (3, 4), seed=1) != fill(text, (3, 4), seed=2)).any()


@pytest.mark.parametrize("kind", ["constant", "gaussian", "uniform", "xavier", "msra", "positive_unitball"])
def test_an_empty_blob_is_left_alone(fill, kind):
    assert fill(f'type: "{kind}"', (0, 3)).shape == (0, 3)
