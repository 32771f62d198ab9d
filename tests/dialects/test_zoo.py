"""The nets and weights of the forks as they were published, where CORTADO_ZOO names a folder with them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from cortado.plugins import plugin_manager
from cortado.plugins.dialects import read_net, read_weights
from cortado.solver.check import check_net_or_solver

ZOO = Path(os.environ.get("CORTADO_ZOO", "/nonexistent"))
pytestmark = pytest.mark.skipif(not ZOO.is_dir(), reason="CORTADO_ZOO names no folder")

WITHOUT = {
    "kitti/detectnet_network.prototxt": {"DetectNetTransformation"},
    "SqueezeDet_train_test.prototxt": {"BboxData", "SqueezeDetLoss"},
}
"""Layer types in these nets that are known and not implemented."""
OTHERWISE = {
    "LRCN/deploy_lstm.prototxt": "unknown bottom blob 'fc6-reshape'",
    "reshape_and_slice_routines.prototxt": "has a shape; got none",
}
"""Nets that are refused for reasons that are not of a fork."""


def files(*kinds: str) -> list[Any]:
    """The files of the *kinds* that the folder's manifest lists."""
    manifest = ZOO / "MANIFEST.tsv"
    if not manifest.exists():
        return []
    rows = [line.split("\t") for line in manifest.read_text().splitlines()[1:]]
    names = [row[0] for row in rows if len(row) > 4 and row[4] in kinds and row[0].endswith((".prototxt", ".pt"))]
    return [pytest.param(ZOO / name, id=name) for name in names]


def of(table: dict[str, Any], path: Path) -> Any:
    return next((value for name, value in table.items() if str(path).endswith(name)), None)


@pytest.mark.parametrize("path", files("net", "deploy"))
def test_a_net_is_read_and_what_is_missing_is_named(path: Path) -> None:
    problems = [str(problem) for problem in check_net_or_solver(path).problems]
    reason, without = of(OTHERWISE, path), of(WITHOUT, path) or set()
    if reason:
        assert any(reason in problem for problem in problems)
        return
    named = [name for name in without for problem in problems if f"unknown layer type '{name}'" in problem]
    assert set(named) == without
    for problem in problems:
        assert "without an implementation here" in problem


@pytest.mark.parametrize("path", [pytest.param(p, id=str(p.relative_to(ZOO))) for p in ZOO.rglob("*.caffemodel")])
def test_a_weight_file_is_read(path: Path) -> None:
    net = read_weights(path, plugin_manager())
    assert sum(len(blob.data) for layer in net.layer for blob in layer.blobs)


@pytest.mark.parametrize(
    ("name", "dialect"),
    [
        ("NVIDIA-caffe/resnet50/train_val_fp16.prototxt", "nvcaffe"),
        ("facebook-C3D/C3D-v1.1/train_simple.prototxt", "c3d"),
        ("facebook-C3D/C3D-v1.0/c3d_ucf101_finetuning_train.prototxt", "c3d_v10"),
        ("chuanqi305-MobileNet-SSD/train.prototxt", "ssd"),
        ("eric612-MobileNet-YOLO/yolov3/mobilenet_yolov3_lite_train.prototxt", "mobilenet_yolo"),
    ],
)
def test_a_net_is_read_with_its_own_dialect(name: str, dialect: str) -> None:
    notes = read_net(ZOO / name, plugin_manager()).notes
    assert f"the dialect {dialect} " in notes[0]
