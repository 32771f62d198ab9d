"""Cortado with its native engine (or the one that CORTADO_BENCH_ENGINE names)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable

import numpy as np

from cortado import Net, Solver
from cortado.engines import get_engine

SOLVER = """
net: "{model}"
base_lr: 0.001 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.0005
max_iter: 1000000 random_seed: 1 snapshot_after_train: false
"""


def make(model: str, mode: str, threads: int) -> tuple[Callable[[], None], str]:
    engine = get_engine(os.environ.get("CORTADO_BENCH_ENGINE", "native"))
    if threads and hasattr(engine, "set_threads"):
        engine.set_threads(threads)
    rng = np.random.default_rng(0)
    about = f"Cortado, {engine.isa}"
    if mode == "train":
        with tempfile.NamedTemporaryFile("w", suffix=".prototxt") as file:
            file.write(SOLVER.format(model=model))
            file.flush()
            solver = Solver(file.name, engine=engine)
        solver.spare_gradients()  # as cortado train does
        data, label = solver.net.blobs["data"].data, solver.net.blobs["label"].data
        data[...] = rng.standard_normal(data.shape)
        label[...] = rng.integers(0, 10, label.shape)
        return lambda: solver.step(1), about
    net = Net(model, engine=engine).inference()
    data = net.blobs["data"].data
    data[...] = rng.standard_normal(data.shape)
    return net.forward, about
