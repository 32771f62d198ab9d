"""Snapshots: weights and solver state on disk, in Caffe's files, each whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.hdf5_write import writing_hdf5
from ..errors import FileError, FormatError, WeightsError
from ..layers import Array, confined
from ..netdef.weight_files import DAMAGE, HDF5_SIGNATURE, import_h5py, read_values, read_weight_file
from ..proto import array_to_blob, atomic_path, blob_to_array, parse_binary, read_bytes, write_binary
from ..proto.files import named
from .run_state import OTHERWISE, SUFFIX, read_run_state, restore_run_state, run_path, snapshot_base, write_run_state

if TYPE_CHECKING:
    from .solver import Solver

HDF5 = 0
"""The number of SnapshotFormat.HDF5."""


def snapshot_paths(solver: Solver) -> tuple[Path, Path]:
    """Where the weights and the state of this iteration go: ``<prefix>_iter_<N>.caffemodel`` and ``.solverstate``,
    with ``.h5`` behind in HDF5 format.

    The prefix is that of ``snapshot_base``. Its folder is made if need be.
    """
    prefix = confined(snapshot_base(solver), solver.root)
    suffix = ".h5" if solver.param.snapshot_format == HDF5 else ""
    base = f"{prefix}_iter_{solver.iteration}"
    with named("make", prefix.parent, "folder for snapshots"):
        prefix.parent.mkdir(parents=True, exist_ok=True)
    return Path(f"{base}.caffemodel{suffix}"), Path(f"{base}.solverstate{suffix}")


def write_snapshot(solver: Solver, weights: Path, state: Path) -> None:
    """Write the weights, then the run file that vouches for both others, then the state that names the weights.

    So whenever the writing is cut short, a state on disk has its weights and its run file, and a run file that lacks
    its state is known for a snapshot that never came to be. Of several processes rank 0 writes, and the others wait.
    """
    ranks = solver.parallel.states(solver)
    if solver.parallel.root:
        _write_snapshot(solver, weights, state, ranks)
    solver.parallel.barrier()


def _write_snapshot(solver: Solver, weights: Path, state: Path, ranks: Sequence[Any]) -> None:
    kind = "HDF5" if solver.param.snapshot_format == HDF5 else "binary proto"
    solver.message("snapshot", f"Snapshotting to {kind} file {weights}")
    solver.net.save(weights, with_diff=solver.param.snapshot_diff)
    solver.message("state", f"Snapshotting solver state to {kind} file {state}")
    history = _history_in_order(solver)
    write = _write_hdf5 if solver.param.snapshot_format == HDF5 else _write_binary
    with atomic_path(state) as temporary:
        write(solver, weights, temporary, history)
        write_run_state(solver, weights, state, temporary, ranks)


def _history_in_order(solver: Solver) -> list[Array]:
    """All first slots, then all second slots, …: the order of a solverstate."""
    slots = solver.optimizer.slots
    return [history[slot] for slot in range(slots) for history in solver.history]


def _write_binary(solver: Solver, weights: Path, path: Path, history: Iterable[Array]) -> None:
    message: Any = solver.plugins.schema().message("SolverState")()
    message.iter = solver.iteration
    message.learned_net = str(weights)
    message.current_step = solver.policy.current_step
    for array in history:
        array_to_blob(array, message.history.add())
    write_binary(message, path)


def _write_hdf5(solver: Solver, weights: Path, path: Path, history: Iterable[Array]) -> None:
    with writing_hdf5(path, purpose="writing an HDF5 solver state") as (file, _):
        file.create_dataset("iter", data=np.array([solver.iteration], np.int32))
        file.create_dataset("learned_net", data=np.bytes_(str(weights)))
        file.create_dataset("current_step", data=np.array([solver.policy.current_step], np.int32))
        group = file.create_group("history")
        for index, array in enumerate(history):
            group.create_dataset(str(index), data=array)


def restore_snapshot(solver: Solver, path: str | Path) -> Path:
    """Set *solver* to the snapshot *path*, a solver state or a run file; see ``Solver.restore``.

    Returns the file that it was restored from.
    """
    run = Path(path) if Path(path).name.endswith(SUFFIX) else run_path(path)
    if not os.path.exists(run) and run != Path(path):
        restore_state(solver, path)
        text = "no run file beside it, so data and random numbers begin anew, as in Caffe"
        solver.message("restore", f"Restored iteration {solver.iteration} from {path}: {text}")
        return Path(path)
    content = read_run_state(run)
    state, weights = (run.parent / Path(content["files"][kind]["name"]).name for kind in ("state", "weights"))
    restore_state(solver, state, weights)
    try:
        notes = restore_run_state(solver, content, run)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        rule = "the state in a run file must fit solver and net"
        raise FormatError(rule, where=str(run), got=repr(error), hint=OTHERWISE) from error
    solver.message("restore", f"Restored iteration {solver.iteration} from {run}, to go on exactly")
    for note in notes:
        solver.message("restore", f"Not quite the same run: {note}")
    return run


def restore_state(solver: Solver, path: str | Path, weights: Path | None = None) -> None:
    """Set *solver* to the state in *path* and load the weights that it names, or *weights*.

    The weights are looked for where the state says, which must be inside ``root``, then beside the state. Nothing is
    changed unless all fits.
    """
    iteration, learned, step, history = _read(solver, path)
    targets = _history_in_order(solver)
    if [a.shape for a in history] != [t.shape for t in targets]:
        raise WeightsError(
            f"for {solver.param.type} and this net a history has {len(targets)} blobs of the parameters' shapes",
            where=str(path),
            got=f"{len(history)} blobs" if len(history) != len(targets) else "other shapes",
            hint="resume with the solver type and net that wrote it, or start from its weights with --weights",
        )
    solver.load_reports.append(solver.net.load(weights or _find_weights(learned, path, solver.root)))
    for target, array in zip(targets, history, strict=True):
        target[...] = array
    solver.iteration = iteration
    solver.policy.current_step = step


def check_state(solver: Solver, path: Path) -> None:
    """See that the solver state *path* and the weights that it names can be read. Errors: FormatError, FileError."""
    _, learned, _, _ = _read(solver, path)
    read_weight_file(_find_weights(learned, path, solver.root), solver.plugins)


State = tuple[int, str, int, list[Array]]


def _read(solver: Solver, path: str | Path) -> State:
    data = read_bytes(path)
    return read_hdf5_state(path) if data.startswith(HDF5_SIGNATURE) else _read_binary(solver, data, path)


def _read_binary(solver: Solver, data: bytes, path: str | Path) -> State:
    message: Any = parse_binary(data, solver.plugins.schema().message("SolverState"), str(path))
    history = [
        _shaped(blob_to_array(blob), p.blob.shape) for blob, p in zip(message.history, _cycle(solver), strict=False)
    ]
    history += [blob_to_array(blob) for blob in message.history[len(history) :]]
    return message.iter, message.learned_net, message.current_step, history


def _cycle(solver: Solver) -> list[Any]:
    return list(solver.net.learnable) * max(1, solver.optimizer.slots)


def _shaped(array: Array, shape: tuple[int, ...]) -> Array:
    """Old four-axis histories take the shape of their parameter."""
    squeezed = tuple(n for n in array.shape if n != 1)
    return array.reshape(shape) if squeezed == tuple(n for n in shape if n != 1) else array


def read_hdf5_state(path: str | Path) -> State:
    """Iteration, name of the weights, step and history of a ``.solverstate.h5``. Errors: FormatError."""
    h5py = import_h5py("reading an HDF5 solver state")
    size = Path(path).stat().st_size

    def read(group: Any, name: str, kinds: str = "fiu") -> Array:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise FormatError(f"'{name}' of a solver state stands in the file itself", got="nothing, or a link")
        return read_values(group[name], size, kinds)

    try:
        with h5py.File(path, "r") as file:
            history = file["history"] if isinstance(file.get("history", getlink=True), h5py.HardLink) else ()
            arrays = [read(history, str(index)) for index in range(len(history))]
            learned = read(file, "learned_net", "SO").item() if "learned_net" in file else b""
            text = learned.decode() if isinstance(learned, bytes) else str(learned)
            return int(read(file, "iter").flat[0]), text, int(read(file, "current_step").flat[0]), arrays
    except FormatError as error:
        raise error.located(str(path)) from None
    except (*DAMAGE, AttributeError, IndexError) as error:
        raise FormatError(f"this HDF5 file is no solver state: {error}", where=str(path)) from None


def _find_weights(learned: str, state: str | Path, root: Path | None) -> Path:
    told, beside = Path(learned), Path(state).parent / Path(learned).name
    if not learned:
        raise FormatError("a solver state names the weights it belongs to", where=str(state), got="no name")
    if not os.path.exists(told) and not os.path.exists(beside):
        raise FileError(
            "the weights of a solver state must be where it says, or beside it",
            where=str(state),
            got=f"neither {told.absolute()} nor {beside.absolute()} exists",
        )
    return confined(told, root) if os.path.exists(told) else beside
