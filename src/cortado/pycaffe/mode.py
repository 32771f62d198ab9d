"""Process-wide settings of pycaffe."""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass


@dataclass
class Settings:
    """What the ``set_…`` functions change: the seed of nets made from now on, and what they may do."""

    seed: int | None = None
    python_layers: bool = False
    solver_count: int = 1
    solver_rank: int = 0


settings = Settings()


def set_mode_cpu() -> None:
    """Compute on the CPU, which is what Cortado does."""


def set_mode_gpu() -> None:
    """Warns that there is no GPU engine and goes on with the CPU."""
    warnings.warn("Cortado has no GPU engine; computing on the CPU", RuntimeWarning, stacklevel=2)


def set_device(device_id: int) -> None:
    """Accepted for old scripts; devices belong to GPU engines."""


def set_random_seed(seed: int) -> None:
    """Seed the random streams of nets and solvers made from now on (a solver's own random_seed comes first)."""
    settings.seed = int(seed)


def allow_python_layers(allow: bool = True) -> None:
    """Let ``Python`` layers of nets made from now on import the modules they name. Only for nets you trust."""
    settings.python_layers = allow


def solver_count() -> int:
    return settings.solver_count


def set_solver_count(count: int) -> None:
    settings.solver_count = int(count)


def solver_rank() -> int:
    return settings.solver_rank


def set_solver_rank(rank: int) -> None:
    settings.solver_rank = int(rank)


def set_multiprocess(multiprocess: bool) -> None:
    """Accepted for old scripts; every Cortado net keeps its own state."""


def init_log(level: int = 0, stderr: bool = True) -> None:
    """Accepted for old scripts; Cortado's classes log nothing by themselves."""


def log(text: str) -> None:
    """Write a line to standard error."""
    print(text, file=sys.stderr)
