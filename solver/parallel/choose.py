"""Choose: which communicator a run has, and what becomes of its errors."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ...errors import CommunicationError, CortadoError, NumericsError, SolverError
from .base import Communicator

if TYPE_CHECKING:
    from ...plugins import PluginManager

SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "MPI_LOCALNRANKS")
"""What the launchers of Open MPI, MPICH, MVAPICH and Intel MPI tell the processes they start."""
UNCOUNTED = "PMIX_RANK"
"""What any launcher with PMIx tells, Slurm's srun among them; it does not say of how many."""
LATER = 1.0
"""Seconds that a rank leaves to the one that has more to tell."""


def choose_communicator(name: str, plugins: PluginManager) -> Communicator:
    """The communicator called *name*; ``auto`` is ``mpi`` under an MPI launcher, else ``single``.

    Errors: SolverError for an unknown name, and where the launcher and mpi4py are of different MPIs.
    """
    started = _started()
    if name == "auto":
        name = "mpi" if started != 1 else "single"
    communicator: Communicator = plugins.get("communicators", name).item()
    if name == "mpi" and communicator.size == 1 and started > 1:
        rule = f"the launcher has started {started} processes, but the MPI of mpi4py sees one"
        hint = "mpirun and mpi4py are of different MPIs: start with the mpirun of the one that mpi4py uses"
        raise SolverError(rule, who="communicator 'mpi'", hint=hint)
    return communicator


def _started() -> int:
    """How many processes a launcher has started, as far as the environment tells: 1 for none, 0 for unknown."""
    for name in SIZES:
        if os.environ.get(name, "").isdigit():
            return int(os.environ[name])
    return 0 if UNCOUNTED in os.environ else 1


@contextmanager
def ending_all(communicator: Communicator) -> Iterator[None]:
    """Whatever ends the block in one rank with an error, ends all ranks, with a message from the rank that has most to
    tell. Of one rank alone nothing is changed."""
    try:
        yield
    except BaseException as error:
        status = error.code if isinstance(error, SystemExit) else 1
        if communicator.size == 1 or (isinstance(error, SystemExit) and status in (None, 0, 130)):
            raise
        if not _first(error, communicator.rank):
            time.sleep(LATER)
        _tell(error, communicator.rank)
        communicator.abort(status if isinstance(status, int) else 1)


def _first(error: BaseException, rank: int) -> bool:
    if isinstance(error, CommunicationError):
        return error.speaker
    if isinstance(error, NumericsError):
        return bool(error.layer)
    return rank == 0


def _tell(error: BaseException, rank: int) -> None:
    if not isinstance(error, CortadoError) and os.environ.get("CORTADO_TRACEBACK"):
        import traceback

        traceback.print_exception(error)
    text = str(error) if isinstance(error, CortadoError) else f"{type(error).__name__}: {error}"
    print(f"error: rank {rank}: {text.removeprefix(f'rank {rank}: ')}", file=sys.stderr, flush=True)
