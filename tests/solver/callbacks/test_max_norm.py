"""The max-norm constraint: which rows it shortens, and by how much."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cortado.solver.callbacks.max_norm import MaxNorm

NET = """
name: "constrained"
layer { name: "data" type: "DummyData" top: "x" top: "y"
  dummy_data_param { shape { dim: 4 dim: 2 dim: 3 dim: 3 } shape { dim: 4 dim: 2 } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "c" convolution_param { num_output: 2 kernel_size: 2 } }
layer { name: "ip" type: "InnerProduct" bottom: "c" top: "p" inner_product_param { num_output: 2 } }
layer { name: "free" type: "InnerProduct" bottom: "p" top: "q" param { decay_mult: 0 }
  inner_product_param { num_output: 2 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "q" bottom: "y" top: "loss" }
"""


@pytest.fixture
def solver(make: Any) -> Any:
    return make("max_norm_param { limit: 2 }", net=NET)


def test_rows_longer_than_the_limit_are_cut(solver: Any) -> None:
    rng = np.random.default_rng(0)
    weights = solver.net.params["ip"][0]
    before = rng.normal(size=weights.shape).astype(np.float32)
    before[0] *= 5 / np.linalg.norm(before[0])
    before[1] *= 1.5 / np.linalg.norm(before[1])
    weights.data[...] = before
    MaxNorm().on_iteration(solver, None)  # type: ignore[arg-type]
    np.testing.assert_allclose(weights.data[0], before[0] * 2 / 5, rtol=1e-6)
    np.testing.assert_array_equal(weights.data[1], before[1])


def test_a_row_of_a_convolution_is_a_filter(solver: Any) -> None:
    weights = solver.net.params["conv"][0]
    weights.data[...] = 10
    MaxNorm().on_iteration(solver, None)  # type: ignore[arg-type]
    np.testing.assert_allclose(weights.data, 2 / np.sqrt(8), rtol=1e-6)


def test_biases_and_undecayed_blobs_are_left_alone(solver: Any) -> None:
    free, bias = solver.net.params["free"][0], solver.net.params["ip"][1]
    free.data[...] = bias.data[...] = 10
    MaxNorm().on_iteration(solver, None)  # type: ignore[arg-type]
    np.testing.assert_array_equal(free.data, 10)
    np.testing.assert_array_equal(bias.data, 10)


def test_holds_after_every_update(solver: Any) -> None:
    solver.net.params["ip"][0].data[...] = 3
    for _ in solver.train(3):
        rows = solver.net.params["ip"][0].data
        assert np.linalg.norm(rows, axis=1).max() <= 2 * (1 + 1e-6)
