"""Twenty iterations of every solver: parameters, losses, history; and the rates of every policy."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import cortado
from cortado.plugins import plugin_manager
from cortado.proto import parse_text

HERE = Path(__file__).parent
FOLDER = "solvers"
CASES = list(json.loads((HERE / FOLDER / "index.json").read_text()))
POLICIES = json.loads((HERE / "lr_policies" / "lr.json").read_text())
LATE = {"rtol": 5e-4, "atol": 5e-5}


@pytest.mark.parametrize("name", CASES)
def test_solver(name: str, inside: Path, reference: SimpleNamespace) -> None:
    with reference.load(inside / f"{name}.npz") as data:
        solver = cortado.Solver(f"{name}.solver.prototxt")
        reference.set_params(solver.net, data, "init.")
        losses = []
        solver.net.after_forward.append(lambda index: None)
        forward = solver.net.forward
        solver.net.forward = lambda *a: losses.append(forward(*a)) or losses[-1]
        for at in (1, 2, 5, 20):
            solver.step(at - solver.iteration)
            reference.check_params(solver.net, data, f"it{at}.", **({} if at <= 5 else LATE))
        reference.close("loss", np.array(losses), data["loss"].ravel(), **LATE)
        slots = [h[s] for s in range(solver.optimizer.slots) for h in solver.history]
        wanted = [data[f"history.{i}"] for i in range(len(slots))]
        for index, (got, want) in enumerate(zip(slots, wanted, strict=True)):
            reference.close(f"history.{index}", got, want, **LATE)


@pytest.mark.parametrize("name", list(POLICIES))
def test_policy(name: str) -> None:
    case = POLICIES[name]
    text = f"{case['solver']}\nmax_iter: {case['max_iter']}"
    param = parse_text(text, plugin_manager().schema().SolverParameter, name).message
    policy = plugin_manager().get("lr_policies", param.lr_policy).item(param)
    policy.check()
    got = [policy.rate(i) for i in range(len(case["lr"]))]
    np.testing.assert_allclose(got, case["lr"], rtol=1e-6)
