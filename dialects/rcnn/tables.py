"""The tables of the R-CNN family."""

from __future__ import annotations

from pathlib import Path

from ..table import Table

HERE = Path(__file__).parent

FAST_RCNN = Table("fast_rcnn", HERE / "fast_rcnn.table")
RFCN = Table("rfcn", HERE / "rfcn.table")
PROPOSAL = Table("pva", HERE / "proposal.table")
DEFORM = Table("deform", HERE / "deform.table")
