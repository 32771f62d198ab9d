"""Every layer type with an ONNX meaning: the same numbers from ONNX Runtime, in several configurations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import cortado
from cortado.errors import NetError, NumericsError, ParameterError
from cortado.export.graph import LayerExport
from cortado.export.to_onnx import export_onnx, run_onnx
from cortado.netdef import Net
from cortado.plugins import hookimpl, plugin_manager
from cortado.plugins.dialects import parse_net_text
from cortado.proto import parse_net

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

SHAPES = {"x": (2, 6, 7, 8), "y": (2, 6, 7, 8), "v": (3, 12), "t": (4, 2, 5), "c": (4, 2), "s": (2, 3), "i": (5,),
          "h": (1, 2, 3), "k": (1, 2, 3), "g": (6,), "w": (2, 6, 1, 1), "n": (2,), "q": (1, 2, 12), "m": (1, 2),
          "r": (2, 8, 4, 6), "roi": (9, 5),
          "f": (2, 6, 3, 5, 5), "loc": (2, 48), "loc4": (2, 192), "arm": (2, 24),
          "armloc": (2, 48), "conf": (2, 48), "priors": (1, 2, 48)}  # fmt: skip
CONV = 'weight_filler { type: "xavier" } bias_filler { type: "gaussian" }'
IP = CONV
REC = 'weight_filler { type: "xavier" } bias_filler { type: "gaussian" }'

CASES = {
    "AbsVal": [""],
    "ReLU": ["", "relu_param { negative_slope: 0.2 }"],
    "PReLU": ["", "prelu_param { channel_shared: true filler { value: 0.3 } }", 'bottom: "v" prelu_param { }'],
    "ELU": ["elu_param { alpha: 0.7 }"],
    "Sigmoid": [""],
    "TanH": [""],
    "BNLL": [""],
    "Dropout": [""],
    "Power": ["power_param { power: 2 scale: 0.5 shift: 1 }", "power_param { scale: -2 }", "power_param { power: 3 }"],
    "Exp": ["", "exp_param { base: 2 scale: 0.5 shift: 1 }"],
    "Threshold": ["threshold_param { threshold: 0.3 }"],
    "Clip": ["clip_param { min: -0.5 max: 0.7 }"],
    "Swish": ["swish_param { beta: 1.5 }"],
    "LearnedSwish": ["", "learned_swish_param { channel_shared: true }"],
    "GELU": ["", "gelu_param { form: TANH }"],
    "Mish": [""],
    "SELU": [""],
    "HardSigmoid": ["", "hard_sigmoid_param { alpha: 0.3 beta: 0.4 }"],
    "HardSwish": [""],
    "Maxout": ["maxout_param { pieces: 3 }"],
    "Eltwise": [
        'bottom: "x" bottom: "y"',
        'bottom: "x" bottom: "y" eltwise_param { coeff: 1 coeff: -2 }',
        'bottom: "x" bottom: "y" bottom: "x" eltwise_param { operation: PROD }',
        'bottom: "x" bottom: "y" eltwise_param { operation: MAX }',
    ],
    "Convolution": [
        f"convolution_param {{ num_output: 4 kernel_size: 3 {CONV} }}",
        f"convolution_param {{ num_output: 4 kernel_size: 3 pad: 2 stride: 2 group: 2 dilation: 2 {CONV} }}",
        f"convolution_param {{ num_output: 3 kernel_h: 1 kernel_w: 3 pad_h: 0 pad_w: 1 stride: 2 {CONV} }}",
        f"convolution_param {{ num_output: 6 kernel_size: 3 group: 6 bias_term: false {CONV} }}",
    ],
    "Deconvolution": [
        f"convolution_param {{ num_output: 4 kernel_size: 4 stride: 2 pad: 1 {CONV} }}",
        f"convolution_param {{ num_output: 6 kernel_size: 3 group: 3 dilation: 2 bias_term: false {CONV} }}",
    ],
    "InnerProduct": [
        f"inner_product_param {{ num_output: 4 {IP} }}",
        f"inner_product_param {{ num_output: 4 axis: 2 bias_term: false {IP} }}",
        f"inner_product_param {{ num_output: 4 transpose: true {IP} }}",
    ],
    "Embed": ['bottom: "i" embed_param { num_output: 3 input_dim: 9 weight_filler { type: "gaussian" } }'],
    "Pooling": [
        f"pooling_param {{ pool: {kind} {rest} }}"
        for kind in ("MAX", "AVE")
        for rest in (
            "kernel_size: 2 stride: 2",
            "kernel_size: 3 stride: 2",
            "kernel_size: 3 stride: 2 pad: 1",
            "kernel_size: 3 pad: 1",
            "kernel_size: 4 stride: 3 pad: 1",
            "kernel_h: 3 kernel_w: 2 stride_h: 1 stride_w: 3 pad_h: 0 pad_w: 1",
            "global_pooling: true",
            "kernel_size: 3 stride: 2 round_mode: FLOOR",
        )
    ]
    + [f'top: "a" top: "b" pooling_param {{ {rest} }}'
       for rest in ("kernel_size: 2 stride: 2", "kernel_size: 3 pad: 1", "global_pooling: true")],
    "SPP": ["spp_param { pyramid_height: 3 }", "spp_param { pyramid_height: 2 pool: AVE }",
            "spp_param { pyramid_height: 1 }"],
    "BatchNorm": ["", "batch_norm_param { eps: 0.01 }", 'bottom: "v"'],
    "Scale": [
        "scale_param { bias_term: true }",
        "scale_param { axis: 2 num_axes: 2 }",
        "scale_param { num_axes: 0 bias_term: true }",
        "scale_param { axis: 0 num_axes: -1 }",
        'bottom: "x" bottom: "g" scale_param { axis: 1 bias_term: true }',
    ],
    "Bias": ["", "bias_param { axis: -1 }", 'bottom: "x" bottom: "g"'],
    "LRN": [
        "lrn_param { local_size: 5 alpha: 0.5 beta: 0.75 k: 2 }",
        "lrn_param { local_size: 3 alpha: 0.5 norm_region: WITHIN_CHANNEL }",
    ],
    "MVN": ["", "mvn_param { across_channels: true }", "mvn_param { normalize_variance: false }"],
    "Softmax": ["", "softmax_param { axis: -1 }"],
    "Concat": ['bottom: "x" bottom: "y"', 'bottom: "x" bottom: "y" concat_param { axis: -2 }'],
    "Slice": ['top: "a" top: "b"', 'top: "a" top: "b" top: "d" slice_param { axis: 3 slice_point: 1 slice_point: 4 }'],
    "Reshape": ["reshape_param { shape { dim: 0 dim: -1 dim: 4 } }"],
    "Flatten": ["", "flatten_param { axis: 2 end_axis: 3 }"],
    "Crop": [f"{b} crop_param {{ axis: 1 offset: 1 offset: 2 offset: 0 }}" for b in ('bottom: "x" bottom: "crop"',)],
    "Tile": ["tile_param { tiles: 3 }", "tile_param { axis: -1 tiles: 2 }"],
    "Reduction": [f"reduction_param {{ operation: {o} axis: {a} coeff: 0.5 }}" for o in ("SUM", "ASUM", "SUMSQ", "MEAN")
                  for a in (0, 2)],
    "ArgMax": ["argmax_param { axis: 1 }", "", "argmax_param { top_k: 3 out_max_val: true }",
               "argmax_param { axis: 2 top_k: 2 out_max_val: true }"],
    "Permute": ["permute_param { order: 0 order: 2 order: 3 order: 1 }", "permute_param { order: 3 }"],
    "ReLU6": [""],
    "ShuffleChannel": ["shuffle_channel_param { group: 3 }"],
    "ConvolutionDepthwise": [f"convolution_param {{ num_output: 6 kernel_size: 3 pad: 1 {CONV} }}"],
    "RReLU": ["", "rrelu_param { lower: 0.1 upper: 0.5 }"],
    "Im2col": ["convolution_param { kernel_size: 3 pad: 1 }",
               "convolution_param { kernel_h: 2 kernel_w: 3 stride: 2 dilation: 2 }"],
    "Filter": ['bottom: "x" bottom: "y" bottom: "n" top: "a" top: "b"'],
    "LSTMUnit": ['bottom: "h" bottom: "q" bottom: "m" top: "a" top: "b"'],
    "Expression": [
        'expression_param { formula: "where(x != 0.5, x ^ 2 - 3 / (1 + abs(x)), pi)" }',
        'bottom: "x" bottom: "y" expression_param { formula: "max(x0, min(x1, b)) * sigmoid(b * x0) - sign(x1)" '
        'scalar { name: "b" } }',
        'expression_param { formula: "softplus(x) + erf(x) + cos(x) * sin(-x) + exp(-x)" }',
        'expression_param { formula: "log(1 + relu(x)) + sqrt(x^2)" }',
        'bottom: "x" bottom: "y" expression_param { formula: "where(x0 <= x1, tanh(x0), where(x1 >= 1, x1, x0))" }',
    ],
    "Lstm": [
        'bottom: "v" lstm_param { num_output: 4 batch_size: 3 weight_filler { type: "xavier" } }',
        'bottom: "x" lstm_param { num_output: 4 weight_filler { type: "xavier" } }',
        'bottom: "w" bottom: "n" lstm_param { num_output: 4 weight_filler { type: "xavier" } }',
    ],
    "Convolution3D": [
        f'bottom: "f" convolution3d_param {{ num_output: 4 kernel_size: 3 kernel_depth: 2 temporal_pad: 1 {CONV} }}',
    ],
    "Deconvolution3D": [
        f'bottom: "f" convolution3d_param {{ num_output: 4 kernel_size: 2 kernel_depth: 3 stride: 2 {CONV} }}',
    ],
    "Pooling3D": [
        f'bottom: "f" pooling3d_param {{ pool: {kind} kernel_size: 3 kernel_depth: 2 stride: 2 pad: 1 }}'
        for kind in ("MAX", "AVE")
    ],
    "ContinuationIndicator": ["continuation_indicator_param { time_step: 5 axis: 1 }"],
    "DetectionOutput": [
        'bottom: "loc" bottom: "conf" bottom: "priors" detection_output_param '
        f"{{ num_classes: 4 nms_param {{ nms_threshold: 0.4 {nms} }} code_type: CENTER_SIZE {rest} }}"
        for nms, rest in (
            ("top_k: 7", "keep_top_k: 9 confidence_threshold: -0.5"),
            ("", "variance_encoded_in_target: true background_label_id: -1"),
            ("top_k: 400", "keep_top_k: 200 confidence_threshold: 9"),
            ("top_k: 6", "keep_top_k: 100 background_label_id: 2"),
        )
    ]
    + ['bottom: "loc" bottom: "conf" bottom: "priors" bottom: "arm" bottom: "armloc" detection_output_param { '
       "num_classes: 4 nms_param { nms_threshold: 0.4 top_k: 8 } code_type: CENTER_SIZE objectness_score: 0.2 }",
       'bottom: "loc4" bottom: "conf" bottom: "priors" detection_output_param { num_classes: 4 share_location: false '
       "nms_param { nms_threshold: 0.4 top_k: 8 } code_type: CENTER_SIZE keep_top_k: 20 }"],
    "Axpy": ['bottom: "w" bottom: "x" bottom: "y"'],
    "Transpose": ["transpose_param { dim: 3 dim: 2 dim: 0 dim: 1 }"],
    "Reverse": ["reverse_param { axis: 2 }", "reverse_param { axis: 0 }"],
    "Reorg": ['bottom: "r" reorg_param { stride: 2 }', 'bottom: "r" reorg_param { stride: 2 reverse: true }'],
    "Normalize": ["norm_param { }", "norm_param { across_spatial: false channel_shared: false }"],
    "BN": [
        "bn_param { slope_filler { value: 2 } frozen: true }",
        "bn_param { scale_filler { value: 2 } shift_filler { value: 1 } bn_mode: INFERENCE }",
        "bn_param { scale_filler { value: 2 } shift_filler { value: 1 } }",
    ],
    "Interp": ["interp_param { zoom_factor: 3 }", "interp_param { height: 11 width: 5 pad_beg: -1 pad_end: -2 }",
               "interp_param { shrink_factor: 2 }", 'bottom: "x" bottom: "r"'],
    "Upsample": ['bottom: "x" bottom: "y" upsample_param { scale: 2 }', "upsample_param { scale: 3 }",
                 'bottom: "x" bottom: "y" upsample_param { upsample_h: 15 upsample_w: 14 }'],
    "Unpooling": ['bottom: "x" bottom: "y" unpooling_param { unpool: MAX kernel_size: 2 stride: 2 }'],
    "ROIPooling": [
        f'bottom: "x" bottom: "roi" roi_pooling_param {{ pooled_h: {h} pooled_w: {w} spatial_scale: {s} }}'
        for h, w, s in ((2, 3, 1), (7, 7, 0.0625))
    ],
    "PriorBox": [
        f'bottom: "x" bottom: "r" prior_box_param {{ min_size: 3 max_size: 6 aspect_ratio: 2 variance: 0.1 {rest} }}'
        for rest in ("", "clip: true flip: false step: 2 offset: 0.3")
    ],
    "BatchReindex": ['bottom: "v" bottom: "i"'],
    "LSTM": [
        f'bottom: "t" bottom: "c" recurrent_param {{ num_output: 3 {REC} }}',
        f'bottom: "t" bottom: "c" bottom: "s" recurrent_param {{ num_output: 3 {REC} }}',
        f'bottom: "t" bottom: "c" bottom: "h" bottom: "k" top: "a" top: "b" top: "d" '
        f"recurrent_param {{ num_output: 3 expose_hidden: true {REC} }}",
    ],
    "RNN": [
        f'bottom: "t" bottom: "c" recurrent_param {{ num_output: 3 {REC} }}',
        f'bottom: "t" bottom: "c" bottom: "s" bottom: "h" top: "a" top: "b" '
        f"recurrent_param {{ num_output: 3 expose_hidden: true {REC} }}",
    ],
}  # fmt: skip
EXTRA = {"Crop": {"crop": (2, 3, 4, 5)}}
TABLE = [(kind, text) for kind, texts in CASES.items() for text in texts]


def net_text(kind: str, text: str) -> str:
    shapes = SHAPES | EXTRA.get(kind, {})
    if 'bottom: "' not in text and kind != "Parameter":
        text = f'bottom: "x" {text}'
    if 'top: "' not in text.replace('bottom: "', ""):
        text = f'top: "a" {text}'
    inputs = ""
    for name, shape in shapes.items():
        if f'bottom: "{name}"' in text:
            dims = " ".join(f"dim: {n}" for n in shape)
            inputs += f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ {dims} }} }} }}\n'
    return f'{inputs}layer {{ name: "it" type: "{kind}" {text} }}\n'


def randomize(net: Net, seed: int = 0) -> None:
    """Learned values that make every layer matter."""
    rng = np.random.default_rng(seed)
    for layer in net.layers:
        for index, blob in enumerate(layer.blobs):
            if layer.type == "BatchNorm":
                values = (rng.normal(size=blob.shape), rng.uniform(1, 3, blob.shape), np.full(blob.shape, 2.0))[index]
            elif layer.type == "BN":
                values = rng.uniform(0.5, 1.5, blob.shape)
            elif blob.num_axes > 1:
                values = rng.normal(size=blob.shape) * np.sqrt(2 / (blob.count // blob.shape[0]))
            else:
                values = rng.uniform(0.5, 1.0, blob.shape)
            blob.data[...] = values


@pytest.mark.parametrize(("kind", "text"), TABLE, ids=[f"{kind}-{i}" for i, (kind, _) in enumerate(TABLE)])
def test_the_same_numbers(kind: str, text: str, tmp_path: Path) -> None:
    message = parse_net_text(net_text(kind, text), "net.prototxt", plugin_manager()).message
    net = Net(message, seed=1, engine="reference")
    randomize(net)
    if net.params:
        net.save(tmp_path / "w.caffemodel")
    result = export_onnx(message, tmp_path / "w.caffemodel" if net.params else None)
    assert result.differences
    assert result.worst <= 1e-5
    assert [one.version for one in result.model.opset_import] == [17]


def test_parameter(tmp_path: Path) -> None:
    text = net_text("Eltwise", 'bottom: "s" bottom: "p"').replace(
        'layer { name: "it"',
        """layer { name: "p"
        type: "Parameter" top: "p" parameter_param { shape { dim: 2 dim: 3 } } }
        layer { name: "it\"""",
    )
    message = parse_net(text, "n").message
    net = Net(message, seed=1)
    randomize(net)
    net.save(tmp_path / "w.caffemodel")
    assert export_onnx(message, tmp_path / "w.caffemodel").worst <= 1e-6


def test_log() -> None:
    text = """layer { name: "a" type: "AbsVal" bottom: "x" top: "a" }
        layer { name: "b" type: "Log" bottom: "a" top: "b" %s }"""
    head = net_text("AbsVal", "").split('layer { name: "it"', maxsplit=1)[0]
    for rest in ("log_param { shift: 1 }", "log_param { base: 10 scale: 2 shift: 0.5 }"):
        assert export_onnx(parse_net(head + text % rest, "n").message).worst <= 1e-5


def test_in_place_chains_and_several_readers() -> None:
    text = (
        net_text("ReLU", "").replace('top: "a"', 'top: "x"')
        + """
        layer { name: "e" type: "Eltwise" bottom: "x" bottom: "x" top: "e" }
        layer { name: "r" type: "TanH" bottom: "e" top: "e" }
        layer { name: "d" type: "Dropout" bottom: "e" top: "e" }
        layer { name: "p" type: "Power" bottom: "e" top: "p" power_param { scale: 2 } }
        layer { name: "q" type: "Power" bottom: "e" top: "q" power_param { scale: 3 } }"""
    )
    result = export_onnx(parse_net(text, "n").message)
    assert sorted(one.name for one in result.model.graph.output) == ["p", "q"]
    assert [one.name for one in result.model.graph.input] == ["x"]
    assert result.worst <= 1e-6


def test_an_output_that_is_changed_in_place_or_an_input() -> None:
    text = net_text("ReLU", "").replace('top: "a"', 'top: "x"')
    result = export_onnx(parse_net(text, "n").message)
    assert len(result.model.graph.output) == 1
    assert result.worst == 0


def test_unsupported_layers_are_named_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "n.prototxt"
    pool = "psroi_pooling_param { spatial_scale: 1 output_dim: 6 group_size: 1 }"
    path.write_text(net_text("PSROIPooling", f'bottom: "x" bottom: "roi" {pool}') + """
        layer { name: "too" type: "PSROIPooling" bottom: "x" bottom: "roi" top: "too"
                psroi_pooling_param { spatial_scale: 1 output_dim: 6 group_size: 1 } }""")  # fmt: skip
    with pytest.raises(NetError, match=r"n\.prototxt:3:1: layer 'it' \(PSROIPooling\): .*also 'too' .*:5:9"):
        export_onnx(path)


def test_unsupported_configurations_are_named_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "n.prototxt"
    path.write_text(net_text("BatchNorm", "batch_norm_param { use_global_stats: false }"))
    with pytest.raises(NetError, match=r"n\.prototxt:2:1: layer 'it' \(BatchNorm\): .*statistics of the batch"):
        export_onnx(path)


def test_what_forks_do_to_dropout_and_batch_norm() -> None:
    text = net_text("Dropout", "dropout_param { dropout_ratio: 0.25 scale_train: false }")
    message = parse_net_text(text, "net.prototxt", plugin_manager()).message
    result = export_onnx(message)
    assert result.worst == 0
    assert [node.op_type for node in result.model.graph.node] == ["Mul"]
    text = net_text(
        "BatchNorm", "batch_norm_param { scale_bias: true bias_filler { value: 2 } scale_filler { value: 3 } }"
    )
    message = parse_net_text(text, "net.prototxt", plugin_manager()).message
    assert export_onnx(message).worst <= 1e-6


def test_stochastic_pooling_in_testing() -> None:
    text = net_text("ReLU", "") + """layer { name: "p" type: "Pooling" bottom: "a" top: "p"
        pooling_param { pool: STOCHASTIC kernel_size: 3 stride: 2 } }"""  # fmt: skip
    assert export_onnx(parse_net(text, "n").message).worst <= 1e-6


def test_rows_that_are_filtered_go_on() -> None:
    text = (
        net_text("Filter", 'bottom: "x" bottom: "n" top: "a"')
        + f"""
        layer {{ name: "ip" type: "InnerProduct" bottom: "a" top: "ip" inner_product_param {{ num_output: 4 {IP} }} }}
        layer {{ name: "d" type: "DummyData" top: "d" dummy_data_param {{ shape {{ dim: 4 }} }} }}
        layer {{ name: "b" type: "Bias" bottom: "ip" bottom: "d" top: "b" bias_param {{ axis: 1 }} }}
        layer {{ name: "r" type: "Reshape" bottom: "b" top: "r" reshape_param {{ shape {{ dim: 0 dim: 2 dim: -1 }} }} }}
        """
    )
    for seed in (0, 1, 2):
        result = export_onnx(parse_net(text, "n").message, seed=seed)
        assert result.worst <= 1e-5
    dims = result.model.graph.output[0].type.tensor_type.shape.dim
    assert not any(dim.HasField("dim_value") for dim in dims)


ONE = [
    (kind, text)
    for kind, text in TABLE
    if kind not in ("LSTM", "RNN", "LSTMUnit", "Lstm", "DetectionOutput")
    and "axis: 0" not in text
    and 'bottom: "g"' not in text
]
ONE = list(dict(ONE).items())


@pytest.mark.parametrize(("kind", "text"), ONE, ids=[kind for kind, _ in ONE])
def test_any_batch(kind: str, text: str, tmp_path: Path) -> None:
    message = parse_net_text(net_text(kind, text), "net.prototxt", plugin_manager()).message
    net = Net(message, seed=1, engine="reference")
    randomize(net)
    if net.params:
        net.save(tmp_path / "w.caffemodel")
    result = export_onnx(message, tmp_path / "w.caffemodel" if net.params else None, dynamic_batch=True)
    assert result.worst <= 1e-5
    assert [one.type.tensor_type.shape.dim[0].dim_param for one in result.model.graph.input] == ["batch"] * len(
        net.inputs
    )


def test_a_layer_that_needs_a_batch_of_known_size(tmp_path: Path) -> None:
    path = tmp_path / "n.prototxt"
    path.write_text(net_text("LSTM", CASES["LSTM"][0]))
    with pytest.raises(NetError, match=r"n\.prototxt:3:1: layer 'it': in ONNX this layer needs a batch of known size"):
        export_onnx(path, dynamic_batch=True)
    with pytest.raises(ParameterError, match="either of a given size or of any"):
        export_onnx(path, dynamic_batch=True, batch=2)


class Cube(cortado.Layer):
    type = "Cube"

    def reshape(self, bottom: object, top: object) -> None:
        top[0].reshape_like(bottom[0])  # type: ignore[index]

    def forward(self, bottom: object, top: object) -> None:
        top[0].data[...] = bottom[0].data ** 3  # type: ignore[index]


class Plugin:
    power = 3.0

    @hookimpl
    def cortado_layers(self) -> list[type[cortado.Layer]]:
        return [Cube]

    @hookimpl
    def cortado_exporters(self) -> dict[str, object]:
        def cube(export: LayerExport) -> None:
            export.op("Pow", [export.x, export.constant(self.power)], export.outputs[0])

        return {"Cube": cube}


@pytest.fixture
def plugin() -> Iterator[Plugin]:
    plugin = Plugin()
    plugin_manager().register(plugin, "cube")
    yield plugin
    plugin_manager().unregister("cube")


def test_a_plugin_brings_its_mapping(plugin: Plugin) -> None:
    message = parse_net(net_text("Cube", ""), "n").message
    assert export_onnx(message).worst <= 1e-5
    plugin.power = 3.01
    with pytest.raises(NumericsError, match="must agree with Cortado"):
        export_onnx(message)
    result = export_onnx(message, compare=False)
    assert result.differences == {}
    assert list(run_onnx(result.model, {"x": np.ones(SHAPES["x"], np.float32)})) == ["a"]


DETECTIONS = 'bottom: "loc" bottom: "conf" bottom: "priors" detection_output_param { num_classes: 4 %s }'


@pytest.mark.parametrize(
    ("kind", "param", "why"),
    [
        (
            "Convolution",
            "convolution_param { num_output: 2 kernel_size: 1 axis: 2 }",
            "channels must be axis 1; got axis 2",
        ),
        ("Im2col", "convolution_param { kernel_size: 1 axis: 2 }", "channels must be axis 1; got axis 2"),
        ("Dropout", "dropout_param { sample_weights_test: true }", "it drops at random in testing"),
        ("DetectionOutput", DETECTIONS % "code_type: CORNER", "boxes told by their corners may be turned inside out"),
        ("DetectionOutput", DETECTIONS % "code_type: CENTER_SIZE nms_param { eta: 0.5 }", "a threshold that shrinks"),
    ],
)
def test_what_onnx_has_no_words_for(kind: str, param: str, why: str) -> None:
    message = parse_net_text(net_text(kind, param), "n.prototxt", plugin_manager()).message
    with pytest.raises(NetError, match=rf"layer 'it' \({kind}\): there is no ONNX for this layer: {why}"):
        export_onnx(message)


def test_numbers_that_are_drawn_anew() -> None:
    text = (
        net_text("ReLU", "")
        + """
        layer { name: "d" type: "DummyData" top: "d"
                dummy_data_param { shape { dim: 2 } data_filler { type: "gaussian" } } }
        layer { name: "sum" type: "Eltwise" bottom: "d" bottom: "d" top: "e" }"""
    )
    with pytest.raises(NetError, match="there is no ONNX for this layer: its numbers are drawn anew each time"):
        export_onnx(parse_net(text, "n").message)


def test_shapes_that_differ() -> None:
    from types import SimpleNamespace

    from cortado.errors import NumericsError
    from cortado.export.compare import _difference

    rule = r"net 'n': ONNX Runtime must agree with Cortado within .* in 'x'; got shape \(3,\) for \(2,\)"
    with pytest.raises(NumericsError, match=rule):
        _difference(SimpleNamespace(name="n"), "x", np.zeros(2), np.zeros(3))
