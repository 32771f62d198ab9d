"""Learning-rate policies and optimizers side by side: rates as a function of the iteration, losses of one net.

python examples/backprop/schedules.py
"""

from __future__ import annotations

from typing import Any

from early_stopping import make

from cortado.plugins import plugin_manager
from cortado.proto import parse_text

POLICIES = {
    "step": 'lr_policy: "step" gamma: 0.5 stepsize: 50',
    "cosine": 'lr_policy: "cosine" cosine_param { }',
    "cosine with restarts": 'lr_policy: "cosine" cosine_param { cycle: 30 growth: 2 minimum: 0.05 }',
    "warm-up, then cosine": 'lr_policy: "warmup" warmup_param { iterations: 20 policy: "cosine" } cosine_param { }',
}
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "SGD": {"type": "SGD", "base_lr": 0.1, "momentum": 0.9},
    "Nesterov": {"type": "Nesterov", "base_lr": 0.1, "momentum": 0.9},
    "AdaGrad": {"type": "AdaGrad", "base_lr": 0.03, "momentum": 0.0},
    "RMSProp": {"type": "RMSProp", "base_lr": 0.003, "momentum": 0.0},
    "AdaDelta": {"type": "AdaDelta", "base_lr": 1.0, "momentum": 0.95, "delta": 1e-6},
    "Adam": {"type": "Adam", "base_lr": 0.003, "momentum": 0.9},
    "AdamW": {"type": "AdamW", "base_lr": 0.003, "momentum": 0.9, "weight_decay": 0.1},
    "NAdam": {"type": "NAdam", "base_lr": 0.003, "momentum": 0.9},
    "Lion": {"type": "Lion", "base_lr": 0.002, "momentum": 0.9, "weight_decay": 0.1},
}
ITERATIONS = 200


def rates(name: str) -> list[float]:
    """The rate of the policy *name* in each of 200 iterations."""
    schema = plugin_manager().schema().message("SolverParameter")
    param: Any = parse_text(f"base_lr: 1 max_iter: {ITERATIONS} {POLICIES[name]}", schema, name).message
    policy = plugin_manager().get("lr_policies", param.lr_policy).item(param)
    policy.check()
    return [policy.rate(iteration) for iteration in range(ITERATIONS)]


def plateau() -> tuple[list[float], list[tuple[int, float]]]:
    """The rate in each iteration of a run whose policy watches the validation loss, and that loss."""
    solver = make("plateau_param { patience: 3 factor: 0.3 }", lr_policy="plateau")
    solver.callbacks = [callback for callback in solver.callbacks if callback is solver.policy]
    found: list[float] = []
    validation: list[tuple[int, float]] = []
    for metrics in solver.train(ITERATIONS):
        found.append(metrics.rate)
        if solver.results and (not validation or solver.results[0].iteration != validation[-1][0]):
            validation.append((solver.results[0].iteration, solver.results[0].loss))
    return found, validation


def losses(name: str, iterations: int = 60) -> list[float]:
    """The training loss of each iteration with the optimizer *name*."""
    solver = make(test_interval=10**6, test_initialization=False, **OPTIMIZERS[name])
    solver.callbacks = []
    return [metrics.loss for metrics in solver.train(iterations)]


def main() -> None:
    for name in POLICIES:
        found = rates(name)
        print(f"{name:22}" + "".join(f"{found[i]:8.4f}" for i in (0, 10, 30, 50, 100, 150, 199)))
    found, _ = plateau()
    print(f"{'plateau (base 0.1)':22}" + "".join(f"{found[i]:8.4f}" for i in (0, 10, 30, 50, 100, 150, 199)))
    for name in OPTIMIZERS:
        loss = losses(name)
        print(f"{name:10} loss {loss[0]:.4f} -> {sum(loss[-5:]) / 5:.4f}")


if __name__ == "__main__":
    main()
