"""Every built-in layer type goes through the kit that is published for layers of plugins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cortado.plugins import PluginManager
from cortado.testing import LayerCase

LABELS = np.array([0, 2, 1, 2])
CLASSES = np.array([[0.1, 0.2, 0.7], [0.5, 0.2, 0.3], [0.3, 0.3, 0.4], [0.2, 0.6, 0.2]])
CONT = np.array([[0, 0], [1, 1], [1, 0]])
DATA_DEPENDENT = "the selector decides how many rows there are, so reshape can only give the largest shape"
PYTHON = {"allow_python_layers": True, "folder": Path(__file__).with_name("modules")}

NEURONS = [
    LayerCase('type: "AbsVal"', [(2, 3, 4)]),
    LayerCase('type: "BNLL"', [(2, 3, 4)]),
    LayerCase('type: "Clip" clip_param { min: -0.5 max: 0.8 }', [(2, 3, 4)]),
    LayerCase('type: "Dropout" dropout_param { dropout_ratio: 0.4 }', [(4, 5)]),
    LayerCase('type: "ELU" elu_param { alpha: 0.7 }', [(2, 3, 4)]),
    LayerCase('type: "Exp" exp_param { base: 2 scale: 0.5 shift: 0.1 }', [(2, 3)]),
    LayerCase('type: "Log" log_param { base: 2 scale: 0.5 shift: 3 }', [np.linspace(-1, 4, 6).reshape(2, 3)]),
    LayerCase('type: "Power" power_param { power: 2 scale: 0.5 shift: 0.1 }', [(2, 3)]),
    LayerCase('type: "PReLU"', [(2, 3, 4)]),
    LayerCase('type: "PReLU" prelu_param { channel_shared: true }', [(2, 3, 4)], id="PReLU-shared"),
    LayerCase('type: "ReLU"', [(2, 3, 4)]),
    LayerCase('type: "ReLU" relu_param { negative_slope: 0.1 }', [(2, 3, 4)], id="ReLU-leaky"),
    LayerCase('type: "Sigmoid"', [(2, 3, 4)]),
    LayerCase('type: "Swish" swish_param { beta: 1.5 }', [(2, 3, 4)]),
    LayerCase('type: "TanH"', [(2, 3, 4)]),
    LayerCase('type: "Threshold" threshold_param { threshold: 0.2 }', [(2, 3, 4)]),
]

MODERN = [
    LayerCase('type: "Expression" expression_param { formula: "where(x > 0, x, tanh(x))" }', [(2, 3, 4)]),
    LayerCase(
        'type: "Expression" expression_param { formula: "a*x0*tanh(x1+b)" scalar { name: "a" } scalar { name: "b" } }',
        [(2, 3, 4), (2, 3, 4)],
        id="Expression-two",
    ),
    LayerCase('type: "GELU"', [(2, 3, 4)]),
    LayerCase('type: "GELU" gelu_param { form: TANH }', [(2, 3, 4)], id="GELU-tanh"),
    LayerCase('type: "HardSigmoid"', [(2, 3, 4)]),
    LayerCase('type: "HardSwish"', [(2, 3, 4)]),
    LayerCase('type: "LearnedSwish"', [(2, 3, 2, 2)]),
    LayerCase('type: "LearnedSwish" learned_swish_param { channel_shared: true }', [(2, 3)], id="LearnedSwish-shared"),
    LayerCase('type: "Maxout"', [(2, 6)]),
    LayerCase('type: "Maxout" maxout_param { pieces: 3 }', [(2, 6, 2, 2)], id="Maxout-images"),
    LayerCase('type: "Mish"', [(2, 3, 4)]),
    LayerCase('type: "RReLU"', [(2, 3, 4)]),
    LayerCase('type: "SELU"', [(2, 3, 4)]),
]

LEARNED = [
    LayerCase('type: "Bias"', [(2, 3, 4)]),
    LayerCase('type: "Bias"', [(2, 3, 4), (3,)], id="Bias-two"),
    LayerCase(
        'type: "Convolution" convolution_param { num_output: 4 kernel_size: 3 stride: 2 pad: 1 }', [(2, 3, 5, 6)]
    ),
    LayerCase(
        'type: "Convolution" convolution_param { num_output: 4 kernel_size: 2 group: 2 dilation: 2 bias_term: false }',
        [(1, 4, 5, 4), (1, 4, 5, 4)],
        id="Convolution-groups",
    ),
    LayerCase(
        'type: "Deconvolution" convolution_param { num_output: 2 kernel_size: 3 stride: 2 pad: 1 }', [(2, 3, 3, 4)]
    ),
    LayerCase('type: "Embed" embed_param { input_dim: 4 num_output: 3 }', [LABELS]),
    LayerCase('type: "InnerProduct" inner_product_param { num_output: 5 }', [(2, 3, 4)]),
    LayerCase(
        'type: "InnerProduct" inner_product_param { num_output: 5 transpose: true axis: 2 bias_term: false }',
        [(2, 3, 4)],
        id="InnerProduct-transposed",
    ),
    LayerCase('type: "LSTM" recurrent_param { num_output: 4 }', [(3, 2, 5), CONT]),
    LayerCase('type: "RNN" recurrent_param { num_output: 4 }', [(3, 2, 5), CONT]),
    LayerCase('type: "Parameter" parameter_param { shape { dim: 2 dim: 3 } }'),
    LayerCase('type: "Scale" scale_param { bias_term: true }', [(2, 3, 4)]),
    LayerCase('type: "Scale"', [(2, 3, 4), (3,)], id="Scale-two"),
]

NORMALIZATION = [
    LayerCase('type: "BatchNorm"', [(4, 3, 2)]),
    LayerCase(
        'type: "BatchNorm" batch_norm_param { use_global_stats: true eps: 0.5 }', [(4, 3, 2)], id="BatchNorm-global"
    ),
    LayerCase('type: "LRN" lrn_param { local_size: 3 alpha: 0.5 }', [(2, 5, 3, 3)]),
    LayerCase(
        'type: "LRN" lrn_param { local_size: 3 alpha: 0.5 norm_region: WITHIN_CHANNEL }',
        [(2, 3, 4, 4)],
        id="LRN-within",
    ),
    LayerCase('type: "MVN"', [(2, 3, 4, 2)]),
    LayerCase('type: "Softmax"', [(2, 3, 4)]),
]

SHAPES = [
    LayerCase('type: "Concat"', [(2, 3, 4), (2, 1, 4)]),
    LayerCase('type: "Crop" crop_param { axis: 2 offset: 1 }', [(2, 3, 5, 6), (2, 3, 2, 3)]),
    LayerCase('type: "Eltwise"', [(2, 3), (2, 3), (2, 3)]),
    LayerCase('type: "Eltwise" eltwise_param { operation: PROD }', [(2, 3), (2, 3)], id="Eltwise-product"),
    LayerCase('type: "Eltwise" eltwise_param { operation: MAX }', [(2, 3), (2, 3)], id="Eltwise-maximum"),
    LayerCase('type: "Flatten"', [(2, 3, 4)]),
    LayerCase('type: "Reshape" reshape_param { shape { dim: 0 dim: -1 dim: 2 } }', [(2, 3, 4)]),
    LayerCase('layer { type: "Slice" bottom: "x" top: "a" top: "b" slice_param { slice_point: 1 } }', [(2, 3, 4)]),
    LayerCase('layer { type: "Split" bottom: "x" top: "a" top: "b" }', [(2, 3)]),
    LayerCase('type: "Tile" tile_param { tiles: 3 axis: 1 }', [(2, 3, 2)]),
    LayerCase('type: "BatchReindex"', [(4, 3), np.array([3, 0, 0, 2])], reshaped=[(5, 3), np.array([1, 4])]),
    LayerCase(
        'layer { type: "Filter" bottom: "x" bottom: "s" top: "y" }',
        [(4, 3), np.array([1, 0, 1, 0])],
        expected_failures={"shapes": DATA_DEPENDENT},
    ),
    LayerCase('type: "Silence"', [(2, 3), (4,)]),
]

WINDOWS = [
    LayerCase('type: "Im2col" convolution_param { kernel_size: 2 stride: 2 }', [(2, 3, 4, 4)]),
    LayerCase('type: "Pooling" pooling_param { kernel_size: 3 stride: 2 }', [(2, 3, 5, 6)]),
    LayerCase(
        'layer { type: "Pooling" bottom: "x" top: "y" top: "mask" pooling_param { kernel_size: 2 stride: 2 } }',
        [(2, 3, 4, 4)],
        id="Pooling-mask",
        gradient={"ignore_tops": [1]},
    ),
    LayerCase(
        'type: "Pooling" pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }', [(2, 3, 5, 6)], id="Pooling-mean"
    ),
    LayerCase(
        'type: "Pooling" pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 }',
        [(2, 2, 4, 4)],
        id="Pooling-drawn",
        expected_failures={"phases": "as in Caffe, the backward needs the draws of TRAIN"},
    ),
    LayerCase('type: "SPP" spp_param { pyramid_height: 2 }', [(2, 3, 5, 4)]),
]

LOSSES = [
    LayerCase('type: "ContrastiveLoss"', [(4, 3), (4, 3), np.array([0, 1, 1, 0])]),
    LayerCase('type: "EuclideanLoss"', [(4, 3), (4, 3)]),
    LayerCase('type: "HingeLoss"', [(4, 3), LABELS]),
    LayerCase('type: "HingeLoss" hinge_loss_param { norm: L2 }', [(4, 3), LABELS], id="HingeLoss-squared"),
    LayerCase('type: "InfogainLoss"', [(4, 3), LABELS, np.eye(3)]),
    LayerCase('type: "MulticlassHingeLoss"', [(4, 3), LABELS]),
    LayerCase(
        'type: "MulticlassHingeLoss" multiclass_hinge_loss_param { norm: L2 margin: 2 }',
        [(4, 3), LABELS],
        id="MulticlassHingeLoss-squared",
    ),
    LayerCase('type: "MultinomialLogisticLoss"', [CLASSES, LABELS]),
    LayerCase('type: "SigmoidCrossEntropyLoss"', [(4, 3), np.eye(3)[LABELS]]),
    LayerCase('type: "SoftmaxWithLoss"', [(4, 3), LABELS]),
    LayerCase('type: "SoftmaxWithLoss" loss_param { ignore_label: 2 }', [(4, 3), LABELS], id="SoftmaxWithLoss-ignore"),
]

OTHERS = [
    LayerCase('type: "Accuracy"', [(4, 3), LABELS]),
    LayerCase('type: "ArgMax" argmax_param { top_k: 2 out_max_val: true }', [(2, 5)]),
    LayerCase('type: "DummyData" dummy_data_param { shape { dim: 2 dim: 3 } data_filler { type: "gaussian" } }'),
    LayerCase('type: "Input" input_param { shape { dim: 2 dim: 3 } }'),
    LayerCase('type: "LSTMUnit"', [(1, 2, 3), (1, 2, 12), np.array([[1, 0]])]),
    LayerCase(
        'layer { type: "Python" bottom: "x" top: "y" python_param { module: "conformance_sigmoid" layer: "Sigmoid" } }',
        [(2, 3)],
        options=PYTHON,
    ),
    LayerCase('type: "Reduction" reduction_param { operation: SUMSQ axis: 1 coeff: 2 }', [(2, 3, 4)]),
    LayerCase('type: "Reduction" reduction_param { operation: MEAN }', [(2, 3)], id="Reduction-mean"),
]

CASES = [*NEURONS, *MODERN, *LEARNED, *NORMALIZATION, *SHAPES, *WINDOWS, *LOSSES, *OTHERS]

ELSEWHERE = {
    "Data": "reads a database: test_data.py",
    "HDF5Data": "reads files: test_hdf5_data.py",
    "HDF5Output": "writes a file: test_hdf5_output.py",
    "ImageData": "reads files: test_image_data.py",
    "MemoryData": "is filled by its caller before it runs: test_memory_data.py",
    "WindowData": "reads files: test_window_data.py",
}


@pytest.mark.layer_cases(*CASES)
def test_conformance(layer_check: Callable[[], None]) -> None:
    layer_check()


def test_every_type_has_a_case() -> None:
    entries = PluginManager(external=False).registry("layers").all()
    stock = {entry.name for entry in entries if entry.provider.plugin.startswith("cortado.layers.")}
    covered = {case.type for case in CASES}
    assert covered | set(ELSEWHERE) == stock
    assert not covered & set(ELSEWHERE)
