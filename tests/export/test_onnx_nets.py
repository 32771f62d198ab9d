"""Whole nets in ONNX Runtime: the architectures people export, narrower than published where that saves time."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from cortado.cli import program
from cortado.export.to_onnx import export_onnx
from cortado.netdef import Net
from cortado.netdef.deploy import deploy
from cortado.netdef.spec import NetSpec, Top, layers as L, params as P  # noqa: N812 - their usual names
from cortado.plugins import plugin_manager
from cortado.plugins.dialects import parse_net_text
from cortado.proto import write_text
from cortado.testing import draw_weights

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
ZOO = os.environ.get("CORTADO_ZOO", "")


def image(n: NetSpec, *shape: int) -> Top:
    n.data = L.Input(shape={"dim": list(shape)})
    return n.data


def conv(x: Top, count: int, size: int, **more: Any) -> Top:
    return L.Convolution(x, num_output=count, kernel_size=size, **more)


def relu(x: Top) -> Top:
    return L.ReLU(x, in_place=True)


def pool(x: Top, size: int, stride: int, kind: int = P.Pooling.MAX, **more: Any) -> Top:
    return L.Pooling(x, pool=kind, kernel_size=size, stride=stride, **more)


def head(n: NetSpec, x: Top, classes: int = 10) -> NetSpec:
    n.score = L.InnerProduct(x, num_output=classes)
    n.prob = L.Softmax(n.score)
    return n


def average(x: Top) -> Top:
    return L.Pooling(x, pool=P.Pooling.AVE, global_pooling=True)


def lenet() -> NetSpec:
    n = NetSpec()
    x = pool(conv(pool(conv(image(n, 2, 1, 28, 28), 20, 5), 2, 2), 50, 5), 2, 2)
    return head(n, relu(L.InnerProduct(x, num_output=500)))


def cifar10_full() -> NetSpec:
    n = NetSpec()
    norm = {"local_size": 3, "alpha": 5e-5, "beta": 0.75, "norm_region": P.LRN.WITHIN_CHANNEL}
    x = L.LRN(relu(pool(conv(image(n, 2, 3, 32, 32), 32, 5, pad=2), 3, 2)), **norm)
    x = L.LRN(pool(relu(conv(x, 32, 5, pad=2)), 3, 2, P.Pooling.AVE), **norm)
    return head(n, pool(relu(conv(x, 64, 5, pad=2)), 3, 2, P.Pooling.AVE))


def caffenet() -> NetSpec:
    n = NetSpec()
    x = L.LRN(pool(relu(conv(image(n, 1, 3, 227, 227), 24, 11, stride=4)), 3, 2), local_size=5, alpha=1e-4, beta=0.75)
    x = L.LRN(pool(relu(conv(x, 64, 5, pad=2, group=2)), 3, 2), local_size=5, alpha=1e-4, beta=0.75)
    x = relu(conv(x, 96, 3, pad=1))
    x = relu(conv(x, 96, 3, pad=1, group=2))
    x = pool(relu(conv(x, 64, 3, pad=1, group=2)), 3, 2)
    for _ in range(2):
        x = L.Dropout(relu(L.InnerProduct(x, num_output=256)), in_place=True)
    return head(n, x, 100)


def fire(x: Top, squeeze: int, expand: int) -> Top:
    s = relu(conv(x, squeeze, 1))
    return L.Concat(relu(conv(s, expand, 1)), relu(conv(s, expand, 3, pad=1)))


def squeezenet() -> NetSpec:
    n = NetSpec()
    x = pool(relu(conv(image(n, 1, 3, 99, 99), 64, 3, stride=2)), 3, 2)
    x = pool(fire(fire(x, 16, 64), 16, 64), 3, 2)
    x = pool(fire(fire(x, 32, 128), 32, 128), 3, 2)
    x = fire(fire(fire(fire(x, 48, 192), 48, 192), 64, 256), 64, 256)
    n.score = relu(conv(L.Dropout(x, in_place=True), 100, 1))
    n.prob = L.Softmax(average(n.score))
    return n


def inception(x: Top, a: int, b: int, c: int, d: int, e: int, f: int) -> Top:
    one = relu(conv(x, a, 1))
    three = relu(conv(relu(conv(x, b, 1)), c, 3, pad=1))
    five = relu(conv(relu(conv(x, d, 1)), e, 5, pad=2))
    pooled = relu(conv(pool(x, 3, 1, pad=1), f, 1))
    return L.Concat(one, three, five, pooled)


def googlenet() -> NetSpec:
    """All nine inceptions, with a quarter of the channels."""
    n = NetSpec()
    x = L.LRN(pool(relu(conv(image(n, 1, 3, 112, 112), 16, 7, pad=3, stride=2)), 3, 2), local_size=5)
    x = pool(L.LRN(relu(conv(relu(conv(x, 16, 1)), 48, 3, pad=1)), local_size=5), 3, 2)
    table = [(64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64), (192, 96, 208, 16, 48, 64),
             (160, 112, 224, 24, 64, 64), (128, 128, 256, 24, 64, 64), (112, 144, 288, 32, 64, 64),
             (256, 160, 320, 32, 128, 128), (256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)]  # fmt: skip
    for index, row in enumerate(table):
        x = inception(x, *(size // 4 for size in row))
        if index in (1, 6):
            x = pool(x, 3, 2)
    return head(n, L.Dropout(average(x), in_place=True), 100)


def normal(x: Top) -> Top:
    return L.Scale(L.BatchNorm(x, in_place=True), bias_term=True, in_place=True)


def resnet50() -> NetSpec:
    """All sixteen blocks, with a quarter of the channels."""
    n = NetSpec()
    x = pool(relu(normal(conv(image(n, 1, 3, 64, 64), 16, 7, pad=3, stride=2, bias_term=False))), 3, 2)
    for stage, blocks in enumerate((3, 4, 6, 3)):
        for block in range(blocks):
            width, stride = 16 * 2**stage, 2 if stage and not block else 1
            short = x if block else normal(conv(x, 4 * width, 1, stride=stride, bias_term=False))
            y = relu(normal(conv(x, width, 1, stride=stride, bias_term=False)))
            y = relu(normal(conv(y, width, 3, pad=1, bias_term=False)))
            x = relu(L.Eltwise(short, normal(conv(y, 4 * width, 1, bias_term=False))))
    return head(n, average(x), 100)


def mobilenet() -> NetSpec:
    """All thirteen separable convolutions, with a quarter of the channels."""
    n = NetSpec()
    x = relu(normal(conv(image(n, 1, 3, 96, 96), 8, 3, pad=1, stride=2, bias_term=False)))
    width = 8
    for out, stride in [(16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *[(128, 1)] * 5, (256, 2), (256, 1)]:
        x = relu(normal(conv(x, width, 3, pad=1, stride=stride, group=width, bias_term=False)))
        x = relu(normal(conv(x, out, 1, bias_term=False)))
        width = out
    n.score = conv(average(x), 100, 1)
    n.prob = L.Softmax(n.score)
    return n


def fcn() -> NetSpec:
    """Two scales, upsampled, cropped and added, as FCN-16s."""
    n = NetSpec()
    data = image(n, 1, 3, 40, 52)
    x = pool(relu(conv(data, 8, 3, pad=20)), 2, 2)
    low = pool(relu(conv(x, 16, 3, pad=1)), 2, 2)
    deep = conv(relu(conv(pool(low, 2, 2), 24, 3, pad=1)), 5, 1)
    up = L.Deconvolution(deep, convolution_param={"num_output": 5, "kernel_size": 4, "stride": 2, "pad": 1})
    side = conv(low, 5, 1)
    both = L.Eltwise(L.Crop(up, side, crop_param={"axis": 2, "offset": 0}), side)
    more = L.Deconvolution(both, convolution_param={"num_output": 5, "kernel_size": 8, "stride": 4, "group": 5,
                                                    "bias_term": False})  # fmt: skip
    n.score = L.Crop(more, data, crop_param={"axis": 2, "offset": 12})
    return n


def ssd() -> Any:
    """Two maps of priors, as SSD: priors, offsets and scores joined, and the list of detections."""
    weights = 'weight_filler { type: "xavier" }'
    text = (
        """layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 48 dim: 48 } } }"""
    )
    for x, y, stride in (("data", "a", 4), ("a", "b", 2)):
        text += f"""
            layer {{ name: "{y}" type: "Convolution" bottom: "{x}" top: "{y}"
                    convolution_param {{ num_output: 8 kernel_size: 3 pad: 1 stride: {stride} {weights} }} }}
            layer {{ name: "{y}_relu" type: "ReLU" bottom: "{y}" top: "{y}" }}
            layer {{ name: "{y}_priors" type: "PriorBox" bottom: "{y}" bottom: "data" top: "{y}_priors"
                    prior_box_param {{ min_size: {3 * stride} aspect_ratio: 2 variance: [0.1, 0.1, 0.2, 0.2] }} }}"""
        for kind, count in (("loc", 12), ("conf", 9)):
            name = f"{y}_{kind}"
            text += f"""
                layer {{ name: "{name}" type: "Convolution" bottom: "{y}" top: "{name}"
                        convolution_param {{ num_output: {count} kernel_size: 3 pad: 1 {weights} }} }}
                layer {{ name: "{name}_p" type: "Permute" bottom: "{name}" top: "{name}_p"
                        permute_param {{ order: [0, 2, 3, 1] }} }}
                layer {{ name: "{name}_f" type: "Flatten" bottom: "{name}_p" top: "{name}_f" }}"""
    for kind, axis in (("loc_f", 1), ("conf_f", 1), ("priors", 2)):
        text += f"""
            layer {{ name: "{kind}" type: "Concat" bottom: "a_{kind}" bottom: "b_{kind}" top: "{kind}"
                    concat_param {{ axis: {axis} }} }}"""
    text += """
        layer { name: "score" type: "Reshape" bottom: "conf_f" top: "score"
                reshape_param { shape { dim: 0 dim: -1 dim: 3 } } }
        layer { name: "prob" type: "Softmax" bottom: "score" top: "prob" softmax_param { axis: 2 } }
        layer { name: "conf" type: "Flatten" bottom: "prob" top: "conf" }
        layer { name: "found" type: "DetectionOutput" bottom: "loc_f" bottom: "conf" bottom: "priors" top: "found"
                detection_output_param { num_classes: 3 nms_param { nms_threshold: 0.45 top_k: 50 } keep_top_k: 20
                                         confidence_threshold: 0.3 code_type: CENTER_SIZE } }"""
    return parse_net_text(text, "ssd", plugin_manager()).message


def message_of(make: Callable[[], Any]) -> Any:
    made = make()
    return made.to_proto() if isinstance(made, NetSpec) else made


NETS = [lenet, cifar10_full, caffenet, squeezenet, googlenet, resnet50, mobilenet, fcn, ssd]


@pytest.mark.parametrize("make", NETS, ids=[make.__name__ for make in NETS])
def test_the_same_numbers(make: Callable[[], Any], tmp_path: Path) -> None:
    message = message_of(make)
    net = Net(message, seed=1)
    draw_weights(net)
    net.save(tmp_path / "w.caffemodel")
    result = export_onnx(message, tmp_path / "w.caffemodel")
    score = net.outputs[0] if "score" not in result.differences else "score"
    assert result.worst <= 1e-4
    assert float(np.ptp(result.net.blobs[score].data)) > 1e-2


@pytest.mark.parametrize("make", [lenet, cifar10_full, squeezenet, mobilenet, fcn, ssd])
def test_any_batch(make: Callable[[], Any], tmp_path: Path) -> None:
    message = message_of(make)
    net = Net(message, seed=1)
    draw_weights(net)
    net.save(tmp_path / "w.caffemodel")
    result = export_onnx(message, tmp_path / "w.caffemodel", dynamic_batch=True)
    assert result.worst <= 1e-4
    assert result.model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    if make is ssd:
        found = result.net.blobs["found"].data[0, 0]
        assert len(found) > 5
        assert set(found[:, 1]) == {1, 2}


def test_export_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    net = Net(lenet().to_proto(), seed=1)
    draw_weights(net)
    net.save("digits.caffemodel")
    write_text(lenet().to_proto(), "deploy.prototxt")
    run = CliRunner()
    for call in (["export", "--help"], ["export", "onnx", "--help"]):
        line = next(one for one in run.invoke(program, call).output.splitlines() if "Example:" in one)
        result = run.invoke(program, line.split()[2:])
        assert result.exit_code == 0, result.output
        assert "opset 17" in result.output
        assert "ONNX Runtime agrees" in result.output
    import onnx

    onnx.checker.check_model(onnx.load("digits.onnx"), full_check=True)
    result = run.invoke(
        program, ["export", "onnx", "deploy.prototxt", "digits.caffemodel", "-o", "b.onnx", "--batch", "5"]
    )
    assert "data 5x1x28x28" in result.output
    result = run.invoke(
        program, ["export", "onnx", "deploy.prototxt", "digits.caffemodel", "-o", "d.onnx", "--dynamic-batch"]
    )
    assert "inputs data batchx1x28x28, outputs prob batchx10" in result.output


ZOO_NETS = [
    "BVLC-caffe/models/bvlc_googlenet/deploy.prototxt",
    "BVLC-caffe/models/bvlc_reference_caffenet/deploy.prototxt",
    "KaimingHe-deep-residual-networks/ResNet-50-deploy.prototxt",
    "forresti-SqueezeNet/SqueezeNet_v1.1/deploy.prototxt",
    "shicai-MobileNet-Caffe/mobilenet_deploy.prototxt",
    "shicai-MobileNet-Caffe/mobilenet_v2_deploy.prototxt",
    "shelhamer-fcn.berkeleyvision.org/voc-fcn8s/deploy.prototxt",
    "s9xie-hed/deploy.prototxt",
]


@pytest.mark.slow
@pytest.mark.skipif(not ZOO, reason="CORTADO_ZOO names no folder of published nets")
@pytest.mark.parametrize("name", ZOO_NETS)
def test_unmodified_nets_of_the_zoo(name: str, tmp_path: Path) -> None:
    path = Path(ZOO) / name
    net = Net(deploy(path).message, seed=1)
    draw_weights(net)
    net.save(tmp_path / "w.caffemodel")
    assert export_onnx(path, tmp_path / "w.caffemodel", batch=1).worst <= 1e-4
