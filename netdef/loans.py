"""Loans: a layer that keeps its output for itself spares one behind it, which needs the same values, a copy.

BatchNorm keeps what it normalized, and Scale behind it, in place, needs just that for the gradient of its factors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..layers import Blob
from ..layers.keeping import KeepingLayer
from .step import Step


class Loan(NamedTuple):
    """The step *lender* keeps in *blob* what the layer *borrower* finds in its bottom, which it then overwrites."""

    lender: int
    borrower: KeepingLayer
    blob: Blob


def find_loans(steps: Sequence[Step]) -> list[Loan]:
    """Every layer of *steps* that would copy, running in place, what the last to write its bottom keeps anyway."""
    loans = []
    writer: dict[int, int] = {}
    for index, step in enumerate(steps):
        layer = step.layer
        if isinstance(layer, KeepingLayer) and step.top[0] is step.bottom[0] and id(step.bottom[0]) in writer:
            lender = writer[id(step.bottom[0])]
            before = steps[lender].layer
            blob = before.kept_output() if before.speaks_for_forward("kept_output") else None
            if blob is not None:
                loans.append(Loan(lender, layer, blob))
        writer |= {id(blob): index for blob in step.top}
    return loans


def grant(loans: Sequence[Loan], start: int | None) -> None:
    """For a forward from *start* on: lend where the lender takes part too, so that nobody can have changed what it
    wrote. None: nowhere, since somebody looks on between the layers, and may."""
    for loan in loans:
        loan.borrower.lend(loan.blob if start is not None and loan.lender >= start else None)
