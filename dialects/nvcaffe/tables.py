"""The tables of NVCaffe."""

from __future__ import annotations

from pathlib import Path

from ..table import Table

HERE = Path(__file__).parent

DETECTNET = Table("nvcaffe15", HERE / "detectnet.table")
NVCAFFE15 = Table("nvcaffe15", HERE / "nvcaffe15.table")
NVCAFFE17 = Table("nvcaffe", HERE / "nvcaffe17.table")
