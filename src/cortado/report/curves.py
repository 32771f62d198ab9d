"""Curves: the charts of one run or of several: loss, accuracy, what else was tested, learning rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .chart import COLOURS, NARROW, WIDTH, Line, line_chart
from .runs import Run

DASHES = ("", "6 3", "2 3", "9 3 2 3")
MOST_LINES = 24


STYLE = """
.wide{overflow-x:auto}.wide .chart{width:100%}.slim{display:none}
@media (max-width:600px){.slim{display:block}.wide.curve{display:none}}
"""
"""The style of ``curves``."""


def curves(runs: Sequence[Run], names: Sequence[str] = ()) -> str:
    """The charts of *runs* as HTML, for wide screens and for narrow ones."""
    pairs = zip(run_charts(runs, names), run_charts(runs, names, NARROW), strict=True)
    return "\n".join(f'<div class="wide curve">{a}</div><div class="slim">{b}</div>' for a, b in pairs)


def run_charts(runs: Sequence[Run], names: Sequence[str] = (), width: int = WIDTH) -> list[str]:
    """The charts of *runs* as SVG elements; *names* of series put just those in one chart."""
    if names:
        return [_chart(", ".join(names), runs, lambda name: name in names, width)]
    charts = [
        _chart(
            "Loss", runs, lambda name: name == "loss" or (name.startswith("test") and "loss" in name.lower()), width
        ),
        _chart("Accuracy", runs, lambda name: "acc" in name.lower() or "top-" in name.lower(), width),
        _chart("Learning rate", runs, lambda name: name == "lr", width),
    ]
    return [chart for chart in charts if chart]


def series_names(runs: Sequence[Run]) -> list[str]:
    """All series of *runs*, each once, those of training first."""
    names = dict.fromkeys(name for run in runs for name in run.series)
    return sorted(names, key=lambda name: name.startswith("test"))


def _chart(title: str, runs: Sequence[Run], wanted: Callable[[str], bool], width: int) -> str:
    """Colours tell runs apart and dashes series; with a single run, colours tell series apart."""
    names = [name for name in series_names(runs) if wanted(name)]
    lines = []
    for number, run in enumerate(runs):
        for kind, name in enumerate(name for name in names if name in run.series):
            colour = number if len(runs) > 1 else kind
            dash = DASHES[names.index(name) % len(DASHES)] if len(runs) > 1 else ""
            label = f"{run.name}: {name}" if len(runs) > 1 else name
            lines.append(Line(label, run.series[name], colour % len(COLOURS), dash))
    ends = [point[0] for run in runs for points in run.series.values() for point in (points[0], points[-1])]
    return line_chart(title, lines[:MOST_LINES], x_range=ends, width=width) if lines else ""
