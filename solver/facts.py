"""Facts: what a run depends on, so that it can be told whether another is the same."""

from __future__ import annotations

import hashlib
import platform
from typing import TYPE_CHECKING, Any

WITHOUT_EFFECT = ("display", "snapshot", "snapshot_prefix", "snapshot_diff", "snapshot_format", "snapshot_after_train",
                  "debug_info", "solver_mode", "device_id", "weights", "random_seed")  # fmt: skip
"""Fields of a solver that do not matter to what it computes; the seed is a fact of its own."""
ENDLESS = ("", "fixed", "step", "exp", "inv", "multistep", "sigmoid")
"""Policies that do not ask how long the run is."""

if TYPE_CHECKING:
    from ..plugins import PluginManager
    from .solver import Solver


def facts_of(solver: Solver) -> dict[str, Any]:
    """Seed; versions; engine, instruction set, threads, dtype; plugins and their versions; hashes of nets and solver.

    Two runs whose facts are equal, on machines that are, give the same numbers bit for bit.
    """
    import google.protobuf
    import numpy as np

    from .. import __version__

    nets = [solver.net, *solver.test_nets]
    engine = solver.engine
    return {
        "seed": solver.seed,
        "cortado": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "protobuf": google.protobuf.__version__,
        "machine": platform.machine(),
        "engine": engine.name,
        "isa": engine.isa,
        "threads": engine.threads,
        "dtype": np.dtype(solver.net.context.dtype).name,
        "plugins": _plugins(solver),
        "net": _hash(*(net.definition for net in nets)),
        "solver": _hash(_what_counts(solver.param)),
    }


def head_lines(solver: Solver) -> list[str]:
    """The facts as lines for the head of a log."""
    f = facts_of(solver)
    versions = ", ".join([f"Python {f['python']}", f"numpy {f['numpy']}", f"protobuf {f['protobuf']}"])
    plugins = "".join(f", {name} {version}" for name, version in f["plugins"].items())
    return [
        f"cortado {f['cortado']}, {versions}{plugins}",
        f"engine {f['engine']} ({f['isa']}), threads {f['threads']}, {f['dtype']}, seed {f['seed']}",
        f"net {f['net']}, solver {f['solver']}",
    ]


def differences(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Which facts differ, in words."""
    keys = sorted({*then, *now})
    return [f"{key} was {then.get(key)} and is {now.get(key)}" for key in keys if then.get(key) != now.get(key)]


def _what_counts(param: Any) -> Any:
    """A copy of *param* without what changes no weights."""
    copy = type(param)()
    copy.CopyFrom(param)
    for name in WITHOUT_EFFECT:
        copy.ClearField(name)
    if param.lr_policy in ENDLESS:
        copy.ClearField("max_iter")
    return copy


def _hash(*messages: Any) -> str:
    """16 hexadecimal digits that differ where the messages do."""
    digest = hashlib.sha256()
    for message in messages:
        data = message.SerializeToString(deterministic=True)
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:16]


def _plugins(solver: Solver) -> dict[str, str]:
    """The distributions, Cortado's own excepted, that the parts of the run come from."""
    parts: list[tuple[str, type]] = [("layers", type(x)) for net in (solver.net, *solver.test_nets) for x in net.layers]
    parts += [("optimizers", type(solver.optimizer)), ("regularizers", type(solver.regularizer))]
    parts += [("lr_policies", type(solver.policy)), *(("callbacks", type(c)) for c in solver.callbacks)]
    found = {}
    for kind, part in parts:
        for name, version in _foreign(solver.plugins, kind).get(part, []):
            found[name] = version
    return dict(sorted(found.items()))


def _foreign(plugins: PluginManager, kind: str) -> dict[Any, list[tuple[str, str]]]:
    rows: dict[Any, list[tuple[str, str]]] = {}
    for entry in plugins.registry(kind).all():
        if not entry.provider.builtin:
            rows.setdefault(entry.item, []).append((entry.provider.distribution, entry.provider.version))
    return rows
