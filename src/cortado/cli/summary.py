"""``cortado summary``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ._net_options import looking, phase_of, shapes_of
from ._options import stage_list
from ._text_table import lines_of, widths_of

if TYPE_CHECKING:
    from ..netdef.summary import LayerRow, Summary

HEAD = ("layer", "type", "output", "weights", "parameters", "multiply-adds", "memory")


@click.command(epilog="Example: cortado summary examples/digits/net.prototxt")
@click.argument("net")
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table.")
@looking
def command(
    net: str,
    as_json: bool,
    phase: str | None,
    shapes: tuple[str, ...],
    level: int | None,
    stage: tuple[str, ...],
) -> None:
    """Tell what NET is made of: shapes, parameters, multiply-adds and memory of every layer.

    Nothing is run, no memory is taken and no data is read. Memory is that of the blobs a layer makes, in single
    precision; a net in training holds as much again for their gradients.
    """
    from ..netdef.summary import summarize

    found = summarize(net, phase_of(phase), level=level, stages=stage_list(stage), shapes=shapes_of(shapes))
    click.echo(_json(found) if as_json else _table(found))


def _table(summary: Summary) -> str:
    rows = [HEAD, *(_cells(row) for row in summary.layers)]
    lines = lines_of(rows, left=range(4))
    lines.insert(1, "  ".join("-" * width for width in widths_of(rows)))
    title = f"{summary.name or 'net'}, phase {summary.state.phase.name}: {len(summary.layers)} layers"
    frozen = summary.parameters - summary.learnable
    total = [
        f"parameters     {summary.parameters:,}" + (f" (of which {frozen:,} do not learn)" if frozen else ""),
        f"multiply-adds  {summary.macs:,}",
        f"memory         {size(summary.bytes)} for blobs, {size(4 * summary.parameters)} for parameters",
    ]
    if summary.unknown:
        total.append(f"note: shapes of {len(summary.unknown)} layers depend on data; --shape BLOB=NxCxHxW gives them")
    return "\n".join([title, "", *lines, "", *total])


def _cells(row: LayerRow) -> tuple[str, ...]:
    kind = f"{row.type} (in place)" if row.in_place else row.type
    weights = " ".join("x".join(map(str, shape)) for shape in row.params)
    macs = "?" if row.macs is None else f"{row.macs:,}" if row.macs else ""
    output = " ".join(str(top) for top in row.tops)
    return (row.name, kind, output, weights, f"{row.parameters:,}" if row.parameters else "", macs,
            size(row.bytes) if row.bytes else "")  # fmt: skip


def size(count: float) -> str:
    """Bytes for people."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def _json(summary: Summary) -> str:
    import json

    def blobs(rows: Any) -> list[dict[str, Any]]:
        return [{"name": one.name, "shape": one.shape} for one in rows]

    layers = [
        {
            "name": row.name,
            "type": row.type,
            "in_place": row.in_place,
            "bottoms": blobs(row.bottoms),
            "tops": blobs(row.tops),
            "weights": row.params,
            "parameters": row.parameters,
            "multiply_adds": row.macs,
            "bytes": row.bytes,
        }
        for row in summary.layers
    ]
    totals = {"parameters": summary.parameters, "multiply_adds": summary.macs, "bytes": summary.bytes}
    return json.dumps({"net": summary.name, "phase": summary.state.phase.name, **totals, "layers": layers}, indent=1)
