"""The tables of the segmentation forks."""

from __future__ import annotations

from pathlib import Path

from ..table import Table

HERE = Path(__file__).parent

KENDALL = Table("segnet", HERE / "kendall.table")
SEGNET = Table("segnet", HERE / "segnet.table")
ENET = Table("enet", HERE / "enet.table")
BN = Table("pspnet", HERE / "bn.table")
INTERP = Table("pspnet", HERE / "interp.table")
DEEPLAB = Table("deeplab2", HERE / "deeplab.table")
DEEPLAB2 = Table("deeplab2", HERE / "deeplab2.table")
PSPNET = Table("pspnet", HERE / "pspnet.table")
DECONVNET = Table("deconvnet", HERE / "deconvnet.table")
PARSENET = Table("parsenet", HERE / "parsenet.table")
