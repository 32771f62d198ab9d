"""``cortado upgrade_solver_proto_text``: Caffe's name for ``cortado upgrade solver``."""

from __future__ import annotations

from .upgrade import hidden, solver

command = hidden(solver, "upgrade-solver-proto-text")
