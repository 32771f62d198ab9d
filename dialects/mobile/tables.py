"""The tables of small nets for phones."""

from __future__ import annotations

from pathlib import Path

from ..table import Table

HERE = Path(__file__).parent

SHUFFLENET = Table("shufflenet", HERE / "shufflenet.table")
