"""The face of pycaffe on Cortado: ``import cortado.pycaffe as caffe`` runs existing pycaffe scripts.

Everything here is a thin layer over ``cortado.Net`` and ``cortado.Solver``; new code is better off with those.
Differences: nothing aborts the process, errors are exceptions of ``cortado``; ``Python`` layers run only after
``allow_python_layers()``.
"""

from __future__ import annotations

from . import io, proto
from .classifier import Classifier
from .detector import Detector
from .layer import Layer
from .mode import (
    allow_python_layers,
    init_log,
    log,
    set_device,
    set_mode_cpu,
    set_mode_gpu,
    set_multiprocess,
    set_random_seed,
    set_solver_count,
    set_solver_rank,
    solver_count,
    solver_rank,
)
from .net import TEST, TRAIN, Net
from .net_spec import NetSpec, layers, params, to_proto
from .solver import (
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    NesterovSolver,
    RMSPropSolver,
    SGDSolver,
    get_solver,
)
from .types import layer_type_list

__version__ = "1.0.0"
"""The version of pycaffe whose interface this is."""

__all__ = [
    "TEST",
    "TRAIN",
    "AdaDeltaSolver",
    "AdaGradSolver",
    "AdamSolver",
    "Classifier",
    "Detector",
    "Layer",
    "NesterovSolver",
    "Net",
    "NetSpec",
    "RMSPropSolver",
    "SGDSolver",
    "allow_python_layers",
    "get_solver",
    "init_log",
    "io",
    "layer_type_list",
    "layers",
    "log",
    "params",
    "proto",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_multiprocess",
    "set_random_seed",
    "set_solver_count",
    "set_solver_rank",
    "solver_count",
    "solver_rank",
    "to_proto",
]
