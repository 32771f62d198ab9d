"""Parallel: what a solver calls to train together with other processes. Alone, every call returns at once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import SolverError
from ...layers import Phase
from ..evaluate import evaluate
from ..metrics import TestResult
from ..run_file import pack_tree, unpack_tree
from .agreement import check_weights, compare
from .base import Communicator
from .reducer import Reducer
from .report import Report
from .single import Single

if TYPE_CHECKING:
    from ...netdef.net import Net
    from ..solver import Solver

LOSS, STOP, SNAPSHOT, INTERRUPTED = range(4)
"""What ranks tell each other in every iteration: their loss, and whether a signal or a callback wants something."""


class Parallel:
    """This process among those that train together.

    ``world`` processes with batch b do the training of one with ``iter_size`` times ``world`` and batch b: record i of
    an epoch is read by rank i % world, gradients are summed over ranks before they are clipped and averaged.

    Attributes: ``rank``, ``world``; ``root``, whether this is rank 0; ``reducer``; ``report``.
    """

    def __init__(self, communicator: Communicator | None, param: Any) -> None:
        self.communicator = communicator or Single()
        self.options = param.parallel_param
        if param.HasField("parallel_param") and self.communicator.parameters is not None:
            self.communicator.parameters.require(param, error=SolverError)
        self.communicator.timeout = self.options.timeout
        self.rank, self.world = self.communicator.rank, self.communicator.size
        self.root = self.rank == 0
        self.stale = True
        self.reducer: Reducer | None = None
        self.report = Report(self.communicator)
        self.wants_stop = self.wants_snapshot = False
        self._control = self.communicator.arrays([4], np.float64)[0]
        self._told: Any = None
        if self.world > 1:
            self._check(param)

    def _check(self, param: Any) -> None:
        if self.options.divide_tests and any(count % self.world for count in param.test_iter):
            raise SolverError(
                f"with divide_tests every test_iter must be a multiple of the {self.world} ranks",
                who="parallel_param",
                got=", ".join(map(str, param.test_iter)),
                hint="change test_iter, or leave the tests to rank 0",
            )

    # -- the start ----------------------------------------------------------------------------------------------

    def same(self, number: int) -> int:
        """The *number* of rank 0."""
        return int(self.communicator.from_root(str(int(number)).encode()))

    def same_text(self, text: str) -> str:
        """The *text* of rank 0."""
        return self.communicator.from_root(text.encode()).decode()

    def net_arguments(self, phase: Phase) -> dict[str, Any]:
        """What a Net of this solver is to know of the others."""
        if self.world == 1:
            return {}
        together = self.options.sync_batch_norm and phase == Phase.TRAIN
        return {
            "rank": self.rank,
            "world": self.world,
            "divide_tests": self.options.divide_tests,
            "sum_over_ranks": self.communicator.allreduce if together else None,
        }

    def start(self, solver: Solver) -> None:
        """Before the first iteration, and the first after a restore: compare the ranks, and take rank 0's weights and
        history. Errors: SolverError for ranks that differ."""
        self.wants_stop = self.wants_snapshot = False
        if self.world == 1 or not self.stale:
            return
        for note in compare(solver, self.communicator):
            solver.message("parallel", f"Not the same on all ranks: {note}")
        nets = (solver.net, *solver.test_nets)
        arrays = [blob.data for net in nets for layer in net.layers for blob in layer.blobs]
        for array in {array.ctypes.data: array for array in arrays}.values():
            self.communicator.broadcast(array)
        for slots in solver.history:
            for slot in slots:
                self.communicator.broadcast(slot)
        self.stale = False
        if self.reducer is None:
            self.reducer = Reducer(solver.net, self.communicator, self.options.bucket_mb, self.options.half)
        self._introduce(solver, self.reducer)
        self.report.begin(solver.iteration)

    def _introduce(self, solver: Solver, reducer: Reducer) -> None:
        param, size = solver.param, sum(bucket.flat.nbytes for bucket in reducer.buckets)
        batch = records_of(solver.net)
        own = f" = {batch * param.iter_size * self.world:,} records" if batch else ""
        text = f"{self.world} ranks by '{self.communicator.type}', {size / 1e6:.3g} MB of gradients"
        solver.message("parallel", f"{text} in {len(reducer.buckets)} buckets{', sent in half' * self.options.half}")
        if self.communicator.note:
            solver.message("parallel", self.communicator.note)
        text = f"An iteration averages over {self.world} ranks x iter_size {param.iter_size} batches{own}"
        solver.message("parallel", f"{text}; base_lr is used as it is, and is yours to scale with them")

    # -- an iteration -------------------------------------------------------------------------------------------

    def before_backward(self, solver: Solver, turn: int, loss: float) -> None:
        """Before backward number *turn* of an iteration: the last one begins to reduce. *loss* is the sum so far."""
        if self.reducer is None or turn + 1 < solver.param.iter_size:
            return
        self._control[:] = loss, self.wants_stop, self.wants_snapshot, solver.interrupted
        self._told = self.communicator.start_allreduce(self._control)
        self.reducer.arm()

    def reduced(self, solver: Solver, loss: float) -> float:
        """After the last backward: wait until the gradients are sums over all ranks; returns the mean of *loss*."""
        if self.reducer is None:
            return loss
        begin = time.perf_counter()
        self.communicator.wait(self._told)
        self.reducer.waited += time.perf_counter() - begin
        self.reducer.finish()
        self._heed(solver)
        return float(self._control[LOSS]) / self.world

    def _heed(self, solver: Solver) -> None:
        """Do what any rank wanted."""
        if self._control[STOP]:
            solver.stop_now()
            self.wants_stop = False
        if self._control[INTERRUPTED]:
            solver.interrupted = True
        if self._control[SNAPSHOT]:
            solver.snapshot_now()
            self.wants_snapshot = False

    def agree(self, solver: Solver) -> None:
        """Outside an iteration: let all stop if one wants to."""
        if self.world > 1:
            self._control[:] = 0, self.wants_stop, self.wants_snapshot, solver.interrupted
            self.communicator.allreduce(self._control)
            self._heed(solver)

    def tell(self, solver: Solver) -> None:
        """At a displayed iteration: each rank's speed, and its share of time in communication."""
        if self.reducer is not None:
            for line in self.report.lines(solver, self.reducer, records_of(solver.net)):
                solver.message("parallel", line)

    def mean(self, value: float) -> float:
        """The mean over ranks."""
        return value if self.world == 1 else float(self.communicator.allreduce(np.array([value]))[0]) / self.world

    # -- tests --------------------------------------------------------------------------------------------------

    def evaluate(
        self, solver: Solver, net: Net, batches: int, index: int, stop: Callable[[], bool]
    ) -> TestResult | None:
        """``evaluate``, by this process, by rank 0 for all, or by all ranks for their shares; the same for all."""
        if self.world == 1:
            return evaluate(net, batches, index, solver.iteration, stop)
        if self.options.divide_tests:
            return self._divided(solver, net, batches, index)
        result = evaluate(net, batches, index, solver.iteration, self._busy) if self.root else None
        told = self.communicator.from_root(json.dumps(None if result is None else vars(result)).encode())
        self.report.pause()
        return None if told == b"null" else _result(json.loads(told))

    def _busy(self) -> bool:
        self.communicator.beat()
        return self.wants_stop

    def _divided(self, solver: Solver, net: Net, batches: int, index: int) -> TestResult | None:
        for layer in solver.net.layers:
            for number in sorted(layer.frozen):
                self.communicator.broadcast(layer.blobs[number].data)
        own = evaluate(net, batches // self.world, index, solver.iteration)
        if own is None:
            return None
        values = np.array([own.loss, *(value for _, value, _ in own.outputs)])
        self.communicator.allreduce(values)
        values /= self.world
        self.report.pause()
        rows = zip(own.outputs, values[1:], strict=True)
        outputs = tuple((name, float(value), weight) for (name, _, weight), value in rows)
        return TestResult(solver.iteration, index, batches, float(values[0]), outputs)

    # -- snapshots ----------------------------------------------------------------------------------------------

    def states(self, solver: Solver) -> list[Any]:
        """Of every rank, the state of its nets, for rank 0 to write, after a check that all have the same weights."""
        if self.world == 1:
            return []
        check_weights(solver, self.communicator)
        own = solver.run.attempt.state()
        return [unpack_tree(data) for data in self.communicator.gather(pack_tree({"nets": own["nets"]}))]

    def state_of(self, content: dict[str, Any], notes: list[str]) -> Any:
        """The state of the nets of this rank in the content of a run file; *notes* gets what does not fit."""
        ranks = content.get("ranks") or []
        if max(1, len(ranks)) == self.world:
            return ranks[self.rank]["nets"] if ranks else content["nets"]
        then = max(1, len(ranks))
        share = f"an iteration has {self.world}/{then} of the records"
        counts = f"it had {_ranks(then)} and has {_ranks(self.world)}"
        notes.append(f"{counts}: {share}, and their random streams begin anew; the data goes on where it was")
        return content["nets"] if self.root else [[_without_stream(row) for row in net] for net in content["nets"]]

    def barrier(self) -> None:
        """Wait for the others."""
        if self.world > 1:
            self.communicator.barrier()
            self.report.pause()


def _without_stream(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "state": {key: value for key, value in row["state"].items() if key != "rng"}}


def _ranks(count: int) -> str:
    return f"{count} rank{'s' if count > 1 else ''}"


def _result(row: dict[str, Any]) -> TestResult:
    return TestResult(**{**row, "outputs": tuple(tuple(output) for output in row["outputs"])})


def records_of(net: Net) -> int:
    """Records of one batch, as far as the first layer tells; 0 where it does not."""
    step = next((step for step in net.steps if not step.bottom and step.top), None)
    return step.top[0].shape[0] if step is not None and step.top[0].shape else 0
