"""The tables of SSD, which forks that took it over include, all but OWN; and that of the training toolbox."""

from __future__ import annotations

from pathlib import Path

from ..table import Table

HERE = Path(__file__).parent

ANNOTATIONS = Table("ssd", HERE / "annotations.table")
LAYERS = Table("ssd", HERE / "layers.table")
TRANSFORM = Table("ssd", HERE / "transform.table")
OWN = Table("ssd", HERE / "own.table")
TTC = Table("ttc", HERE / "ttc.table")
