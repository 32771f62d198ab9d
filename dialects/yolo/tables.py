"""The tables of YOLO."""

from __future__ import annotations

from pathlib import Path

from ..table import Table

HERE = Path(__file__).parent

DARKNET = Table("mobilenet_yolo", HERE / "darknet.table")
MOBILENET_YOLO = Table("mobilenet_yolo", HERE / "mobilenet_yolo.table")
