"""The tables of sequences."""

from __future__ import annotations

from pathlib import Path

from ..table import Table

HERE = Path(__file__).parent

CTPN = Table("ctpn", HERE / "ctpn.table")
CTC = Table("jolibrain", HERE / "ctc.table")
