"""Every layer type with an ONNX meaning: the same numbers from ONNX Runtime, in several configurations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import cortado
from cortado.errors import NetError, NumericsError
from cortado.export.graph import LayerExport
from cortado.export.to_onnx import export_onnx, run_onnx
from cortado.netdef import Net
from cortado.plugins import hookimpl, plugin_manager
from cortado.plugins.dialects import parse_net_text
from cortado.proto import parse_net

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

SHAPES = {"x": (2, 6, 7, 8), "y": (2, 6, 7, 8), "v": (3, 12), "t": (4, 2, 5), "c": (4, 2), "s": (2, 3), "i": (5,),
          "h": (1, 2, 3), "k": (1, 2, 3), "g": (6,), "w": (2, 6, 1, 1)}  # fmt: skip
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
    ],
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
    path.write_text(net_text("Filter", 'bottom: "x" bottom: "f"').replace('layer { name: "it"', """
        layer { name: "f" type: "Input" top: "f" input_param { shape { dim: 2 } } }
        layer { name: "im" type: "Im2col" bottom: "x" top: "im" convolution_param { kernel_size: 3 } }
        layer { name: "it\""""))  # fmt: skip
    with pytest.raises(NetError, match=r"n\.prototxt:4:9: layer 'im' \(Im2col\): .*also 'it' \(Filter\) at .*:5:9"):
        export_onnx(path)


def test_unsupported_configurations_are_named_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "n.prototxt"
    path.write_text(net_text("Pooling", 'top: "a" top: "b" pooling_param { kernel_size: 2 }'))
    with pytest.raises(NetError, match=r"n\.prototxt:2:1: layer 'it' \(Pooling\): .*mask"):
        export_onnx(path)


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
