"""Pictures of what ``nets.py`` and ``layers.py`` have measured, drawn from their JSON. Needs matplotlib."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import geometric_mean
from typing import Any

import matplotlib as mpl

mpl.use("agg")

from matplotlib import pyplot as plt
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

INK, PALE = "#2b2b2b", "#d9d4cc"
# Told apart by readers who do not see all colours, and by their order.
COLORS = {
    "native": "#6f4326", "pytorch": "#e69f00", "pytorch_channels_last": "#f2cc73", "onnxruntime_": "#0072b2",
    "opencv": "#56b4e9", "caffe": "#8c8c8c",
}  # fmt: skip
LABELS = {
    "native": "Cortado", "pytorch": "PyTorch", "pytorch_channels_last": "PyTorch, channels last",
    "onnxruntime_": "ONNX Runtime", "opencv": "OpenCV", "caffe": "Caffe",
}  # fmt: skip
MODES = {"train": "training step", "infer": "inference"}
STYLE = {
    "font.family": "sans-serif", "font.size": 9, "text.color": INK, "axes.labelcolor": INK, "xtick.color": INK,
    "ytick.color": INK, "axes.edgecolor": PALE, "svg.fonttype": "none", "svg.hashsalt": "cortado",
}  # fmt: skip


def _bare(axes: Any) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)
    axes.set_axisbelow(True)


def _ratios(axes: Any, least: float, most: float) -> None:
    """A logarithmic axis of ratios, with 1 marked."""
    steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]
    axes.set_xscale("log")
    axes.set_xlim(least / 1.15, most * 1.15)
    axes.xaxis.set_major_locator(FixedLocator([s for s in steps if least / 1.15 <= s <= most * 1.15]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.grid(axis="x", color=PALE, linewidth=0.6)
    axes.axvline(1, color=INK, linewidth=1)


def plot_nets(figures: dict[str, Any], path: Path) -> None:
    """Per mode two panels: times as multiples of Cortado's, and peak memory in MiB; a row a net, a mark a contender."""
    with plt.rc_context(STYLE):
        nets = list(dict.fromkeys(net for mode in figures.values() for net in mode))
        size = (11, 1.1 + len(figures) * (0.42 * len(nets) + 0.9))
        picture, panels = plt.subplots(len(figures), 2, figsize=size, squeeze=False, width_ratios=(3, 2))
        for row, (mode, found) in zip(panels, figures.items(), strict=True):
            _times(row[0], mode, found, nets)
            _memory(row[1], mode, found, nets)
        seen = list(dict.fromkeys(name for mode in figures.values() for net in mode.values() for name in net))
        marks = [plt.Line2D([], [], marker="o", linestyle="", color=COLORS.get(n, INK)) for n in seen]
        labels = [LABELS.get(n, n) for n in seen]
        picture.legend(marks, labels, loc="upper left", ncols=len(seen), frameon=False, handletextpad=0.1)
        picture.tight_layout(rect=(0, 0, 1, 1 - 0.35 / size[1]))
        _write(picture, path)


def _times(axes: Any, mode: str, found: dict[str, Any], nets: list[str]) -> None:
    values = {n: {who: v["ms"] / found[n]["native"]["ms"] for who, v in found[n].items()} for n in nets if n in found}
    every = [value for net in values.values() for value in net.values()]
    _ratios(axes, min(every), max(every))
    for place, net in enumerate(nets):
        line = values.get(net, {})
        if line:
            axes.plot([min(line.values()), max(line.values())], [place] * 2, color=PALE, linewidth=2, zorder=1)
        for who, value in reversed(line.items()):
            axes.scatter(value, place, color=COLORS.get(who, INK), s=46 if who == "native" else 30, zorder=2)
    labels = [f"{net}  {found[net]['native']['ms']:.1f} ms" if net in found else net for net in nets]
    axes.set_yticks(range(len(nets)), labels)
    axes.invert_yaxis()
    best = [min(v for who, v in line.items() if who != "native") for line in values.values() if len(line) > 1]
    mean = f": the best of the others takes {geometric_mean(best):.2f} times as long" if best else ""
    axes.set_title(f"{MODES.get(mode, mode).capitalize()}{mean}", loc="left", fontsize=9, fontweight="bold")
    axes.set_xlabel("time as a multiple of Cortado's (further right is slower)")
    _bare(axes)


def _memory(axes: Any, mode: str, found: dict[str, Any], nets: list[str]) -> None:
    for place, net in enumerate(nets):
        line = {who: max(v["peak"], 1) for who, v in found.get(net, {}).items()}
        if line:
            axes.plot([min(line.values()), max(line.values())], [place] * 2, color=PALE, linewidth=2, zorder=1)
        for who, value in reversed(line.items()):
            axes.scatter(value, place, color=COLORS.get(who, INK), s=46 if who == "native" else 30, zorder=2)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(axis="x", color=PALE, linewidth=0.6)
    axes.set_yticks(range(len(nets)), [""] * len(nets))
    axes.invert_yaxis()
    axes.set_title(f"Peak memory, {MODES.get(mode, mode)}", loc="left", fontsize=9, fontweight="bold")
    axes.set_xlabel("MiB beyond what the process had before")
    _bare(axes)


def plot_layers(rows: list[dict[str, Any]], path: Path) -> None:
    """Two panels, forward and backward: a dot a layer, at its ratio to the best of the others, in a row per kind; as
    large as its share of Cortado's time for the net; a tick at the geometric mean."""
    with plt.rc_context(STYLE):
        kinds = list(dict.fromkeys(row["kind"] for row in rows))
        picture, panels = plt.subplots(1, 2, figsize=(11, 1.2 + 0.55 * len(kinds)), sharex=True, sharey=True)
        for axes, direction in zip(panels, ("forward", "backward"), strict=True):
            _cloud(axes, direction, rows, kinds)
        panels[0].set_yticks(range(len(kinds)), kinds)
        panels[0].invert_yaxis()
        picture.tight_layout()
        _write(picture, path)


def _cloud(axes: Any, direction: str, rows: list[dict[str, Any]], kinds: list[str]) -> None:
    whole: dict[str, float] = {}
    points = []
    for row in rows:
        figures = row["ms"][direction]
        others = [ms for who, ms in figures.items() if who != "native"]
        if "native" in figures and others:
            spent = row["times"] * figures["native"]
            whole[row["net"]] = whole.get(row["net"], 0) + spent
            points.append((kinds.index(row["kind"]), figures["native"] / min(others), spent, row["net"]))
    for order, (place, value, spent, net) in enumerate(points):
        shift = 0.28 * math.sin(order * 2.4)
        color = COLORS["native"] if value <= 1 else COLORS["onnxruntime_"]
        axes.scatter(
            min(max(value, 0.01), 100),
            place + shift,
            s=8 + 500 * spent / whole[net],
            color=color,
            alpha=0.55,
            linewidth=0,
        )
    ratios = [min(max(p[1], 0.01), 100) for p in points]
    low, high = axes.get_xlim() if direction == "backward" else (1.0, 1.0)  # one scale for both panels
    _ratios(axes, min(ratios, default=1.0), max(ratios, default=1.0))
    now = axes.get_xlim()
    axes.set_xlim(min(low, now[0]), max(high, now[1]))
    for place in range(len(kinds)):
        values = [p[1] for p in points if p[0] == place]
        if values:
            axes.plot([geometric_mean(values)] * 2, [place - 0.36, place + 0.36], color=INK, linewidth=1.6)
    axes.set_title(f"{direction.capitalize()}", loc="left", fontsize=9, fontweight="bold")
    axes.set_xlabel("time by that of the best of the others (left of 1: Cortado is faster)")
    _bare(axes)


def _write(picture: Any, path: Path) -> None:
    picture.savefig(path, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(picture)
