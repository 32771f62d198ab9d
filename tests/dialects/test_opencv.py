"""Layers of forks against OpenCV 4's own: the same net, the same weights, the same input."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cortado.netdef import Net

cv2: Any = pytest.importorskip("cv2")
pytestmark = pytest.mark.skipif(not hasattr(cv2.dnn, "readNetFromCaffe"), reason="this OpenCV reads no Caffe files")

ZOO = Path(os.environ.get("CORTADO_ZOO", "/nonexistent"))
DATA = 'name: "net" input: "data" input_shape { dim: 2 dim: 4 dim: 8 dim: 10 }\n'
RANDOM = 'weight_filler { type: "gaussian" std: 0.5 }'
CONV = """layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
    convolution_param { num_output: 6 kernel_size: 3 pad: 1 weight_filler { type: "gaussian" std: 0.3 } } }
"""


def layer(kind: str, bottoms: str, param: str, name: str = "out") -> str:
    bottom = " ".join(f'bottom: "{b}"' for b in bottoms.split())
    return f'layer {{ name: "{name}" type: "{kind}" {bottom} top: "{name}" {param} }}\n'


HEAD = (
    layer("Convolution", "conv", f"convolution_param {{ num_output: 16 kernel_size: 1 {RANDOM} }}", "loc")
    + layer("Convolution", "conv", f"convolution_param {{ num_output: 12 kernel_size: 1 {RANDOM} }}", "conf")
    + layer("Permute", "loc", "permute_param { order: 0 order: 2 order: 3 order: 1 }", "loc_p")
    + layer("Permute", "conf", "permute_param { order: 0 order: 2 order: 3 order: 1 }", "conf_p")
    + layer("Flatten", "loc_p", "flatten_param { axis: 1 }", "loc_f")
    + layer("Reshape", "conf_p", "reshape_param { shape { dim: 0 dim: -1 dim: 3 } }", "conf_r")
    + layer("Softmax", "conf_r", "softmax_param { axis: 2 }", "conf_s")
    + layer("Flatten", "conf_s", "flatten_param { axis: 1 }", "conf_f")
    + layer(
        "PriorBox",
        "conv data",
        "prior_box_param { min_size: 3 max_size: 5 aspect_ratio: 2 flip: true clip: true variance: 0.1 variance: 0.1 "
        "variance: 0.2 variance: 0.2 }",
        "prior",
    )
)
FACES = """code_type: CENTER_SIZE share_location: true background_label_id: 0 keep_top_k: 20 confidence_threshold: 0.3
    nms_param { nms_threshold: 0.45 top_k: 50 }"""
ROIS = 'input: "rois" input_shape { dim: 3 dim: 5 }\n'
SMALL = {
    "permute": CONV + layer("Permute", "conv", "permute_param { order: 0 order: 2 order: 3 order: 1 }"),
    "normalize": CONV + layer("Normalize", "conv", "norm_param { across_spatial: false channel_shared: false }"),
    "prior boxes": CONV
    + layer(
        "PriorBox",
        "conv data",
        "prior_box_param { min_size: 3 min_size: 4 max_size: 5 max_size: 7 aspect_ratio: 2 aspect_ratio: 3 "
        "flip: true variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 step: 1.5 offset: 0.4 clip: false }",
    ),
    "detection": CONV
    + HEAD
    + layer("DetectionOutput", "loc_f conf_f prior", f"detection_output_param {{ num_classes: 3 {FACES} }}"),
    "roi pooling": ROIS
    + CONV
    + layer("ROIPooling", "conv rois", "roi_pooling_param { pooled_w: 3 pooled_h: 2 spatial_scale: 0.5 }"),
    "psroi pooling": ROIS
    + layer("Convolution", "data", f"convolution_param {{ num_output: 18 kernel_size: 1 {RANDOM} }}", "conv")
    + layer("PSROIPooling", "conv rois", "psroi_pooling_param { spatial_scale: 0.5 output_dim: 2 group_size: 3 }"),
}


def values(net: Net) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    given = {name: rng.normal(size=net.blobs[name].shape) for name in net.inputs}
    given["rois"] = np.array([[0, 0, 0, 9, 9], [1, 2, 4, 16, 12], [0, 6, 2, 9, 15]])
    return {name: given[name].astype(np.float32) for name in net.inputs}


def both(proto: Path, weights: Path, given: dict[str, Any] | None = None) -> tuple[Any, Any]:
    net = Net(proto, weights=weights)
    given = given or values(net)
    other = cv2.dnn.readNetFromCaffe(str(proto), str(weights))
    for name, value in given.items():
        other.setInput(value, name)
    (name,) = net.outputs
    ours, theirs = net(**given)[name], other.forward()
    if ours.shape[-1] == 7:
        # OpenCV fills up with zeros, and has all classes of an image in one order
        theirs = theirs[:, :, theirs[0, 0, :, 2] > 0]
        ours, theirs = (rows[:, :, np.lexsort((-rows[0, 0, :, 2], rows[0, 0, :, 0]))] for rows in (ours, theirs))
    return ours.reshape(theirs.shape), theirs


@pytest.mark.parametrize("name", SMALL)
def test_small_nets(name: str, tmp_path: Path) -> None:
    proto, weights = tmp_path / "net.prototxt", tmp_path / "net.caffemodel"
    proto.write_text(DATA + SMALL[name])
    Net(proto, seed=4).save(weights)
    ours, theirs = both(proto, weights)
    assert ours.size
    np.testing.assert_allclose(ours, theirs, atol=2e-5)


def test_proposals(tmp_path: Path) -> None:
    proto, weights = tmp_path / "net.prototxt", tmp_path / "net.caffemodel"
    proto.write_text(
        """name: "net" input: "score" input_shape { dim: 1 dim: 18 dim: 6 dim: 8 }
        input: "box" input_shape { dim: 1 dim: 36 dim: 6 dim: 8 } input: "info" input_shape { dim: 1 dim: 3 }
        layer { name: "out" type: "Proposal" bottom: "score" bottom: "box" bottom: "info" top: "out"
                proposal_param { feat_stride: 16 base_size: 16 min_size: 16 ratio: 0.5 ratio: 1 ratio: 2
                                 scale: 2 scale: 4 scale: 8 pre_nms_topn: 60 post_nms_topn: 10 nms_thresh: 0.7 } }"""
    )
    Net(proto).save(weights)
    rng = np.random.default_rng(0)
    score, box = rng.uniform(size=(1, 9, 6, 8)), 0.2 * rng.normal(size=(1, 36, 6, 8))
    given = {"score": np.concatenate([1 - score, score], 1), "box": box, "info": np.array([[96, 128, 1]])}
    ours, theirs = both(proto, weights, {name: value.astype(np.float32) for name, value in given.items()})
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize(
    "name",
    [
        "ShiqiYu-libfacedetection/yufacedetectnet-open-v1",
        "opencv-opencv_contrib/wechat_qrcode/detect",
        "opencv-opencv_contrib/wechat_qrcode/sr",
    ],
)
@pytest.mark.skipif(not ZOO.is_dir(), reason="CORTADO_ZOO names no folder")
def test_published_nets(name: str) -> None:
    proto = ZOO / f"{name}.prototxt"
    net, rng = Net(proto), np.random.default_rng(0)
    given = {name: rng.uniform(0, 255, net.blobs[name].shape).astype(np.float32) for name in net.inputs}
    ours, theirs = both(proto, proto.with_suffix(".caffemodel"), given)
    assert ours.size > 50
    np.testing.assert_allclose(ours, theirs, atol=1e-2, rtol=1e-3)
