"""Tables of text."""

from __future__ import annotations

from collections.abc import Collection, Sequence

Rows = Sequence[Sequence[str]]


def widths_of(rows: Rows) -> list[int]:
    """How wide each column is; all rows have as many cells."""
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def lines_of(rows: Rows, left: Collection[int] = ()) -> list[str]:
    """A line for each row: the columns in *left* as words begin, the others as numbers end."""
    widths = widths_of(rows)
    return ["  ".join(_aligned(cell, widths[i], i in left) for i, cell in enumerate(row)).rstrip() for row in rows]


def _aligned(cell: str, width: int, left: bool) -> str:
    return cell.ljust(width) if left else cell.rjust(width)
