"""What the tests run on every rank: ``mpirun -n 2 python worker.py NAME FOLDER ARGUMENTS``.

The function NAME gets the communicator and the arguments; what it returns on rank r goes to ``FOLDER/r.json``.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from cortado import Solver
from cortado.plugins import plugin_manager
from cortado.proto import parse_text
from cortado.solver import Callback
from cortado.solver.parallel import Communicator, agreement, choose_communicator, ending_all
from cortado.solver.parallel.base import zeros
from cortado.solver.run_state import run_state_of

DATA = """
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
  transform_param { scale: 0.01 mean_value: 128 } data_param { source: "%(records)s/train" backend: LMDB
  batch_size: %(batch)d } }
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST }
  transform_param { scale: 0.01 mean_value: 128 } data_param { source: "%(records)s/test" backend: LMDB
  batch_size: 2 } }
"""
PLAIN = """
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" param { lr_mult: 1 } param { lr_mult: 2
  decay_mult: 0 } convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "fixed" type: "Convolution" bottom: "conv" top: "fixed" param { lr_mult: 0 } param { lr_mult: 0 }
  convolution_param { num_output: 4 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "tanh" type: "TanH" bottom: "fixed" top: "fixed" }
layer { name: "ip1" type: "InnerProduct" bottom: "fixed" top: "ip1" param { name: "w" } param { name: "b" }
  inner_product_param { num_output: 80 weight_filler { type: "xavier" } } }
layer { name: "s1" type: "Sigmoid" bottom: "ip1" top: "ip1" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2" param { name: "w" } param { name: "b" }
  inner_product_param { num_output: 80 weight_filler { type: "xavier" } } }
layer { name: "ip3" type: "InnerProduct" bottom: "ip2" top: "ip3"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip3" bottom: "label" top: "loss" }
layer { name: "accuracy" type: "Accuracy" bottom: "ip3" bottom: "label" top: "accuracy" include { phase: TEST } }
"""
NORMED = """
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 bias_term: false weight_filler { type: "xavier" } } }
layer { name: "norm" type: "BatchNorm" bottom: "conv" top: "conv" batch_norm_param { moving_average_fraction: 0.9 } }
layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: true } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
%(more)s
layer { name: "ip3" type: "InnerProduct" bottom: "conv" top: "ip3"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip3" bottom: "label" top: "loss" }
layer { name: "accuracy" type: "Accuracy" bottom: "ip3" bottom: "label" top: "accuracy" include { phase: TEST } }
"""
DROPOUT = 'layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" }'

SGD = 'type: "SGD" base_lr: 0.05 lr_policy: "fixed" momentum: 0.9 '
OPTIMIZERS = {
    "SGD": SGD + "weight_decay: 0.01",
    "Nesterov": 'type: "Nesterov" base_lr: 0.05 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.01',
    "AdaGrad": 'type: "AdaGrad" base_lr: 0.05 lr_policy: "fixed" weight_decay: 0.01',
    "RMSProp": 'type: "RMSProp" base_lr: 0.005 lr_policy: "fixed" rms_decay: 0.9 weight_decay: 0.01',
    "AdaDelta": 'type: "AdaDelta" base_lr: 1 lr_policy: "fixed" momentum: 0.9 delta: 1e-5 weight_decay: 0.01',
    "Adam": 'type: "Adam" base_lr: 0.005 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.01',
    "AdamW": 'type: "AdamW" base_lr: 0.005 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.01',
    "NAdam": 'type: "NAdam" base_lr: 0.005 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.01',
    "Lion": 'type: "Lion" base_lr: 0.001 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.01',
}
REGULARIZERS = ("L2", "L1", "ElasticNet")
DECOUPLED = ("AdamW", "Lion")
"""Optimizers that decay weights themselves, in the way of L2, and refuse another."""
CASES = {
    **OPTIMIZERS,
    **{
        f"{optimizer}, clipping, {regularizer}": f'{text} clip_gradients: 0.2 regularization_type: "{regularizer}"'
        for optimizer, text in OPTIMIZERS.items()
        for regularizer in (REGULARIZERS if optimizer not in DECOUPLED else ["L2"])
    },
    "iter_size": SGD + "iter_size: 2 weight_decay: 0.01",
    "one bucket a blob": SGD + "parallel_param { bucket_mb: 1e-6 }",
    "small buckets": SGD + "parallel_param { bucket_mb: 0.01 }",
    "max norm": SGD + "max_norm_param { limit: 1 }",
}


def make(
    text: str, records: str, communicator: Communicator | None, batch: int = 4, net: str = PLAIN, **more: Any
) -> Solver:
    """A solver of *net* as *text* says."""
    definition = (DATA + net) % {"records": records, "batch": batch, "more": ""}
    text = f"net_param {{ {definition} }} max_iter: 20 test_iter: 6 test_interval: 100 {text} "
    fields = more.pop("extra", "")
    text += "" if "random_seed" in fields else "random_seed: 5 "
    if "parallel_param" not in text + fields:
        fields += " parallel_param { timeout: 60 }"
    message = parse_text(text + fields, plugin_manager().schema().message("SolverParameter"), "test").message
    return Solver(message, communicator=communicator, **{"engine": "reference", **more})


def distance(a: Solver, b: Solver) -> dict[str, float]:
    """For each learned blob, the greatest difference by the greatest value."""
    pairs = [(p, q) for p, q in zip(a.net.learnable, b.net.learnable, strict=True)]
    return {p.label: float(abs(p.blob.data - q.blob.data).max() / (abs(q.blob.data).max() or 1)) for p, q in pairs}


def equal(communicator: Communicator, records: str, dtype: str) -> Any:
    """For every case, after each of 20 iterations, how far the ranks are from one process with iter_size. Three ranks
    do as between hosts: they share no memory, and transfers have a thread."""
    if communicator.size == 3:
        communicator.background = True
        communicator.arrays = zeros  # type: ignore[method-assign]
    found = {}
    for name, text in CASES.items():
        solver = make(text, records, communicator, dtype=dtype)
        alone = make(text, records, None, dtype=dtype) if communicator.rank == 0 else None
        if alone is not None:
            alone.param.iter_size *= communicator.size
        listen, worst = Listen(), dict[str, float]()
        solver.callbacks.append(listen)
        moved = {p.label: p.blob.data.copy() for p in solver.net.learnable}
        for metrics in solver.train(20):
            if alone is None:
                continue
            (metrics_alone,) = alone.train(1)
            worst["loss"] = max(worst.get("loss", 0), abs(metrics.loss - metrics_alone.loss))
            for label, value in distance(solver, alone).items():
                worst[label] = float(np.maximum(worst.get(label, 0), value))  # a NaN stays
        clipped = sum(text.startswith("Gradient clipping: scaling down") for text in listen.notes)
        still = [p.label for p in solver.net.learnable if np.array_equal(moved[p.label], p.blob.data)]
        found[name] = {"worst": worst, "still": still, "clipped": clipped}
    return found


def normed(communicator: Communicator, records: str) -> Any:
    """The same with synchronised BatchNorm, against one process with a batch as large as all; then local statistics."""
    found = {}
    for synced in (True, False):
        option = f"parallel_param {{ sync_batch_norm: {str(synced).lower()} }}"
        solver = make(SGD, records, communicator, net=NORMED, dtype="float64", extra=option)
        solver.step(10)
        if communicator.rank == 0:
            alone = make(SGD, records, None, batch=4 * communicator.size, net=NORMED, dtype="float64")
            alone.step(10)
            found["synced" if synced else "local"] = distance(solver, alone)
    return found


def tests(communicator: Communicator, records: str) -> Any:
    """The result of a test by rank 0, and by all, each after a few iterations; then of what may not be divided."""
    rows = []
    for divided in ("false", "true"):
        solver = make(SGD, records, communicator, net=NORMED, extra=f"parallel_param {{ divide_tests: {divided} }}")
        solver.step(3)
        rows.append([vars(solver.test()[0]), vars(solver.test()[0])])
    try:
        solver = make(
            SGD, records, communicator, extra="parallel_param { divide_tests: true }", fields={"test_iter": [7]}
        )
    except Exception as error:
        rows.append(str(error))
    return rows


def half(communicator: Communicator, records: str) -> Any:
    """How far 16-bit transfer is from 32-bit, after one iteration and after 20; all ranks hold the same."""
    full = make(SGD, records, communicator)
    halved = make(SGD, records, communicator, extra="parallel_param { half: true bucket_mb: 0.01 }")
    found = []
    for count in (1, 19):
        full.step(count)
        halved.step(count)
        found.append(distance(halved, full))
    sums = [float(p.blob.data.sum(dtype=np.float64)) for p in halved.net.learnable]
    return {"distance": found, "sums": sums}


def trained(communicator: Communicator, records: str) -> Any:
    """The weights after 10 iterations in several ways, as checksums, and the host that this rank is on."""
    ways = {name: (CASES[name], "") for name in ("SGD", "Adam", "SGD, clipping, L2", "one bucket a blob")}
    ways["half"] = SGD, "parallel_param { half: true }"
    ways["normed"] = SGD, "parallel_param { sync_batch_norm: true }"
    found: dict[str, Any] = {"host": socket.gethostname()}
    shares = communicator.arrays([4], np.float32)[0].base is not None  # memory that is not its own
    for name, (text, extra) in ways.items():
        solver = make(text, records, communicator, net=NORMED if name == "normed" else PLAIN, extra=extra)
        solver.step(10)
        found[name] = [zlib.crc32(p.blob.data.tobytes()) for p in solver.net.learnable]
    found["how"] = {"shared": shares, "thread": communicator.background}
    return found


def start(communicator: Communicator, records: str) -> Any:
    """Without a seed in the file, and with weights that differ before the start: what each rank begins with."""
    solver = make(SGD, records, communicator, net=NORMED.replace("%(more)s", DROPOUT), extra="random_seed: -1")
    filled = [float(p.blob.data.sum(dtype=np.float64)) for p in solver.net.learnable]
    solver.net.learnable[0].blob.data[...] += communicator.rank
    solver.step(1)
    after = [float(p.blob.data.sum(dtype=np.float64)) for p in solver.net.learnable if p.layer.name != "norm"]
    drop = next(layer for layer in solver.net.layers if layer.type == "Dropout")
    return {
        "seed": solver.seed,
        "filled": filled,
        "after": after,
        "stream": float(drop.rng.random()),
        "run": solver.run_id,
    }


def differ(communicator: Communicator, records: str, what: str) -> Any:
    """Ranks that do not agree."""
    odd = communicator.rank == communicator.size - 1
    if what in ("plugins", "cortado"):
        version, facts = f"1.{int(odd)}", agreement.facts_of
        agreement.facts_of = lambda solver: {
            **facts(solver),
            what: {"lucid": version} if what == "plugins" else version,
        }
    text = SGD + ("weight_decay: 0.5" if odd and what == "solver" else "")
    net = PLAIN.replace('"Sigmoid"', '"TanH"') if odd and what == "net" else PLAIN
    engine = "native" if odd and what == "engine" else "reference"
    dtype = "float64" if odd and what == "dtype" else "float32"
    try:
        make(text, records, communicator, net=net, engine=engine, dtype=dtype).step(1)
    except Exception as error:
        return str(error)
    return None


class Listen(Callback):
    """Keeps what the log is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def on_message(self, solver: Solver, source: str, text: str) -> None:
        self.notes.append(text)


class Stumble(Callback):
    """At the start of iteration *at* the last rank does *what*."""

    def __init__(self, communicator: Communicator, what: str, at: int = 3) -> None:
        self.communicator, self.what, self.at = communicator, what, at

    def on_iteration(self, solver: Solver, metrics: Any) -> None:
        if solver.iteration != self.at or self.communicator.rank != self.communicator.size - 1:
            return
        if self.what == "hang":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif self.what == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.what == "cut":
            subprocess.run(["ip", "link", "set", "cable", "down"], check=True)
        elif self.what == "raise":
            raise ValueError("the disk is on fire")
        elif self.what == "stop":
            solver.request_stop()
        elif self.what == "nan":
            solver.net.learnable[0].blob.data[...] = np.nan
        elif self.what == "drift":
            solver.net.learnable[0].blob.data[...] += 1


def stumble(communicator: Communicator, records: str, what: str) -> Any:
    """A run in which one rank stumbles."""
    with ending_all(communicator):
        solver = make(
            SGD, records, communicator, extra=f'snapshot_prefix: "{Path.cwd()}/s" parallel_param {{ timeout: 2 }}'
        )
        solver.callbacks.append(Stumble(communicator, what))
        solver.solve()
    return {"iteration": solver.iteration, "stopped": solver.stopped}


def resume(communicator: Communicator, records: str, prefix: str, upto: int, state: str = "") -> Any:
    """Train to iteration *upto*, from *state* if that is given, and write a snapshot."""
    listen = Listen()
    net = NORMED.replace("%(more)s", DROPOUT)
    solver = make(SGD, records, communicator, net=net, extra=f'snapshot_prefix: "{prefix}"')
    solver.callbacks.append(listen)
    if state:
        solver.restore(state)
    losses = [metrics.loss for metrics in solver.train(int(upto) - solver.iteration)]
    solver.snapshot()
    positions = [row["state"]["position"] for row in run_state_of(solver)["nets"][0] if "position" in row["state"]]
    return {"losses": losses, "notes": listen.notes, "positions": positions}


def slow_test(communicator: Communicator, records: str) -> Any:
    """Rank 0 tests for longer than the others may wait without a sign."""
    solver = make(SGD, records, communicator, extra="parallel_param { timeout: 2 }")
    solver.step(1)
    if communicator.rank == 0:
        net, forward = solver.test_nets[0], solver.test_nets[0].forward
        net.forward = lambda *_: (time.sleep(0.8), forward())[1]  # type: ignore[method-assign]
    return len(solver.test())


def main() -> None:
    name, folder, *arguments = sys.argv[1:]
    communicator = choose_communicator("auto", plugin_manager())
    found = globals()[name](communicator, *arguments)
    Path(folder, f"{communicator.rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
