"""The tables of SSD; forks that took SSD over include all but the last."""

from __future__ import annotations

from pathlib import Path

from ..table import Table

HERE = Path(__file__).parent

ANNOTATIONS = Table("ssd", HERE / "annotations.table")
LAYERS = Table("ssd", HERE / "layers.table")
TRANSFORM = Table("ssd", HERE / "transform.table")
OWN = Table("ssd", HERE / "own.table")
