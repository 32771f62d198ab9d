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
from ..errors import CortadoError, NumericsError, SolverError
from ..layers import Array, Blob, choose_engine, confined
from ..netdef.net import Net
from ..netdef.weights import LoadReport, load_all
from ..plugins import PluginManager, plugin_manager
from ..plugins.dialects import read_solver
from ..proto import Document, Schema
from .callbacks import Callback
from .callbacks.debug_info import DebugInfo
from .metrics import SmoothedLoss, TestResult, TrainMetrics, scores
from .parallel import Communicator, Parallel
from .parts import asked_for, choose_parts
from .plan import NetPlan, plan_solver
from .run_state import run_path, run_state_of
from .snapshot import restore_snapshot, snapshot_paths, write_snapshot
from .update import apply_update
from .watchdog import Watchdog


class StopNow(BaseException):
    """Raised within a forward or backward pass that takes too long to be waited for when the run is to stop."""


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
    ``optimizer``, ``regularizer``, ``policy``; ``history``, per parameter; ``run_id``, which a resumed run keeps.

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
        self.param = _param(source, self.plugins, fields or {})
        self.callbacks = [*callbacks, *([DebugInfo()] if self.param.debug_info else [])]
        self.iteration = 0
        self.rate = 0.0
        self.load_reports: list[LoadReport] = []
        self.results: list[TestResult] = []
        self._stop = self._snapshot_wanted = False
        self.interrupted = False
        self.smoothed = SmoothedLoss(max(1, self.param.average_loss))
        self.start = 0
        self.rate_factor = 1.0
        self.parallel = Parallel(communicator, self.param)
        self.run_id = self.parallel.same_text(secrets.token_hex(8))
        self.tested: int | None = None
        self.held_state: dict[str, Any] | None = None
        self.watchdog = Watchdog(on_nan)
        self.root = None if root is None else Path(root)
        self.interruptible = self.busy = False
        self._carries_on = False
        self._frozen: list[tuple[Blob, Array]] = []
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
        self._statistics = [b for x in self.net.layers for i, b in enumerate(x.blobs) if i in x.frozen]
        self.history = [self._slots(p.blob.shape, p.blob.dtype) for p in self.net.learnable]
        for test_net in self.test_nets:
            test_net.share_params_with(self.net)
        paths = _weight_paths(weights, self.param.weights)
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
        parts = choose_parts(self.param, self.plugins, self.engine)
        self.optimizer, self.policy, self.regularizer = parts
        told = [part for part in parts if isinstance(part, Callback)]
        self.callbacks[:0] = [*told, *asked_for(self.param, self.plugins)]
        if self.param.iter_size < 1:
            raise SolverError("iter_size must be at least 1", got=str(self.param.iter_size))

    def _slots(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> list[Array]:
        return [self.engine.zeros(shape, dtype) for _ in range(self.optimizer.slots)]

    # -- running ------------------------------------------------------------------------------------------------

    def solve(self, *, resume: str | Path | None = None) -> None:
        """Train from where the solver is (or from the state in *resume*) to ``max_iter``, as ``caffe train`` does.

        Tests and displays as the file says, then writes the last snapshot (unless ``snapshot_after_train`` is off),
        displays the loss once more and tests once more where those fall due at the end.
        """
        if resume is not None:
            self.restore(resume)
        self.message("solve", f"Solving {self.net.name}")
        self.message("solve", f"Learning Rate Policy: {self.param.lr_policy}")
        self._stop = False
        self.step(max(0, self.param.max_iter - self.iteration))
        due = self.param.snapshot and self.iteration % self.param.snapshot == 0
        if self.param.snapshot_after_train and not due:
            self.snapshot()
        if self._stop:
            self.message("solve", "Optimization stopped early.")
        else:
            self._finish()
            self.message("solve", "Optimization Done.")

    def _finish(self) -> None:
        if self.param.display and self.iteration % self.param.display == 0:
            loss = self.smoothed.add(self.parallel.mean(self.net.forward()), self.iteration - self.start)
            self.message("finish", f"Iteration {self.iteration}, loss = {loss:g}")
        if self.param.test_interval and self.iteration % self.param.test_interval == 0:
            self.test()

    def step(self, iterations: int) -> None:
        """Do *iterations* more of them, with the tests, displays and snapshots that fall due."""
        for _ in self.train(iterations):
            pass

    def train(self, iterations: int | None = None) -> Iterator[TrainMetrics]:
        """As ``step`` (up to ``max_iter`` by default), yielding the metrics of every iteration after its update."""
        stop = self.iteration + iterations if iterations is not None else self.param.max_iter
        self._stop = False
        if not self._carries_on:
            self.smoothed, self.start = SmoothedLoss(max(1, self.param.average_loss)), self.iteration
            self.tested = None
        self._carries_on = False
        if self.held_state is not None:
            self._take_up()
        self.parallel.start(self)
        self._each("on_start", self)
        try:
            while self.iteration < stop and not self._stop:
                try:
                    if self._test_due() and not self._test_or_stop():
                        break
                    metrics = self._iterate()
                except StopNow:
                    self._abandon()
                    break
                except NumericsError as error:
                    if not self.watchdog.recover(self, error):
                        raise
                    self._carries_on = False
                    continue
                yield metrics
                if self._snapshot_wanted or (self.param.snapshot and self.iteration % self.param.snapshot == 0):
                    self._snapshot_wanted = False
                    self.snapshot()
        finally:
            self.busy = False
            self._each("on_end", self)

    def _iterate(self) -> TrainMetrics:
        """One iteration: iter_size times forward and backward, then the update."""
        if self.interruptible:
            self._hold()
        self.net.clear_param_diffs()
        loss = 0.0
        self.busy = self.interruptible
        for turn in range(self.param.iter_size):
            one = self.net.forward()
            if self.parallel.world == 1:  # else all look at the sum, so that all stop
                self.watchdog.check_loss(self, one)
            loss += one
            self.parallel.before_backward(self, turn, loss)
            self.net.backward()
        loss = self.parallel.reduced(self, loss)
        self.watchdog.check_loss(self, loss)
        self.busy = False
        self.held_state = None
        self.watchdog.check_gradients(self)
        loss /= self.param.iter_size
        smoothed = self.smoothed.add(loss, self.iteration - self.start)
        self.rate = self.policy.rate(self.iteration) * self.rate_factor
        metrics = TrainMetrics(self.iteration, loss, smoothed, self.rate)
        if self.param.display and self.iteration % self.param.display == 0:
            self._each("on_display", self, TrainMetrics(self.iteration, loss, smoothed, self.rate, scores(self.net)))
            self.parallel.tell(self)
        self._each("on_gradients", self)
        self.watchdog.check_weights(self, apply_update(self))
        self.iteration += 1
        self._each("on_iteration", self, metrics)
        return metrics

    def _hold(self) -> None:
        """Remember where the run is before an iteration, which may be abandoned."""
        self.held_state = run_state_of(self)
        self._frozen = [(blob, blob.data.copy()) for blob in self._statistics]

    def _abandon(self) -> None:
        """Be as before the iteration that was going on: a snapshot has the state that was held."""
        self.busy = False
        for blob, values in self._frozen:
            blob.data[...] = values

    def _take_up(self) -> None:
        """Go on after an iteration was abandoned."""
        held, self.held_state = self.held_state, None
        for net, states in zip((self.net, *self.test_nets), (held or {})["nets"], strict=True):
            net.restore_run_state(states)

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
        self._stop = True

    def request_snapshot(self) -> None:
        """Take a snapshot after the iteration that is going on; safe to call from a signal handler."""
        self.parallel.wants_snapshot = True
        if self.parallel.world == 1:
            self.snapshot_now()

    def snapshot_now(self) -> None:
        """Take a snapshot after the iteration that is going on, whatever other processes do."""
        self._snapshot_wanted = True

    @property
    def stopped(self) -> bool:
        """Whether the run was ended by ``request_stop``."""
        return self._stop or self.parallel.wants_stop

    # -- testing ------------------------------------------------------------------------------------------------

    def _test_due(self) -> bool:
        interval = self.param.test_interval
        if not interval or self.iteration % interval or not self.test_nets or self.tested == self.iteration:
            return False
        return self.iteration > 0 or self.param.test_initialization

    def _test_or_stop(self) -> bool:
        """Test; False when that was interrupted, in which case it is as if it had not begun."""
        before = self.held_state = run_state_of(self)
        self._frozen = []
        self.busy = self.interruptible
        complete = len(self.test()) == len(self.test_nets)
        self.parallel.agree(self)
        self.busy = False
        self.held_state = None
        if complete:
            self.tested = self.iteration
        else:
            for net, states in zip(self.test_nets, before["nets"][1:], strict=True):
                net.restore_run_state(states)
        return not self._stop

    def test(self) -> list[TestResult]:
        """Run every test net over its ``test_iter`` batches with the present weights; returns their mean outputs."""
        stopped = self._stop  # by a run before, which this does not belong to
        results: list[TestResult] = []
        for index, (net, plan) in enumerate(zip(self.test_nets, self.plan.tests, strict=True)):
            self.message("test", f"Iteration {self.iteration}, Testing net (#{index})")
            result = self.parallel.evaluate(self, net, plan.batches, index, lambda: self._stop and not stopped)
            if result is None:
                self.message("test", "Test interrupted.")
                break
            results.append(result)
            self._each("on_test", self, result)
        self.results = results or self.results
        return results

    # -- snapshots ----------------------------------------------------------------------------------------------

    def snapshot(self) -> Path:
        """Write weights and solver state, each whole or not at all; returns the path of the state."""
        weights, state = snapshot_paths(self)
        self.busy, was_busy = False, self.busy
        self.watchdog.check_weights(self)
        write_snapshot(self, weights, state)
        self.watchdog.good = run_path(state)
        self.busy = was_busy
        if self.parallel.root:
            self._each("on_snapshot", self, weights, state)
        return state

    def restore(self, path: str | Path) -> None:
        """Go on from a snapshot, named by its ``.solverstate`` (or ``.solverstate.h5``) or its ``.cortado`` file.

        With the ``.cortado`` file beside it the run goes on exactly, if machine, engine, threads and files are the
        same; a message says what is not. A solver state alone has weights, history, iteration and learning-rate step;
        data and random numbers begin anew, as in Caffe.

        Errors: WeightsError for a state of another net or optimizer; FileError; FormatError for files that are damaged
        or do not belong together.
        """
        self.watchdog.good = restore_snapshot(self, path)
        self.parallel.stale = True

    def restore_newest(self) -> Path | None:
        """Go on from the newest whole snapshot under ``snapshot_prefix``; returns it, or None when there is none.

        Snapshots that a kill or a full disk has left incomplete are passed over. Errors: FormatError when there are
        snapshots and none of them is whole; those of ``restore``.
        """
        from .newest import restore_newest

        return restore_newest(self)

    def carry_on(self, smoothed: SmoothedLoss, start: int) -> None:
        """Let the next ``train`` go on averaging losses from here, instead of beginning anew."""
        self.smoothed, self.start, self._carries_on = smoothed, start, True

    # -- telling ------------------------------------------------------------------------------------------------

    def message(self, source: str, text: str) -> None:
        """Tell the callbacks a line for people. Of several processes only rank 0 does."""
        if self.parallel.root:
            self._each("on_message", self, source, text)

    def _each(self, method: str, *args: Any) -> None:
        root = self.parallel.root
        for callback in self.callbacks if root else [c for c in self.callbacks if not c.root_only]:
            getattr(callback, method)(*args)

    def _repr_html_(self) -> str:
        """What a notebook shows: where the training is, and its net."""
        return str(import_module("..report.notebook", __package__).solver_html(self))

    def __repr__(self) -> str:
        return f"<Solver {self.param.type} of {self.net!r} at iteration {self.iteration}>"


def _param(source: Any, plugins: PluginManager, fields: dict[str, Any]) -> Any:
    if isinstance(source, (str, Path)):
        source = read_solver(source, plugins)
    message = source.message if isinstance(source, Document) else source
    if not hasattr(message, "SerializeToString"):
        raise SolverError("a solver is named by a path, a Document or a SolverParameter", got=repr(source))
    own, schema = Schema.of(message), plugins.schema()
    if own is not None and {a.key() for a in schema.additions} <= {a.key() for a in own.additions}:
        schema = own  # that of a dialect; a message of the stock schema lacks the plugins' fields
    param = schema.message("SolverParameter").FromString(message.SerializeToString())
    for name, value in fields.items():
        if isinstance(value, (list, tuple)):
            param.ClearField(name)
            getattr(param, name).extend(value)
        elif hasattr(value, "SerializeToString"):
            getattr(param, name).MergeFromString(value.SerializeToString())
        else:
            setattr(param, name, value)
    return param


def _weight_paths(weights: str | Path | Sequence[str | Path] | None, own: Sequence[str]) -> list[str | Path]:
    if weights is None:
        weights = list(own)
    given = [weights] if isinstance(weights, (str, Path)) else list(weights)
    return [part for item in given for part in (_split(item) if isinstance(item, str) else [item])]


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
