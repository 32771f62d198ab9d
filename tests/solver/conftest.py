"""Small solvers, made from text, as a fixture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cortado import Solver
from cortado.plugins import plugin_manager
from cortado.proto import parse_text

NET = """
name: "line"
layer { name: "data" type: "DummyData" top: "x" top: "y"
  dummy_data_param { shape { dim: 4 dim: 3 } shape { dim: 4 dim: 1 }
    data_filler { type: "gaussian" std: 1 } data_filler { type: "gaussian" std: 1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "p"
  inner_product_param { num_output: 1 weight_filler { type: "gaussian" std: 1 } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "p" bottom: "y" top: "loss" }
"""
"""A straight line through random points, new ones in every iteration."""

SOLVER = 'base_lr: 0.1\nlr_policy: "fixed"\nmax_iter: 10\nrandom_seed: 5\n'

Make = Callable[..., Solver]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """``make(extra, net=…, **arguments)``: a solver of *net* with *extra* solver fields, its files in *tmp_path*."""

    def build(
        extra: str = "", net: str = NET, base: str = SOLVER, engine: str = "reference", **arguments: Any
    ) -> Solver:
        (tmp_path / "net.prototxt").write_text(net)
        path = tmp_path / "solver.prototxt"
        path.write_text(f'net: "{tmp_path}/net.prototxt"\nsnapshot_prefix: "{tmp_path}/s"\n{base}{extra}')
        return Solver(path, engine=engine, **arguments)

    return build


@pytest.fixture
def param() -> Callable[[str], Any]:
    """A SolverParameter from text."""
    return lambda text: parse_text(text, plugin_manager().schema().message("SolverParameter"), "test").message
