"""Forks that are known by their fields and types: their files are read, their own layers mostly have no
implementation here."""

from __future__ import annotations

from pathlib import Path

from ...plugins import hookimpl
from ..base import Dialect, LayerClass
from ..dropout import ForkDropout
from ..pooling import CeilModePooling
from ..segmentation.tables import BN, INTERP
from ..sequence.tables import CTC
from ..ssd.tables import ANNOTATIONS, LAYERS, OWN, TRANSFORM
from ..table import Table
from ..yolo.tables import DARKNET

HERE = Path(__file__).parent / "tables"
SSD = (ANNOTATIONS, LAYERS, TRANSFORM)
REFINEDET = Table("refinedet", HERE / "refinedet.table")

FORKS: dict[str, tuple[str, tuple[Table, ...]]] = {
    "ceil_mode": ("pooling with ceil_mode, BVLC/caffe pull request 3057", ()),
    "cpm": ("convolutional pose machines, CMU-Perceptual-Computing-Lab/caffe_train", ()),
    "crfasrnn": ("CRF as RNN, torrvision/crfasrnn", ()),
    "early": ("the first months of BVLC/caffe, 2013", ()),
    "faces": ("center loss, ydwen/caffe-face", ()),
    "flownet2": ("FlowNet 2, lmb-freiburg/flownet2", ()),
    "fooled": ("Deep neural networks are easily fooled, in opencv/opencv_contrib", ()),
    "happynear": ("caffe-windows, happynear/caffe-windows", ()),
    "happynear_ms": ("caffe-windows, happynear/caffe-windows, branch ms", ()),
    "hed": ("HED, s9xie/hed", ()),
    "intel": ("Intel's Caffe, intel/caffe", (*SSD, DARKNET)),
    "jolibrain": ("DeepDetect's Caffe, jolibrain/caffe", (*SSD, REFINEDET, INTERP, CTC)),
    "lisa": ("LRCN, LisaAnne/lisa-caffe-public", ()),
    "mycaffe": ("MyCaffe, MyCaffe/MyCaffe", ()),
    "opencl": ("BVLC/caffe, branch opencl", ()),
    "refinedet": ("RefineDet, sfzhang15/RefineDet", (*SSD, OWN)),
    "ristretto": ("Ristretto, pmgysel/caffe", ()),
    "rproi": ("TensorRT's samples", ()),
    "sphereface": ("SphereFace, wy1iu/sphereface", ()),
    "squeezedet": ("SqueezeDet, in opencv/opencv_contrib", ()),
    "textboxes": ("TextBoxes, MhLiao/TextBoxes", (*SSD, OWN)),
    "untrimmednet": ("UntrimmedNets, yjxiong/caffe", (BN,)),
    "yjxiong": ("video understanding, yjxiong/caffe", (BN, INTERP)),
}
"""By dialect: which fork it is, and the tables of others that it took over."""

LAYERS_OF: dict[str, dict[str, LayerClass]] = {
    "ceil_mode": {"Pooling": CeilModePooling},
    "jolibrain": {"Dropout": ForkDropout},
    "opencl": {"Dropout": ForkDropout},
}
"""Layers of stock types that these forks changed, and that have an implementation here."""


UNLIKE: dict[str, tuple[str, ...]] = {
    "happynear": ("BN", "Normalize"),
    "happynear_ms": ("BN", "Normalize", "Proposal"),
}
"""Types that these forks use for layers of their own."""


def dialect(name: str) -> type[Dialect]:
    """The dialect *name* of ``FORKS`` as a class."""
    fork, taken_over = FORKS[name]
    tables = (*taken_over, Table(name, HERE / f"{name}.table"))
    described = {"type": name, "fork": fork, "tables": tables, "layers": LAYERS_OF.get(name, {})}
    described |= {"unlike": UNLIKE.get(name, ()), "__doc__": f"{fork}."}
    return type(name, (Dialect,), described)


@hookimpl
def cortado_dialects() -> list[type[Dialect]]:
    return [dialect(name) for name in FORKS]
