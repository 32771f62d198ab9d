"""Agreement: all ranks must train the same net in the same way, and hold the same weights."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import SolverError
from ..facts import facts_of

if TYPE_CHECKING:
    from ..solver import Solver
    from .base import Communicator

MUST = ("cortado", "plugins", "engine", "dtype", "net", "solver", "seed", "iteration", "run")
"""Facts that must be the same everywhere."""
SHOULD = ("python", "numpy", "protobuf", "machine", "isa", "threads")
"""Facts that may differ, at the price of runs that are not the same bit for bit or ranks that wait for each other."""


def compare(solver: Solver, communicator: Communicator) -> list[str]:
    """See that all ranks agree; returns, in words, what differs and may.

    Errors: SolverError, on every rank, for the first difference that may not be.
    """
    own = {**facts_of(solver), "iteration": solver.iteration, "run": solver.run_id}
    rows = [json.loads(data) for data in communicator.gather(json.dumps(own).encode())]
    for key in MUST:
        for rank, row in enumerate(rows):
            if row[key] != rows[0][key]:
                raise _difference(key, rank, row[key], rows[0][key])
    notes = []
    for key in SHOULD:
        other = next((rank for rank, row in enumerate(rows) if row[key] != rows[0][key]), None)
        if other is not None:
            notes.append(f"{key} is {rows[other][key]} on rank {other} and {rows[0][key]} on rank 0")
    return notes


def _difference(key: str, rank: int, value: Any, root: Any) -> SolverError:
    what = f"{key} definition" if key in ("net", "solver") else key
    hint = "start all ranks from the same files, in the same environment, with the same arguments"
    if key == "plugins":
        names = sorted(name for name in {*value, *root} if value.get(name) != root.get(name))
        value, root = ({name: row.get(name, "none") for name in names} for row in (value, root))
    got = f"{_told(value)} on rank {rank}, {_told(root)} on rank 0"
    return SolverError(f"all ranks need the same {what}", who="data-parallel training", got=got, hint=hint)


def _told(value: Any) -> str:
    return ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)


def check_weights(solver: Solver, communicator: Communicator) -> None:
    """See that the ranks' weights have not drifted apart. Errors: SolverError that names a rank."""
    rows = communicator.gather(_sum_of(solver).to_bytes(4, "little"))
    other = next((rank for rank, row in enumerate(rows) if row != rows[0]), None)
    if other is not None:
        raise SolverError(
            "all ranks must hold the same weights",
            where=f"iteration {solver.iteration}",
            who="data-parallel training",
            got=f"others on rank {other} than on rank 0",
            hint="a callback or layer that changes weights otherwise on each rank, or a fault of memory or network",
        )


def _sum_of(solver: Solver) -> int:
    """A checksum of everything that learns; statistics are each rank's own."""
    value = 0
    for parameter in solver.net.learnable:
        if parameter.index not in parameter.layer.frozen:
            value = zlib.crc32(parameter.blob.data.reshape(-1).view(np.uint8).data, value)
    return value
