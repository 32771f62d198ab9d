"""Draw: a picture of a net as SVG, without any other program: boxes of layers, shapes on the edges.

Layers that run in place stand in the box of the layer whose blob they change. ``draw_svg`` makes a picture that suits
light and dark pages, ``draw_html`` a page around it in which one can zoom, move and search.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from .draw_layout import Box, Edge, place
from .draw_style import PAGE, STYLE, category, details
from .png import to_png
from .summary import BlobRow, LayerRow, Summary

FONT = 11.0
LINE = 15.0
CHARACTER = 6.3
"""Mean width of a character of the font, in pixels."""
PAD = 9.0


@dataclass
class _Node:
    """A box: its layers, the first of which is not in place; the tops that leave it."""

    rows: list[LayerRow]
    tops: list[BlobRow] = field(default_factory=list)

    def texts(self) -> list[tuple[str, str]]:
        """(name, what it is) per line."""
        return [(row.name, details(row)) for row in self.rows]

    def size(self) -> tuple[float, float]:
        widest = max(len(name) + len(what) + 3 for name, what in self.texts())
        label = max((len(_label(top)) + 2 for top in self.tops), default=0) * len(self.tops)
        width = CHARACTER * widest + 2 * PAD
        if len(self.tops) > 1:
            width = max(width, CHARACTER * 1.2 * label)
        return round(width, 1), LINE * len(self.rows) + 2 * PAD - 4


def draw_svg(summary: Summary, *, title: str | None = None) -> str:
    """The picture of *summary* as the text of an SVG file."""
    nodes, links = _fold(summary)
    boxes = [Box(*node.size()) for node in nodes]
    edges = [Edge(a, b, _shift(nodes[a], top, boxes[a])) for a, top, b in links]
    width, height = place(boxes, edges)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" font-family="Helvetica, Arial, DejaVu Sans, sans-serif" font-size="{FONT:.0f}">',
        f"<title>{escape(title or summary.name or 'net')}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{width:.0f}" height="{height:.0f}"/>',
    ]
    parts += [_path(edge) for edge in edges]
    for node, box in zip(nodes, boxes, strict=True):
        parts += _box(node, box)
    for index, (node, box) in enumerate(zip(nodes, boxes, strict=True)):
        parts += _labels(node, box, {top for a, top, _ in links if a == index})
    return "\n".join([*parts, "</svg>\n"])


def draw_html(summary: Summary) -> str:
    """The picture in a page of its own that needs no network."""
    name = escape(summary.name or "net")
    note = f"{len(summary.layers)} layers, {summary.parameters:,} parameters, {summary.macs:,} multiply-adds"
    svg = draw_svg(summary)
    return PAGE.replace("@NAME@", name).replace("@NOTE@", note).replace("@SVG@", svg)


def draw_png(summary: Summary, path: str | Path, *, dark: bool = False) -> None:
    """The picture as a PNG file. Errors: MissingExtraError without resvg_py; FileError."""
    from ..proto import atomic_write

    atomic_write(path, to_png(draw_svg(summary), dark=dark))


def _fold(summary: Summary) -> tuple[list[_Node], list[tuple[int, int, int]]]:
    """Boxes, and links as (from box, its top, to box)."""
    nodes: list[_Node] = []
    home: dict[int, int] = {}
    port: dict[tuple[int, int], int] = {}
    sources: dict[int, list[tuple[int, int]]] = {}
    for a, top, b, _ in summary.edges:
        sources.setdefault(b, []).append((a, top))
    links: list[tuple[int, int, int]] = []
    for index, row in enumerate(summary.layers):
        came = sources.get(index, [])
        if row.in_place and len(came) == 1 and len(row.tops) == 1:
            home[index] = home[came[0][0]]
            nodes[home[index]].rows.append(row)
            port[index, 0] = port[came[0]]
            continue
        home[index] = len(nodes)
        nodes.append(_Node([row], list(row.tops)))
        port.update({(index, number): number for number in range(len(row.tops))})
        links += [(home[a], port[a, top], home[index]) for a, top in came]
    return nodes, list(dict.fromkeys(links))


def _shift(node: _Node, top: int, box: Box) -> float:
    """Where on the lower side of its box a top leaves it, from the middle."""
    count = len(node.tops)
    return ((top + 0.5) / count - 0.5) * box.width * 0.8 if count > 1 else 0.0


def _label(top: BlobRow) -> str:
    return str(top)


def _box(node: _Node, box: Box) -> list[str]:
    left, kind = box.x - box.width / 2, category(node.rows[0])
    tip = "\n".join(_tip(row) for row in node.rows)
    parts = [
        f'<g class="box {kind}"><title>{escape(tip)}</title>',
        f'<rect class="body" x="{left:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="5"/>',
    ]
    for number, (name, what) in enumerate(node.texts()):
        y = box.y + PAD + LINE * (number + 0.62)
        weight = "head" if number == 0 else "more"
        parts.append(
            f'<text class="{weight}" x="{left + PAD:.1f}" y="{y:.1f}">{escape(name)}'
            f'<tspan class="what" dx="7">{escape(what)}</tspan></text>'
        )
    return [*parts, "</g>"]


def _tip(row: LayerRow) -> str:
    weights = " ".join("x".join(map(str, shape)) for shape in row.params)
    parts = [f"{row.name} ({row.type})", f"output {' '.join(map(str, row.tops))}"]
    parts += [f"weights {weights}", f"{row.parameters:,} parameters"] if weights else []
    return "\n".join([*parts, *([f"{row.macs:,} multiply-adds"] if row.macs else [])])


def _labels(node: _Node, box: Box, used: set[int]) -> list[str]:
    """The shapes of the tops, below the box where their edges begin; also of tops that nobody reads."""
    parts = []
    for number, top in enumerate(node.tops):
        if top.shape == () and number not in used:
            continue
        x, y = box.x + _shift(node, number, box) + 4, box.y + box.height + 12
        parts.append(f'<text class="shape" x="{x:.1f}" y="{y:.1f}">{escape(_label(top))}</text>')
    return parts


def _path(edge: Edge) -> str:
    (x, y), *rest = edge.points
    d = [f"M{x:.1f} {y:.1f}"]
    for px, py in rest:
        if abs(px - x) < 0.05:
            d.append(f"V{py:.1f}")
        else:
            middle = (y + py) / 2
            d.append(f"C{x:.1f} {middle:.1f} {px:.1f} {middle:.1f} {px:.1f} {py:.1f}")
        x, y = px, py
    arrow = f"M{x - 3.5:.1f} {y - 6:.1f}L{x:.1f} {y - 0.5:.1f}L{x + 3.5:.1f} {y - 6:.1f}"
    return f'<path class="edge" d="{"".join(d)}"/><path class="arrow" d="{arrow}Z"/>'
