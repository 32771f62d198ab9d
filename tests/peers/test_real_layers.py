"""Outputs of single layers that real Caffe computed for OpenCV's tests."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cortado import Net

CASES = (
    *("batch_norm", "concat", "convolution", "dropout", "inner_product"),
    *("lrn_channels", "mvn", "pooling_max", "relu"),
)


@pytest.mark.parametrize("name", CASES)
def test_layer(name: str, zoo: Path, peer: SimpleNamespace) -> None:
    folder = zoo / "opencv_extra-layers"
    weights = folder / f"layer_{name}.caffemodel"
    net = Net(folder / f"layer_{name}.prototxt", weights=weights if weights.exists() else None, strict=True)
    got = net(input=np.load(folder / "blob.npy"))["output"]
    peer.agree(name, got, np.load(folder / f"layer_{name}.npy"), 1e-5)


def test_no_case_is_left_out(zoo: Path) -> None:
    found = {path.stem.removeprefix("layer_") for path in (zoo / "opencv_extra-layers").glob("layer_*.prototxt")}
    assert found == set(CASES)
