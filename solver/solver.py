"""Solver: the training loop."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engines import ReferenceEngine
from ..errors import CortadoError
from ..layers import Array, choose_engine, confined
from ..netdef.net import Net
from ..netdef.weights import LoadReport, load_all
from ..plugins import PluginManager, plugin_manager
from ..proto import Document, check_writable
from .callbacks import Callback
from .callbacks.debug_info import DebugInfo
from .definition import solver_param, weight_paths
from .metrics import TestResult, TrainMetrics
from .parallel import Communicator, Parallel
from .parts import asked_for, check_fields, choose_parts
from .plan import NetPlan, plan_solver
from .run import Run
from .run_state import run_path
from .snapshot import restore_snapshot, snapshot_paths, write_snapshot
from .update import Updates, apply_update
from .watchdog import Watchdog


class Solver:
    """Trains a net as a solver file says.

    Parameters

    *source*: the path of a solver prototxt, a ``SolverParameter`` message or a parsed ``Document``;
    *weights*: weight files to start from, instead of the file's ``weights``; *strict* and *skip_mismatch* as for
    ``Net``; ``load_reports`` tells what became of each layer;
    *engine*, *dtype*, *plugins*, *allow_python_layers*: as for ``Net``;
    *seed*: instead of the file's ``random_seed``; None with none in the file draws one, which ``solver.seed`` tells;
    *level*, *stages*: added to the training net's state;
    *callbacks*: told of what happens, see ``Callback``;
    *fields*: solver fields that override the file's, ``{"max_iter": 100}``;
    *root*: a folder that the paths in solver and nets must not leave;
    *communicator*: how this process reaches those that train together with it, see ``Parallel``; None trains alone;
    *on_nan*: what the first NaN or infinity does: ``"stop"``, ``"rollback"`` or ``"ignore"``, see ``Watchdog``.

    Attributes: ``net``, ``test_nets``; ``iteration``, how many are done; ``param``, the SolverParameter; ``rate``,
    the learning rate of the last update; ``results`` of the last test; ``interrupted``, whether a signal ended the run;
    ``optimizer``, ``regularizer``, ``policy``; ``history``, per parameter; ``run_id``, which a resumed run keeps;
    ``keeps_updates``, whether gradients hold the applied updates after an iteration, as in Caffe (else perhaps 0, which
    spares a pass over their memory).

    Errors: SolverError, ParseError, NetError and its kin, each with file and line.

    Example::

        >>> solver = Solver("lenet_solver.prototxt")             # doctest: +SKIP
        >>> for metrics in solver.train(1000):                   # doctest: +SKIP
        ...     print(metrics.iteration, metrics.loss)
        >>> solver.test()[0]["accuracy"]                         # doctest: +SKIP
        0.987
    """

    def __init__(
        self,
        source: str | Path | Document[Any] | Any,
        *,
        weights: str | Path | Sequence[str | Path] | None = None,
        strict: bool = False,
        skip_mismatch: bool = False,
        engine: str | ReferenceEngine = "auto",
        dtype: npt.DTypeLike = np.float32,
        seed: int | None = None,
        level: int | None = None,
        stages: Sequence[str] = (),
        plugins: PluginManager | None = None,
        allow_python_layers: bool = False,
        callbacks: Iterable[Callback] = (),
        fields: dict[str, Any] | None = None,
        communicator: Communicator | None = None,
        on_nan: str = "stop",
        root: str | Path | None = None,
    ) -> None:
        self.plugins = plugins or plugin_manager()
        self.engine = choose_engine(engine, self.plugins)
        self.source = source if isinstance(source, (str, Path)) else None
        self.param = solver_param(source, self.plugins, fields or {})
        self.callbacks = [*callbacks, *([DebugInfo()] if self.param.debug_info else [])]
        self.iteration = 0
        self.rate = 0.0
        self.load_reports: list[LoadReport] = []
        self.results: list[TestResult] = []
        self.interrupted = False
        self.rate_factor = 1.0
        self.keeps_updates = True
        self.parallel = Parallel(communicator, self.param)
        self.run_id = self.parallel.same_text(secrets.token_hex(8))
        self.watchdog = Watchdog(on_nan)
        self.root = None if root is None else Path(root)
        self.run = Run(self)
        own_seed = self.param.random_seed if self.param.random_seed >= 0 else secrets.randbits(63)
        self.seed = self.parallel.same(own_seed if seed is None else seed)
        try:
            self._choose_parts()
            plan = plan_solver(self.param, self.plugins, self.folder, level, stages, self.root)
        except CortadoError as error:
            raise error.located(str(self.source) if self.source else None, "solver") from None

        def make(plan: NetPlan) -> Net:
            return Net(
                plan.document,
                plan.state.phase,
                level=plan.state.level,
                stages=plan.state.stages,
                engine=self.engine,
                dtype=dtype,
                seed=self.seed,
                plugins=self.plugins,
                allow_python_layers=allow_python_layers,
                folder=plan.folder,
                root=self.root,
                **self.parallel.net_arguments(plan.state.phase),
            )

        self.plan = plan
        self.net = make(plan.train)
        self.net.debug_info.stop()  # in training the solver's own debug_info counts
        self.test_nets = [make(test) for test in plan.tests]
        self.updates = Updates(self)
        self.history = [self._slots(p.blob.shape, p.blob.dtype) for p in self.net.learnable]
        for test_net in self.test_nets:
            test_net.share_params_with(self.net)
        paths = weight_paths(list(self.param.weights) if weights is None else weights)
        if weights is None:
            paths = [confined(Path(path), self.root) for path in paths]
        paths = paths if self.parallel.root else []
        self.load_reports += load_all(self.net, paths, strict=strict, skip_mismatch=skip_mismatch)
        for test_net in self.test_nets:
            if set(test_net.params) - set(self.net.params):  # layers that only a test net has
                self.load_reports += load_all(test_net, paths, skip_mismatch=skip_mismatch)

    @property
    def folder(self) -> Path:
        """The folder of the solver file, where its relative paths are looked for after the working directory."""
        return Path(self.source).parent if self.source is not None else Path()

    def _choose_parts(self) -> None:
        check_fields(self.param)
        parts = choose_parts(self.param, self.plugins, self.engine)
        self.optimizer, self.policy, self.regularizer = parts
        told = [part for part in parts if isinstance(part, Callback)]
        self.callbacks[:0] = [*told, *asked_for(self.param, self.plugins)]

    def _slots(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> list[Array]:
        return [self.engine.zeros(shape, dtype) for _ in range(self.optimizer.slots)]

    # -- running ------------------------------------------------------------------------------------------------

    def solve(self, *, resume: str | Path | None = None) -> None:
        """Train from where the solver is (or from the state in *resume*) to ``max_iter``, as ``caffe train`` does.

        Tests and displays as the file says, then writes the last snapshot (unless ``snapshot_after_train`` is off),
        displays the loss once more and tests once more where those fall due at the end. Errors: FileError, before it
        begins, where no snapshot can be written.
        """
        if resume is not None:
            self.restore(resume)
        if self.parallel.root and (self.param.snapshot or self.param.snapshot_after_train):
            check_writable(snapshot_paths(self)[0])  # now, rather than after hours
        self.message("solve", f"Solving {self.net.name}")
        self.message("solve", f"Learning Rate Policy: {self.param.lr_policy}")
        self.run.stopping = False
        self.step(max(0, self.param.max_iter - self.iteration))
        due = self.param.snapshot and self.iteration % self.param.snapshot == 0
        if self.param.snapshot_after_train and not due:
            self.snapshot()
        if self.run.stopping:
            self.message("solve", "Optimization stopped early.")
        else:
            self._finish()
            self.message("solve", "Optimization Done.")

    def _finish(self) -> None:
        if self.param.display and self.iteration % self.param.display == 0:
            loss = self.run.smoothed.add(self.parallel.mean(self.net.forward()), self.iteration - self.run.start)
            self.message("finish", f"Iteration {self.iteration}, loss = {loss:g}")
        if self.param.test_interval and self.iteration % self.param.test_interval == 0:
            self.test()

    def step(self, iterations: int) -> None:
        """Do *iterations* more of them, with the tests, displays and snapshots that fall due."""
        for _ in self.train(iterations):
            pass

    def train(self, iterations: int | None = None) -> Iterator[TrainMetrics]:
        """As ``step`` (up to ``max_iter`` by default), yielding the metrics of every iteration after its update."""
        yield from self.run.train(self.param.max_iter if iterations is None else self.iteration + iterations)

    def spare_gradients(self) -> None:
        """Train with less memory and fewer passes over it: gradients of blobs share their place (see
        ``Net.share_gradients``), and an update leaves those of learned blobs at 0, unless snapshots store them."""
        self.net.share_gradients()
        self.keeps_updates = self.param.snapshot_diff

    def apply_update(self) -> None:
        """Move the parameters by their gradients as they are, with ``rate``: clip, average, regularise, update."""
        apply_update(self)

    def request_stop(self) -> None:
        """End the run after the iteration, or the test batch, that is going on; safe to call from a signal handler.

        Of several processes that train together all stop after the iteration before which one of them was asked.
        """
        self.parallel.wants_stop = True
        if self.parallel.world == 1:
            self.stop_now()

    def stop_now(self) -> None:
        """Stop at the next place where that is possible, whatever other processes do."""
        self.run.stopping = True

    def request_snapshot(self) -> None:
        """Take a snapshot after the iteration that is going on; safe to call from a signal handler."""
        self.parallel.wants_snapshot = True
        if self.parallel.world == 1:
            self.snapshot_now()

    def snapshot_now(self) -> None:
        """Take a snapshot after the iteration that is going on, whatever other processes do."""
        self.run.snapshot_wanted = True

    @property
    def stopped(self) -> bool:
        """Whether the run was ended by ``request_stop``."""
        return self.run.stopping or self.parallel.wants_stop

    # -- testing ------------------------------------------------------------------------------------------------

    def test(self) -> list[TestResult]:
        """Run every test net over its ``test_iter`` batches with the present weights; returns their mean outputs."""
        stopped = self.run.stopping  # by a run before, which this does not belong to
        if self.run.attempt.given_up:
            self.run.attempt.take_up()
        results: list[TestResult] = []
        for index, (net, plan) in enumerate(zip(self.test_nets, self.plan.tests, strict=True)):
            self.message("test", f"Iteration {self.iteration}, Testing net (#{index})")
            result = self.parallel.evaluate(self, net, plan.batches, index, lambda: self.run.stopping and not stopped)
            if result is None:
                self.message("test", "Test interrupted.")
                break
            results.append(result)
            self.notify("on_test", self, result)
        self.results = results or self.results
        return results

    # -- snapshots ----------------------------------------------------------------------------------------------

    def snapshot(self) -> Path:
        """Write weights and solver state, each whole or not at all; returns the path of the state."""
        weights, state = snapshot_paths(self)
        with self.run.attempt.not_now():
            self.watchdog.check_weights(self)
            write_snapshot(self, weights, state)
            self.watchdog.good = run_path(state)
        if self.parallel.root:
            self.notify("on_snapshot", self, weights, state)
        return state

    def restore(self, path: str | Path) -> None:
        """Go on from a snapshot, named by its ``.solverstate`` (or ``.solverstate.h5``) or its ``.cortado`` file.

        With the ``.cortado`` file beside it the run goes on exactly, if machine, engine, threads and files are the
        same; a message says what is not. A solver state alone has weights, history, iteration and learning-rate step;
        data and random numbers begin anew, as in Caffe.

        Errors: WeightsError for a state of another net or optimizer; FileError; FormatError for files that are damaged
        or do not belong together.
        """
        self.run.attempt.end()
        self.watchdog.good = restore_snapshot(self, path)
        self.parallel.stale = True

    def restore_newest(self) -> Path | None:
        """Go on from the newest whole snapshot under ``snapshot_prefix``; returns it, or None when there is none.

        Snapshots that a kill or a full disk has left incomplete are passed over. Errors: FormatError when there are
        snapshots and none of them is whole; those of ``restore``.
        """
        from .newest import restore_newest

        return restore_newest(self)

    # -- telling ------------------------------------------------------------------------------------------------

    def message(self, source: str, text: str) -> None:
        """Tell the callbacks a line for people. Of several processes only rank 0 does."""
        if self.parallel.root:
            self.notify("on_message", self, source, text)

    def notify(self, method: str, *args: Any) -> None:
        root = self.parallel.root
        for callback in self.callbacks if root else [c for c in self.callbacks if not c.root_only]:
            getattr(callback, method)(*args)

    def _repr_html_(self) -> str:
        """What a notebook shows: where the training is, and its net."""
        return str(import_module("..report.notebook", __package__).solver_html(self))

    def __repr__(self) -> str:
        return f"<Solver {self.param.type} of {self.net!r} at iteration {self.iteration}>"
