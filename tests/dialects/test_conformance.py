"""The layers of the dialects go through the kit that is published for layers of plugins."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cortado.plugins import PluginManager
from cortado.testing import LayerCase

RNG = np.random.default_rng(5)
LABELS = np.array([0, 2, 1, 2])
REGIONS = np.array([[0, 1, 1, 6, 7], [1, 0, 0, 8, 8], [0, 3, 2, 3, 2.0]])
MASK = np.array([0, 3, 5, 6, 10, 14, 16, 19] * 2, float).reshape(1, 2, 2, 4)
MARKS = np.array([0, 0, 1, 0, 1, 1, 0, 1.0])
CONVOLUTION = "convolution_param { num_output: 3 kernel_size: 3 pad: 1 }"

CASES = [
    LayerCase('type: "Axpy"', [(2, 3), (2, 3, 4, 2), (2, 3, 4, 2)]),
    LayerCase('type: "ConvolutionDepthwise" ' + CONVOLUTION, [(2, 3, 4, 5)]),
    LayerCase('type: "DepthwiseConvolution" ' + CONVOLUTION, [(2, 3, 4, 5)]),
    LayerCase('type: "ReLU6"', [3 + 4 * RNG.normal(size=(2, 3, 4))]),
    LayerCase('type: "ShuffleChannel" shuffle_channel_param { group: 3 }', [(2, 6, 2, 2)]),
    LayerCase(
        'type: "Convolution3D" convolution3d_param { num_output: 2 kernel_size: 2 kernel_depth: 2 }', [(1, 2, 3, 4, 3)]
    ),
    LayerCase(
        'type: "Deconvolution3D" convolution3d_param { num_output: 2 kernel_size: 2 kernel_depth: 2 }',
        [(1, 2, 2, 3, 3)],
    ),
    LayerCase(
        'type: "Pooling3D" pooling3d_param { pool: MAX kernel_size: 2 kernel_depth: 2 stride: 2 }', [(1, 2, 4, 4, 4)]
    ),
    LayerCase(
        'type: "BatchNorm" batch_norm_param { scale_bias: true eps: 0.001 }', [(4, 3, 2, 2)], id="BatchNorm-nvcaffe"
    ),
    LayerCase(
        'type: "BN" bn_param { scale_filler { value: 1 } shift_filler { value: 0 } }', [(4, 3, 2, 2)], id="BN-segnet"
    ),
    LayerCase(
        'type: "BN" bn_param { slope_filler { value: 1 } momentum: 0.75 eps: 0.001 }', [(4, 3, 2, 2)], id="BN-pspnet"
    ),
    LayerCase('type: "Interp" interp_param { zoom_factor: 2 }', [(2, 3, 3, 4)]),
    LayerCase('type: "Upsample" upsample_param { scale: 3 }', [(2, 3, 2, 2)]),
    LayerCase(
        'type: "Unpooling" unpooling_param { kernel_size: 2 stride: 2 }',
        [(1, 2, 2, 4), MASK],
        reshaped=[(1, 2, 2, 4), MASK[..., ::-1]],
    ),
    LayerCase('type: "Normalize" norm_param { across_spatial: false channel_shared: false }', [(2, 3, 2, 2)]),
    LayerCase('type: "Permute" permute_param { order: 0 order: 2 order: 3 }', [(2, 3, 4, 5)]),
    LayerCase('type: "PriorBox" prior_box_param { min_size: 20 }', [(1, 2, 3, 4), (1, 3, 60, 80)]),
    LayerCase(
        'type: "PriorBoxClustered" prior_box_param { width: 10 width: 20 height: 30 height: 5 }',
        [(1, 2, 3, 4), (1, 3, 60, 80)],
    ),
    LayerCase(
        'type: "ROIPooling" roi_pooling_param { pooled_h: 3 pooled_w: 2 }',
        [(2, 2, 9, 9), REGIONS],
        reshaped=[(2, 2, 9, 9), REGIONS[:1]],
    ),
    LayerCase(
        'type: "PSROIPooling" psroi_pooling_param { spatial_scale: 1 output_dim: 2 group_size: 2 }',
        [(2, 8, 9, 9), REGIONS],
        reshaped=[(2, 8, 9, 9), REGIONS[:1]],
        gradient={"atol": 1e-6},
    ),
    LayerCase('type: "L1Loss"', [(4, 3), (4, 3)]),
    LayerCase('type: "SmoothL1Loss" smooth_l1_loss_param { sigma: 2 }', [(4, 3), (4, 3)]),
    LayerCase('type: "SoftmaxWithLossOHEM"', [(4, 3, 1, 1), LABELS.reshape(4, 1, 1, 1)]),
    LayerCase('type: "Reorg" reorg_param { stride: 2 }', [(2, 4, 4, 6)]),
    LayerCase('type: "Reverse" reverse_param { axis: -1 }', [(2, 3, 4)]),
    LayerCase('type: "Transpose" transpose_param { dim: 2 dim: 0 dim: 1 }', [(2, 3, 4)]),
    LayerCase('type: "Lstm" lstm_param { num_output: 3 batch_size: 2 }', [(8, 4), MARKS]),
    LayerCase('type: "ContinuationIndicator" continuation_indicator_param { time_step: 3 axis: 1 }', [(2, 4)]),
    LayerCase('type: "CtcLoss"', [(4, 2, 3), np.array([[1, 2], [2, 0.0]])], reshaped=[(4, 1, 3), np.array([[1, 2.0]])]),
    LayerCase(
        'type: "LabelsequenceAccuracy"',
        [(2, 3, 3), np.array([[1, 2], [2, 0.0]])],
        reshaped=[(1, 3, 3), np.array([[1, 2.0]])],
    ),
]

ELSEWHERE = {
    "AnnotatedData": "reads a database: test_annotated_data.py",
    "BoxAnnotatorOHEM": "works on the boxes of an R-FCN: test_rcnn_learning.py",
    "DenseImageData": "reads files: test_dense_image_data.py",
    "DetectionEvaluate": "works on the boxes of an SSD: test_ssd_detection.py",
    "DetectionOutput": "works on the boxes of an SSD: test_ssd_detection.py",
    "ImageLabelmapData": "reads files: test_dense_image_data.py",
    "MultiBoxLoss": "works on the boxes of an SSD: test_ssd_detection.py",
    "Proposal": "works on the boxes of an R-CNN: test_rcnn_learning.py",
    "SmoothL1LossOHEM": "the case SmoothL1Loss, and test_rcnn_learning.py",
    "YoloDetectionOutput": "works on the boxes of a YOLO: test_yolo.py",
    "Yolov3": "works on the boxes of a YOLO: test_yolo.py",
    "Yolov3DetectionOutput": "works on the boxes of a YOLO: test_yolo.py",
}


@pytest.mark.layer_cases(*CASES)
def test_conformance(layer_check: Callable[[], None]) -> None:
    layer_check()


def test_every_type_has_a_case() -> None:
    entries = PluginManager(external=False).registry("layers").all()
    ours = {entry.name for entry in entries if entry.provider.plugin.startswith("cortado.dialects.")}
    assert ours <= {case.type for case in CASES} | set(ELSEWHERE)
