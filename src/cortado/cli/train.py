"""``cortado train``."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from ._options import Common, common, file, file_argument, loading

if TYPE_CHECKING:
    from ..solver import Callback, Solver

EFFECTS = ("stop", "snapshot", "none")


@click.command(epilog="Example: cortado train examples/digits/solver.prototxt --iterations 300")
@file_argument("solver", "solver")
@click.option("--weights", "-weights", type=file, help="Weight files to start from, separated by commas.")
@click.option(
    *("--snapshot", "-snapshot"),
    type=file,
    help="A .solverstate to go on from, exactly where its .cortado is beside it.",
)
@click.option(
    *("--resume", "resume"),
    type=file,
    metavar="auto|FILE",
    help="Go on from the newest whole snapshot, if any, or from FILE.",
)
@click.option("--keep-last", type=click.IntRange(1), help="Keep the last N snapshots of the run, delete older ones.")
@click.option("--keep-best", metavar="METRIC", help="Keep the snapshot with the best METRIC of the first test net.")
@click.option(
    *("--on-nan", "on_nan"),
    type=click.Choice(["stop", "rollback", "ignore"]),
    default="stop",
    show_default=True,
    help="What the first NaN or infinity does; rollback goes on from the last snapshot with a lower rate.",
)
@click.option("--iterations", "-iterations", type=click.IntRange(0), help="Train up to this iteration, not max_iter.")
@click.option("--set", "fields", multiple=True, metavar="FIELD=VALUE", help="Override a solver field; may be repeated.")
@click.option(
    *("--sigint-effect", "--sigint_effect", "-sigint_effect", "sigint"),
    type=click.Choice(EFFECTS),
    default="stop",
    show_default=True,
    help="What Ctrl-C does; stop snapshots first.",
)
@click.option(
    *("--sighup-effect", "--sighup_effect", "-sighup_effect", "sighup"),
    type=click.Choice(EFFECTS),
    default="snapshot",
    show_default=True,
    help="What a hang-up signal does.",
)
@click.option("--callback", "callbacks", multiple=True, help="A callback by its name; may be repeated.")
@click.option(
    *("--communicator", "communicator_name"),
    default="auto",
    show_default=True,
    help="How ranks reach each other: auto (mpi under mpirun), single, mpi, or a plugin's.",
)
@click.option("--keep-gradients", is_flag=True, help="Keep all gradients, and after an iteration the updates.")
@click.option("--log/--no-log", default=None, help="Write Caffe's log lines.  [default: unless on a terminal]")
@loading
@common
def command(
    path: str,
    weights: str | None,
    snapshot: str | None,
    resume: str | None,
    keep_last: int | None,
    keep_best: str | None,
    on_nan: str,
    iterations: int | None,
    fields: tuple[str, ...],
    sigint: str,
    sighup: str,
    callbacks: tuple[str, ...],
    communicator_name: str,
    keep_gradients: bool,
    log: bool | None,
    strict: bool,
    skip_mismatch: bool,
    common: Common,
) -> None:
    """Train the net of a SOLVER file.

    On a terminal a progress line shows loss, learning rate and time left; otherwise, or with --log, the log has the
    lines that Caffe prints. Ctrl-C stops within two seconds and writes a snapshot; --resume auto goes on from there, as
    if nothing had happened.

    `mpirun -n 4 cortado train SOLVER` trains on four ranks together; see docs/scaling.md.
    """
    from ..plugins import plugin_manager
    from ..solver import Solver
    from ..solver.callbacks.retention import Retention
    from ..solver.parallel import choose_communicator, ending_all
    from ..solver.signals import handle_signals

    if weights and snapshot:
        raise click.UsageError("give --weights to start from weights, or --snapshot to go on from a state, not both")
    if snapshot and resume:
        raise click.UsageError("give --resume or --snapshot, not both")
    if resume and resume != "auto":
        snapshot = resume
    overrides = _fields(fields)
    if iterations is not None:
        overrides["max_iter"] = iterations
    if weights is not None:
        overrides["weights"] = [weights]
    live = sys.stderr.isatty() if log is None else not log
    communicator = choose_communicator(communicator_name, plugin_manager())
    with ending_all(communicator):
        trainer = Solver(
            path,
            **common.arguments(communicator.threads()),
            communicator=communicator,
            on_nan=on_nan,
            fields=overrides,
            strict=strict,
            skip_mismatch=skip_mismatch,
        )
        live = live and not trainer.param.debug_info
        trainer.callbacks += [*_named_callbacks(trainer, callbacks), _reporter(live)]
        if keep_last or keep_best:
            trainer.callbacks.append(Retention(keep_last, keep_best))
        if not keep_gradients and all(type(c).__module__.startswith("cortado.") for c in trainer.callbacks):
            trainer.spare_gradients()
        _announce(trainer)
        if snapshot:
            trainer.message("resume", f"Resuming from {snapshot}")
            trainer.restore(snapshot)
            trainer.message("restore", "SGDSolver: restoring history")
        elif resume and trainer.restore_newest() is None and trainer.parallel.root:
            click.echo("no snapshot to go on from, starting anew", err=True)
        if trainer.parallel.root:
            _opening(trainer)
        trainer.message("start", "Starting Optimization")
        begin = time.monotonic()
        with handle_signals(trainer, sigint, sighup), _settled():
            trainer.solve()
        trainer.message("done", "Optimization Done.")
        if trainer.parallel.root:
            _closing(trainer, time.monotonic() - begin)
    if trainer.interrupted:
        sys.exit(130)


@contextmanager
def _settled() -> Iterator[None]:
    """While the block runs, Python's garbage collector does not look through what is there already, again and again."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _fields(pairs: tuple[str, ...]) -> dict[str, Any]:
    """``--set`` options as values; the schema checks their types."""
    from ..plugins import plugin_manager
    from ..proto import parse_text

    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (equals and name.isidentifier()):
            raise click.UsageError(f"--set takes FIELD=VALUE; got '{pair}'")
        message_class = plugin_manager().schema().message("SolverParameter")
        field = message_class.DESCRIPTOR.fields_by_name.get(name)
        bare = field is not None and field.type == field.TYPE_STRING and value[:1] not in ('"', "'")
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        quoted = f'"{escaped}"' if bare else value
        message = parse_text(f"{name}: {quoted}", message_class, f"--set {pair}").message
        parsed = getattr(message, name)
        found[name] = list(parsed) if field is not None and field.is_repeated else parsed
    return found


def _named_callbacks(solver: Solver, names: tuple[str, ...]) -> list[Callback]:
    return [solver.plugins.get("callbacks", name).item() for name in names]


def _reporter(live: bool) -> Callback:
    if live:
        from ._progress import Progress

        return Progress()
    from ..solver.callbacks.caffe_log import CaffeLog

    return CaffeLog()


def _announce(solver: Solver) -> None:
    """What Caffe logs while it makes a solver."""
    from ..proto import format_text

    solver.message("mode", "Use CPU.")
    solver.message("parameters", f"Initializing solver from parameters: \n{format_text(solver.param).rstrip()}")
    for report in solver.load_reports:
        solver.message("weights", f"Finetuning from {report.path}")
    solver.message("ready", "Solver scaffolding done.")


def _opening(solver: Solver) -> None:
    from ..solver.facts import head_lines

    counts = sum(p.blob.count for p in solver.net.learnable)
    lines = [
        *head_lines(solver),
        f"training '{solver.net.name}': {len(solver.net.layers)} layers, {counts:,} parameters, "
        f"{solver.param.type}, iterations {solver.iteration} to {solver.param.max_iter}",
    ]
    for report in solver.load_reports:
        lines += str(report).splitlines()
    for line in lines:
        click.echo(line, err=True)


def _closing(solver: Solver, seconds: float) -> None:
    from ..solver.snapshot import snapshot_paths

    weights, state = snapshot_paths(solver)
    click.echo(f"{solver.iteration} iterations done, {seconds:.1f} s in this run", err=True)
    for result in solver.results:
        for name, value, _ in result.outputs:
            click.echo(f"test net #{result.net}, iteration {result.iteration}: {name} = {value:.4g}", err=True)
    if weights.exists():
        click.echo(f"weights: {weights}\nstate:   {state}", err=True)
        if solver.source and solver.test_nets:
            click.echo(f"test them: cortado test {solver.source} --weights {weights}", err=True)
