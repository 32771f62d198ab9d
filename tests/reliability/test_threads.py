"""Several nets in one process, in several threads and with several engines, do not disturb each other."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from cortado import Net, Solver
from cortado.data import array_to_datum
from cortado.data.sources.lmdb import Lmdb
from cortado.engines import get_engine
from cortado.errors import MissingExtraError

NET = """
layer { name: "data" type: "Data" top: "data" top: "label" transform_param { mirror: true scale: 0.01 }
  data_param { source: "%s" backend: LMDB batch_size: 4 } cortado_data_param { shuffle: true } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: %d kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "lrn" type: "LRN" bottom: "conv" top: "lrn" }
layer { name: "pool" type: "Pooling" bottom: "lrn" top: "pool" pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "drop" type: "Dropout" bottom: "pool" top: "pool" }
layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
ENGINES = ["reference", "native"]
Job = tuple[str, int, int]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    with Lmdb.create(tmp_path / "db") as writer:
        for index in range(17):
            writer.put(
                b"%02d" % index,
                array_to_datum(rng.integers(0, 256, (2, 8, 8), np.uint8), index % 3).SerializeToString(),
            )
    return tmp_path / "db"


def train(database: Path, job: Job) -> list[bytes]:
    """Twenty iterations of a net of its own; jobs differ in engine, size and seed, so that buffers that were shared
    would show."""
    engine, size, seed = job
    path = database.parent / f"{threading.get_ident()}_{engine}_{size}_{seed}.prototxt"
    net = path.with_suffix(".net")
    net.write_text(NET % (database, size))
    path.write_text(f'net: "{net}" base_lr: 0.05 momentum: 0.9 type: "Adam" lr_policy: "fixed" max_iter: 20')
    solver = Solver(path, engine=engine, seed=seed)
    losses = [np.float64(row.loss).tobytes() for row in solver.train()]
    return losses + [p.blob.data.tobytes() for p in solver.net.learnable]


def test_training_in_threads(database: Path) -> None:
    try:
        get_engine("native")
    except MissingExtraError:
        pytest.skip("the native engine is not built")
    jobs: list[Job] = [(engine, size, seed) for engine in ENGINES for size in (2, 5) for seed in (1, 2)]
    alone = [train(database, job) for job in jobs]
    with ThreadPoolExecutor(len(jobs)) as pool:
        together = list(pool.map(lambda job: train(database, job), jobs))
    for job, one, other in zip(jobs, alone, together, strict=True):
        assert one == other, job


def test_the_first_use_may_come_from_many_threads_at_once(tmp_path: Path) -> None:
    """Registries and schemas are filled when they are first used: here by 8 threads in a process of their own."""
    import subprocess
    import sys

    program = """
import threading, cortado
from cortado.proto import parse_net
from cortado.plugins import plugin_manager
errors, barrier = [], threading.Barrier(8)
def use():
    barrier.wait()
    try:
        text = 'layer { name: "a" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } } ' \
               'layer { name: "b" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 2 } }'
        cortado.Net(parse_net(text, "t", plugin_manager().schema()))(x=[[1, 2, 3], [4, 5, 6]])
    except BaseException as error:
        errors.append(repr(error))
threads = [threading.Thread(target=use) for _ in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
print(errors)
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (found.stdout.strip(), found.stderr) == ("[]", "")


def test_two_nets_in_turn(database: Path) -> None:
    """The scratch memory of an engine is not what a net keeps from forward to backward."""
    (database.parent / "a").write_text(NET % (database, 3))
    (database.parent / "b").write_text(NET % (database, 6))

    def gradients(mixed: bool) -> list[bytes]:
        first = Net(database.parent / "a", 0, engine="reference", seed=1)
        second = Net(database.parent / "b", 0, engine="reference", seed=2)
        first.forward()
        if mixed:
            second.forward()
            second.backward()
        first.backward()
        return [p.blob.diff.tobytes() for p in first.learnable]

    assert gradients(mixed=False) == gradients(mixed=True)
