"""What ``cortado time`` prints: a table for people, or JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from ..engines import Engine
from ..engines.limits import Limits
from ..netdef.timing import LayerTime, PassTime, together
from ._text_table import lines_of, widths_of

PASS = ("ms", "GFLOP/s", "of peak", "bound", "x floor")
_BOUND = {"operations": "ops", "bytes": "bytes", "": ""}


@dataclass
class Run:
    """One measurement of a net; ``buckets`` are (layers, bytes, seconds of a sum over ``ranks``)."""

    net: str
    engine: Engine
    phase: str
    iterations: int
    limits: Limits
    loss: float
    layers: list[LayerTime]
    buckets: list[tuple[str, int, float]] = field(default_factory=list)
    ranks: int = 1

    @property
    def forward(self) -> PassTime:
        return together([layer.forward for layer in self.layers])

    @property
    def backward(self) -> PassTime:
        return together([layer.backward for layer in self.layers])


def as_text(run: Run) -> str:
    peak, rate = run.limits.operations * 1e-9, run.limits.transfer * 1e-9
    lines = [
        f"engine {run.engine.name} ({run.engine.isa}), phase {run.phase}, {run.iterations} passes",
        f"peak {peak:.0f} GFLOP/s, copy {rate:.1f} GB/s",
        f"initial loss: {run.loss:g}",
        *_table(run),
    ]
    both = together([run.forward, run.backward])
    for name, one in (("Forward pass", run.forward), ("Backward pass", run.backward), ("Forward-Backward", both)):
        lines.append(f"Average {name}: {1e3 * one.seconds:.3f} ms.")
    lines.append(
        f"All layers: {both.rate * 1e-9:.1f} GFLOP/s, {both.rate / run.limits.operations:.1%} of the peak; "
        f"floor {1e3 * both.floor:.3f} ms, {both.over_floor:.2f} times that."
    )
    return "\n".join(lines + (_bucket_lines(run) if run.buckets else []))


def _table(run: Run) -> list[str]:
    total = sum(layer.seconds for layer in run.layers) or 1.0
    rows: list[tuple[str, ...]] = [("layer", "type", *PASS, *PASS, "share")]
    for layer in run.layers:
        cells = (*_cells(layer.forward, run.limits), *_cells(layer.backward, run.limits))
        rows.append((layer.name, layer.type, *cells, f"{layer.seconds / total:.1%}"))
    widths = widths_of(rows)
    start = widths[0] + widths[1] + 4
    halves = [sum(widths[i : i + 5]) + 8 for i in (2, 7)]
    head = " " * start + "forward".center(halves[0], "-") + "  " + "backward".center(halves[1], "-")
    return [head, *lines_of(rows, left=(0, 1, 5, 10))]


def _cells(one: PassTime, limits: Limits) -> tuple[str, ...]:
    rate = (f"{one.rate * 1e-9:.1f}", f"{one.rate / limits.operations:.0%}") if one.work.operations else ("", "")
    over = f"{one.over_floor:.1f}" if one.floor else ""
    return (f"{1e3 * one.seconds:.3f}", *rate, _BOUND[one.bound], over)


def _bucket_lines(run: Run) -> list[str]:
    width = max(len(label) for label, _, _ in run.buckets)
    lines = ["", f"{'bucket':{width}} {'MB':>9} {'sum ms':>9} {'MB/s':>8}   ({run.ranks} ranks)"]
    for label, size, seconds in run.buckets:
        lines.append(f"{label:{width}} {size / 1e6:9.3f} {seconds * 1e3:9.3f} {size / 1e6 / seconds:8.0f}")
    total = 1e3 * sum(seconds for _, _, seconds in run.buckets)
    return [*lines, f"Average sum over ranks: {total:.3f} ms, without overlap."]


def to_json(run: Run) -> str:
    """Milliseconds, GFLOP/s, GB/s and bytes; ``of_peak`` and ``over_floor`` are ratios, null where nothing counts."""

    def told(one: PassTime) -> dict[str, Any]:
        counted = bool(one.work.operations)
        return {
            "ms": 1e3 * one.seconds,
            "operations": one.work.operations,
            "bytes": one.work.size,
            "gflops": one.rate * 1e-9 if counted else None,
            "of_peak": one.rate / run.limits.operations if counted else None,
            "floor_ms": 1e3 * one.floor,
            "bound": one.bound or None,
            "over_floor": one.over_floor if one.floor else None,
        }

    layers = [
        {"name": layer.name, "type": layer.type, "forward": told(layer.forward), "backward": told(layer.backward)}
        for layer in run.layers
    ]
    buckets = [{"layers": label, "bytes": size, "ms": 1e3 * seconds} for label, size, seconds in run.buckets]
    return json.dumps(
        {
            "net": run.net,
            "engine": run.engine.name,
            "isa": run.engine.isa,
            "threads": run.engine.threads,
            "phase": run.phase,
            "passes": run.iterations,
            "peak_gflops": run.limits.operations * 1e-9,
            "copy_gb_per_s": run.limits.transfer * 1e-9,
            "loss": run.loss,
            "forward": told(run.forward),
            "backward": told(run.backward),
            "layers": layers,
            "ranks": run.ranks,
            "buckets": buckets,
        },
        indent=1,
    )
