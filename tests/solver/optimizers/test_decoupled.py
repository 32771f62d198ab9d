"""Optimizers that decay weights by themselves: how much, where, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cortado.errors import SolverError

BASE = 'base_lr: 0.1\nlr_policy: "fixed"\nmax_iter: 10\nrandom_seed: 5\n'
STILL = """
name: "still"
layer { name: "data" type: "DummyData" top: "x" top: "y"
  dummy_data_param { shape { dim: 2 dim: 3 } shape { dim: 2 dim: 1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "p" param { decay_mult: 1 } param { decay_mult: 0 }
  inner_product_param { num_output: 1 weight_filler { value: 2 } bias_filler { value: 0 } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "p" bottom: "y" top: "loss" }
"""
"""All data are 0, and with the bias at 0 all gradients too: what moves a weight is its decay."""


@pytest.mark.parametrize("kind", ["AdamW", "Lion"])
def test_weights_shrink_by_rate_times_decay_alone(make: Any, kind: str) -> None:
    solver = make(f'type: "{kind}" weight_decay: 0.5', net=STILL)
    solver.step(3)
    weights, bias = solver.net.params["ip"]
    np.testing.assert_allclose(weights.data, 2 * (1 - 0.1 * 0.5) ** 3, rtol=1e-6)
    np.testing.assert_array_equal(bias.data, 0)
    assert all((history == 0).all() for rows in solver.history for history in rows), "the decay is in no mean"


def test_adam_puts_it_into_the_gradient(make: Any) -> None:
    solver = make('type: "Adam" momentum: 0.9 weight_decay: 0.5', net=STILL)
    solver.step(1)
    np.testing.assert_allclose(solver.net.params["ip"][0].data, 2 - 0.1, rtol=1e-5)


@pytest.mark.parametrize("kind", ["AdamW", "Lion"])
def test_other_regularizers_are_refused(make: Any, kind: str) -> None:
    with pytest.raises(SolverError, match=f'{kind} decays the weights itself.*regularization_type: "L1"'):
        make(f'type: "{kind}" regularization_type: "L1"')


def test_lion_wants_shares(make: Any) -> None:
    with pytest.raises(SolverError, match=r"Lion needs momentum2 from 0 to 1; got momentum2: 1.5"):
        make('type: "Lion" momentum2: 1.5')


@pytest.mark.parametrize("kind", ["AdamW", "NAdam", "Lion"])
def test_a_resumed_run_goes_on_as_if_it_had_not_stopped(make: Any, kind: str) -> None:
    through, first, second = (make(f'type: "{kind}" weight_decay: 0.01') for _ in range(3))
    data = np.random.default_rng(0).normal(size=(6, 4, 3))

    def run(solver: Any, batches: Any) -> None:
        solver.net.steps = solver.net.steps[1:]  # the batches are given instead of drawn
        for batch in batches:
            solver.net.blobs["x"].data[...] = batch
            solver.net.blobs["y"].data[...] = 1
            solver.step(1)

    run(through, data)
    run(first, data[:3])
    second.restore(first.snapshot())
    run(second, data[3:])
    for a, b in zip(through.net.learnable, second.net.learnable, strict=True):
        np.testing.assert_array_equal(a.blob.data, b.blob.data)
