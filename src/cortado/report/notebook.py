"""What nets, blobs and solvers show of themselves in a notebook: small pieces of HTML, without styles of their own but
for what is needed to be read on light and dark pages."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from .pictures import filter_grid, image_tag, to_pixels

if TYPE_CHECKING:
    from ..layers import Blob
    from ..netdef import Net
    from ..solver import Solver

MOST_ROWS = 400
MOST_PICTURES = 8


def net_html(net: Net) -> str:
    """A table of the layers: type, tops with shapes, parameters."""
    owned = {id(p.blob) for p in net.learnable}
    rows = []
    for step in net.steps[:MOST_ROWS]:
        layer = step.layer
        tops = ", ".join(f"{blob.name} {_by(blob.shape)}" for blob in step.top)
        count = sum(blob.count for blob in layer.blobs if id(blob) in owned)
        rows.append(_row(layer.name, layer.config.type, tops, f"{count:,}" if count else ""))
    total = sum(p.blob.count for p in net.learnable)
    more = "" if len(net.steps) <= MOST_ROWS else f"<p>and {len(net.steps) - MOST_ROWS} more</p>"
    title = f"<b>Net {escape(net.name)}</b>, {net.phase.name}: {len(net.layers)} layers, {total:,} parameters"
    return f"<p>{title}</p>{_table(('layer', 'type', 'tops', 'parameters'), rows)}{more}"


def blob_html(blob: Blob) -> str:
    """Shape, range and mean; pictures where the shape is that of images or of filters.

    A blob whose memory has not been taken yet is only named, so that looking at it takes none.
    """
    head = f"<b>Blob {escape(blob.name)}</b> {_by(blob.shape)}, {blob.dtype}"
    if not blob.nbytes or not blob.count:
        return f"<p>{head}, without data yet</p>"
    data = blob.data
    finite = data[np.isfinite(data)]
    if not finite.size:
        return f"<p>{head}: no finite numbers</p>"
    bad = data.size - finite.size
    facts = f"from {finite.min():.4g} to {finite.max():.4g}, mean {finite.mean():.4g}, deviation {finite.std():.4g}"
    note = f", <b>{bad} NaN or infinite</b>" if bad else ""
    return f"<p>{head}<br>{facts}{note}</p>{_pictures(blob)}"


def solver_html(solver: Solver) -> str:
    """Where the training is, and its net."""
    results = "".join(
        _row(f"test {result.net}, iteration {result.iteration}", f"{name} = {value:.4g}")
        for result in solver.results
        for name, value, _ in result.outputs
    )
    head = f"<b>{escape(solver.param.type)} solver</b>, iteration {solver.iteration} of {solver.param.max_iter}"
    facts = f"lr_policy {escape(solver.param.lr_policy)}, base_lr {solver.param.base_lr:g}, last rate {solver.rate:g}"
    return f"<p>{head}<br>{facts}</p>{_table((), [results]) if results else ''}{net_html(solver.net)}"


def _pictures(blob: Blob) -> str:
    shape = blob.shape
    if len(shape) != 4 or min(shape[2:]) < 2 or max(shape[2:]) > 512:
        return ""
    if blob.name.endswith("]") and shape[1] <= 3:  # learned blobs are called LAYER[INDEX]
        grid = filter_grid(blob.data)
        return image_tag(grid, blob.name, min(640, 2 * grid.shape[1]))
    tags = [image_tag(to_pixels(one), f"{blob.name} {i}", 96) for i, one in enumerate(blob.data[:MOST_PICTURES])]
    return " ".join(tags)


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _row(*cells: str) -> str:
    return "<tr>" + "".join(f'<td style="text-align:left">{escape(cell)}</td>' for cell in cells) + "</tr>"


def _table(head: tuple[str, ...], rows: list[str]) -> str:
    title = "".join(f'<th style="text-align:left">{escape(cell)}</th>' for cell in head)
    return f"<table><tr>{title}</tr>{''.join(rows)}</table>"
