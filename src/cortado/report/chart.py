"""Charts as SVG that suit light and dark pages: lines over iterations, and bars.

Colours are classes (``c0`` … ``c7``) that ``STYLE`` sets for both kinds of page; they can be told apart also by those
who see few colours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

COLOURS = (
    ("#1f77b4", "#62b0ea"),
    ("#d1495b", "#ff8a95"),
    ("#2a8a57", "#63cf95"),
    ("#b3740e", "#f0b653"),
    ("#7a4fb5", "#b995f0"),
    ("#0f8a94", "#4fd0d9"),
    ("#8c564b", "#d3a297"),
    ("#5d6770", "#aab6c0"),
)
"""(on light, on dark)."""
WIDTH, NARROW, HEIGHT = 720, 360, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 22, 30, 40
MOST_POINTS = 600
ROW = 18


def _styles(dark: int) -> str:
    lines = "".join(f".c{i}{{stroke:{c[dark]}}}.f{i}{{fill:{c[dark]}}}" for i, c in enumerate(COLOURS))
    text, grid, axis = (("#1d2429", "#e3e8eb", "#8a949c"), ("#e6eaec", "#2b343a", "#6d7a83"))[dark]
    page = ("#ffffff", "#14181b")[dark]
    return f".chart text{{fill:{text}}}.grid{{stroke:{grid}}}.axis{{stroke:{axis}}}.paper{{fill:{page}}}{lines}"


STYLE = (
    ".line{fill:none;stroke-width:1.7;stroke-linejoin:round}.grid,.axis{stroke-width:1}"
    ".chart text{font:12px Helvetica,Arial,DejaVu Sans,sans-serif}.chart .title{font-weight:bold;font-size:13px}"
    f"{_styles(0)}@media (prefers-color-scheme: dark) {{{_styles(1)}}} /* dark */"
)
"""The rules that the charts need once per file."""


@dataclass
class Line:
    """A line of a chart: its label, its points, the number of its colour, and its dashes (``""`` for none)."""

    label: str
    points: Sequence[tuple[float, float]]
    colour: int = 0
    dash: str = ""


def line_chart(title: str, lines: Sequence[Line], *, x_label: str = "iteration", log: bool | None = None,
               log_x: bool = False, x_range: Sequence[float] = (), width: int = WIDTH) -> str:  # fmt: skip
    """A chart of *lines* as an ``<svg>`` element.

    *log*: the y axis; None decides by the range of the values. *x_range*: values that the x axis must have room for.
    *width*: in pixels.
    """
    cleaned = [(line, _thin([p for p in line.points if math.isfinite(p[1])])) for line in lines]
    values = [y for _, points in cleaned for _, y in points]
    xs = [x for _, points in cleaned for x, _ in points]
    use_log = _wants_log(values) if log is None else log and min(values, default=0) > 0
    rows = _legend_rows([line.label for line in lines], width)
    height = HEIGHT + ROW * len(rows)
    y_axis = _Axis(values, height - TOP - BOTTOM - ROW * len(rows), use_log, whole=True)
    plot = _Plot(_Axis([*xs, *x_range], width - LEFT - RIGHT, log_x), y_axis, width)
    body = [
        _open(height, width),
        f'<text class="title" x="{LEFT}" y="18">{escape(title)}{" (log scale)" if use_log else ""}</text>',
    ]
    body += plot.frame(x_label)
    for line, points in cleaned:
        body.append(plot.path(points, line))
    body += _legend(lines, rows, TOP + plot.y.length + BOTTOM + 4)
    return "".join([*body, "</svg>"])


def bar_chart(title: str, labels: Sequence[str], values: Sequence[float], *, colour: int = 0) -> str:
    """Bars side by side, one per value, with *labels* under some of them."""
    axis = _Axis([0.0, *values], HEIGHT - TOP - BOTTOM, False, whole=True)
    step = (WIDTH - LEFT - RIGHT) / max(1, len(values))
    plot = _Plot(_Axis([0, len(values)], WIDTH - LEFT - RIGHT, False), axis)
    body = [_open(HEIGHT), f'<text class="title" x="{LEFT}" y="18">{escape(title)}</text>', *plot.grid_lines()]
    every = max(1, math.ceil(len(values) / 10))
    for index, (label, value) in enumerate(zip(labels, values, strict=True)):
        y, zero = plot.at_y(value), plot.at_y(0)
        x = LEFT + step * index
        body.append(
            f'<rect class="f{colour}" x="{x + step * 0.08:.1f}" y="{min(y, zero):.1f}" width="{step * 0.84:.1f}" '
            f'height="{abs(zero - y):.1f}"><title>{escape(label)}: {value:g}</title></rect>'
        )
        if index % every == 0:
            body.append(
                f'<text x="{x + step / 2:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{escape(label)}</text>'
            )
    return "".join([*body, "</svg>"])


class _Axis:
    """Values to pixels along one axis of *length* pixels, with round tick marks, also at both ends if *whole*."""

    def __init__(self, values: Sequence[float], length: float, log: bool, whole: bool = False) -> None:
        self.length, self.log = length, log
        low, high = min(values, default=0.0), max(values, default=1.0)
        if log:
            low, high = math.log10(low), math.log10(high)
        if high - low < 1e-12 * max(1.0, abs(high)):
            low, high = low - (abs(low) or 1) * 0.1, high + (abs(high) or 1) * 0.1
        self.ticks = _decades(low, high) if log else _round_ticks(low, high)
        if whole and not log and len(self.ticks) > 1:
            step = self.ticks[1] - self.ticks[0]
            low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
            self.ticks = _round_ticks(low, high)
        marks = [math.log10(t) if log else t for t in self.ticks]
        self.low, self.high = min([low, *marks]), max([high, *marks])

    def __call__(self, value: float) -> float:
        scaled = math.log10(max(value, 1e-300)) if self.log else value
        return (scaled - self.low) / (self.high - self.low) * self.length


class _Plot:
    def __init__(self, x: _Axis, y: _Axis, width: int = WIDTH) -> None:
        self.x, self.y, self.width = x, y, width

    def at_x(self, value: float) -> float:
        return LEFT + self.x(value)

    def at_y(self, value: float) -> float:
        return TOP + self.y.length - self.y(value)

    def grid_lines(self) -> list[str]:
        parts = []
        for tick in self.y.ticks:
            y = self.at_y(tick)
            parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{self.width - RIGHT}"/>')
            parts.append(f'<text x="{LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{_short(tick)}</text>')
        return parts

    def frame(self, x_label: str) -> list[str]:
        bottom = TOP + self.y.length
        parts = self.grid_lines()
        for tick in self.x.ticks:
            x = self.at_x(tick)
            parts.append(f'<path class="axis" d="M{x:.1f} {bottom:.1f}v4"/>')
            parts.append(f'<text x="{x:.1f}" y="{bottom + 17:.1f}" text-anchor="middle">{_short(tick)}</text>')
        parts.append(f'<path class="axis" fill="none" d="M{LEFT} {TOP}V{bottom:.1f}H{self.width - RIGHT}"/>')
        middle = f'x="{(LEFT + self.width) / 2:.0f}" y="{bottom + 33:.1f}" text-anchor="middle"'
        parts.append(f"<text {middle}>{escape(x_label)}</text>")
        return parts

    def path(self, points: Sequence[tuple[float, float]], line: Line) -> str:
        if not points:
            return ""
        dash = f' stroke-dasharray="{line.dash}"' if line.dash else ""
        label = f"<title>{escape(line.label)}</title>"
        if len(points) == 1:
            x, y = points[0]
            return (
                f'<circle class="f{line.colour}" cx="{self.at_x(x):.1f}" cy="{self.at_y(y):.1f}" r="3">{label}</circle>'
            )
        d = "M" + "L".join(f"{self.at_x(x):.1f} {self.at_y(y):.1f}" for x, y in points)
        return f'<path class="line c{line.colour}"{dash} d="{d}">{label}</path>'


def _open(height: float, width: int = WIDTH) -> str:
    return (
        f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" role="img" '
        f'width="{width}" height="{height:.0f}">'
    )


def _legend_rows(labels: Sequence[str], width: int) -> list[list[int]]:
    rows: list[list[int]] = [[]]
    used = 0.0
    for index, label in enumerate(labels):
        need = 34 + 6.6 * len(label)
        if rows[-1] and used + need > width - LEFT - RIGHT:
            rows.append([])
            used = 0.0
        rows[-1].append(index)
        used += need
    return rows


def _legend(lines: Sequence[Line], rows: Sequence[Sequence[int]], y: float) -> list[str]:
    parts = []
    for number, row in enumerate(rows):
        x, at = float(LEFT), y + ROW * number + 8
        for index in row:
            line = lines[index]
            dash = f' stroke-dasharray="{line.dash}"' if line.dash else ""
            parts.append(f'<path class="line c{line.colour}"{dash} d="M{x:.0f} {at - 4:.0f}h20"/>')
            parts.append(f'<text x="{x + 25:.0f}" y="{at:.0f}">{escape(line.label)}</text>')
            x += 34 + 6.6 * len(line.label)
    return parts


def _thin(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most about MOST_POINTS, of each stretch the lowest and the highest."""
    if len(points) <= MOST_POINTS:
        return list(points)
    size = math.ceil(2 * len(points) / MOST_POINTS)
    kept = [points[0]]
    for start in range(0, len(points), size):
        part = points[start : start + size]
        ends = {min(part, key=lambda p: p[1]), max(part, key=lambda p: p[1])}
        kept += sorted(ends)
    return [*kept, points[-1]]


def _wants_log(values: Sequence[float]) -> bool:
    low, high = min(values, default=0.0), max(values, default=0.0)
    return low > 0 and high / low > 200


def _decades(low: float, high: float) -> list[float]:
    step = max(1, math.ceil((high - low) / 8))
    ticks = [10.0**e for e in range(math.floor(low), math.ceil(high) + 1, step)]
    return (
        ticks
        if len(ticks) > 2
        else sorted({t * m for t in ticks for m in (1, 2, 5) if low <= math.log10(t * m) <= high})
    )


def _round_ticks(low: float, high: float) -> list[float]:
    raw = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [n * step for n in range(first, last + 1)] or [low, high]


def _short(value: float) -> str:
    if value == 0:
        return "0"
    if abs(value) >= 1e6 or abs(value) < 1e-3:
        return f"{value:.3g}".replace("e-0", "e-").replace("e+0", "e")
    return f"{value:.6g}"
