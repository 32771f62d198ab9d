"""A histogram that is small enough to stand beside others."""

from __future__ import annotations

from html import escape

import numpy as np

from ..layers import Array

BINS = 40
WIDTH, HEIGHT, TOP, BOTTOM, SIDE = 300, 150, 38, 20, 10


def histogram(title: str, values: Array, note: str = "", colour: int = 0) -> str:
    """How often *values* lie where, as an ``<svg>`` element with the classes of ``chart.STYLE``.

    Numbers that are not finite are left out and counted in the note.
    """
    flat = np.asarray(values, np.float64).ravel()
    finite = flat[np.isfinite(flat)]
    if len(finite) < len(flat):
        note = f"{len(flat) - len(finite):,} not finite; {note}"
    counts, edges = (
        np.histogram(finite, bins=BINS) if finite.size else (np.zeros(BINS, int), np.linspace(0, 1, BINS + 1))
    )
    low, high, most = float(edges[0]), float(edges[-1]), max(1, int(counts.max()))
    step, floor = (WIDTH - 2 * SIDE) / BINS, HEIGHT - BOTTOM
    parts = [
        f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" aria-label="{escape(title)}">',
        f'<text class="title" x="{SIDE}" y="14">{escape(title)}</text><text x="{SIDE}" y="30">{escape(note)}</text>',
    ]
    for index, count in enumerate(counts):
        height = max(1.0 if count else 0.0, float(count) / most * (floor - TOP))
        parts.append(
            f'<rect class="f{colour}" x="{SIDE + step * index + 0.4:.1f}" y="{floor - height:.1f}" '
            f'width="{step - 0.8:.1f}" height="{height:.1f}">'
            f"<title>{edges[index]:.3g} to {edges[index + 1]:.3g}: {count:,}</title></rect>"
        )
    parts.append(f'<path class="axis" d="M{SIDE} {floor}H{WIDTH - SIDE}"/>')
    if low < 0 < high:
        zero = SIDE + (0 - low) / (high - low) * (WIDTH - 2 * SIDE)
        parts.append(f'<path class="axis" stroke-dasharray="3 3" d="M{zero:.1f} {TOP}V{floor + 4}"/>')
        if SIDE + 60 < zero < WIDTH - SIDE - 60:
            parts.append(f'<text x="{zero:.1f}" y="{HEIGHT - 5}" text-anchor="middle">0</text>')
    parts.append(f'<text x="{SIDE}" y="{HEIGHT - 5}">{low:.3g}</text>')
    parts.append(f'<text x="{WIDTH - SIDE}" y="{HEIGHT - 5}" text-anchor="end">{high:.3g}</text></svg>')
    return "".join(parts)
