"""The tables of C3D."""

from __future__ import annotations

from pathlib import Path

from ..table import Table

HERE = Path(__file__).parent

V10 = Table("c3d_v10", HERE / "c3d_v10.table")
V11 = Table("c3d", HERE / "c3d_v11.table")
