"""Whole nets against OpenCV 4's Caffe importer: the same prototxt and .caffemodel, the same input, the same outputs.

What the importer is known to do in its own way is left out: LRN without the field alpha, or with k; the eps of MVN; the
type Bias.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cortado import Net
from cortado.netdef.step import Step

cv2: Any = pytest.importorskip("cv2")
pytestmark = pytest.mark.skipif(not hasattr(cv2.dnn, "readNetFromCaffe"), reason="this OpenCV reads no Caffe files")


def compare(proto: Path, weights: Path | None, folder: Path, peer: SimpleNamespace, tolerance: float = 1e-4) -> None:
    """Run *proto* in both, with *weights* or with random ones, and compare all outputs and what softmaxes got."""
    rng = np.random.default_rng(7)
    net = Net(proto, weights=weights, seed=1)
    if weights is None:
        weights = folder / "random.caffemodel"
        peer.fill(net, rng)
        net.save(weights)
    values = peer.inputs(net, rng, batch=2)
    got = net(**values)
    other = cv2.dnn.readNetFromCaffe(str(proto), str(weights))
    for name, value in values.items():
        other.setInput(value, name)
    makers = {blob.name: step for step in net.steps for blob in step.top}

    def check(name: str) -> Step:
        step = makers[name]
        peer.agree(name, got.get(name, net.blobs[name].data), other.forward(step.layer.name), tolerance)
        return step

    for name in net.outputs:
        last = check(name)
        if last.layer.type == "Softmax":
            check(last.bottom[0].name)


def conv(name: str, bottom: str, params: str, type_name: str = "Convolution") -> str:
    return (
        f'layer {{ name: "{name}" type: "{type_name}" bottom: "{bottom}" top: "{name}" '
        f"convolution_param {{ {params} }} }}\n"
    )


def layer(type_name: str, bottom: str | list[str] = "conv", params: str = "", name: str = "out", tops: str = "") -> str:
    bottoms = " ".join(f'bottom: "{b}"' for b in ([bottom] if isinstance(bottom, str) else bottom))
    return f'layer {{ name: "{name}" type: "{type_name}" {bottoms} {tops or f"""top: "{name}" """} {params} }}\n'


A, B = conv("a", "data", "num_output: 6 kernel_size: 3 pad: 1"), conv("b", "data", "num_output: 6 kernel_size: 1")
CONV = conv("conv", "data", "num_output: 6 kernel_size: 3")
SMALL = {
    "convolution": CONV,
    "stride and pad": conv(
        "conv", "data", "num_output: 5 kernel_h: 3 kernel_w: 5 stride_h: 2 stride_w: 1 pad_h: 1 pad_w: 2"
    ),
    "dilation": conv("conv", "data", "num_output: 4 kernel_size: 3 dilation: 2 pad: 2"),
    "groups": CONV + conv("out", "conv", "num_output: 9 kernel_size: 3 group: 3"),
    "depthwise": CONV + conv("out", "conv", "num_output: 6 kernel_size: 3 group: 6 pad: 1"),
    "no bias": conv("conv", "data", "num_output: 4 kernel_size: 2 bias_term: false"),
    "deconvolution": CONV + conv("out", "conv", "num_output: 4 kernel_size: 4 stride: 2 pad: 1", "Deconvolution"),
    "max pooling": CONV + layer("Pooling", params="pooling_param { pool: MAX kernel_size: 3 stride: 2 }"),
    "max pooling with pad": CONV
    + layer("Pooling", params="pooling_param { pool: MAX kernel_size: 3 stride: 2 pad: 1 }"),
    "average pooling": CONV + layer("Pooling", params="pooling_param { pool: AVE kernel_size: 3 stride: 2 }"),
    "average pooling with pad": CONV
    + layer("Pooling", params="pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }"),
    "global pooling": CONV + layer("Pooling", params="pooling_param { pool: AVE global_pooling: true }"),
    "inner product": CONV + layer("InnerProduct", params="inner_product_param { num_output: 7 }"),
    "inner products": CONV
    + layer("InnerProduct", params="inner_product_param { num_output: 7 }", name="ip")
    + layer("InnerProduct", "ip", "inner_product_param { num_output: 3 bias_term: false }"),
    "relu": CONV + layer("ReLU"),
    "leaky relu": CONV + layer("ReLU", params="relu_param { negative_slope: 0.1 }"),
    "in place": CONV
    + layer("ReLU", name="relu", tops='top: "conv"')
    + conv("out", "conv", "num_output: 3 kernel_size: 1"),
    "prelu": CONV + layer("PReLU"),
    "elu": CONV + layer("ELU", params="elu_param { alpha: 0.7 }"),
    "sigmoid": CONV + layer("Sigmoid"),
    "tanh": CONV + layer("TanH"),
    "absval": CONV + layer("AbsVal"),
    "bnll": CONV + layer("BNLL"),
    "power": CONV + layer("Power", params="power_param { power: 2 scale: 0.5 shift: 0.25 }"),
    "lrn": CONV + layer("LRN", params="lrn_param { local_size: 5 alpha: 0.5 beta: 0.75 }"),
    "lrn within": CONV
    + layer("LRN", params="lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 norm_region: WITHIN_CHANNEL }"),
    "batch norm": CONV + layer("BatchNorm", params="batch_norm_param { eps: 0.01 }"),
    "batch norm and scale": CONV
    + layer("BatchNorm", name="bn")
    + layer("Scale", "bn", "scale_param { bias_term: true }"),
    "softmax": CONV + layer("Softmax"),
    "softmax over another axis": CONV + layer("Softmax", params="softmax_param { axis: 2 }"),
    "concat": A + B + layer("Concat", ["a", "b"]),
    "concat in height": A + B + layer("Concat", ["a", "b"], "concat_param { axis: 2 }"),
    "sum": A + B + layer("Eltwise", ["a", "b"], "eltwise_param { operation: SUM coeff: 1.5 coeff: -0.5 }"),
    "product": A + B + layer("Eltwise", ["a", "b"], "eltwise_param { operation: PROD }"),
    "maximum": A + B + layer("Eltwise", ["a", "b"], "eltwise_param { operation: MAX }"),
    "slice": A
    + layer("Slice", "a", "slice_param { slice_point: 1 slice_point: 4 }", "s", 'top: "x" top: "y" top: "z"')
    + layer("Concat", ["z", "x", "y"]),
    "split": A + layer("ReLU", "a", name="r") + layer("TanH", "a", name="t") + layer("Concat", ["r", "t", "a"]),
    "reshape": CONV + layer("Reshape", params="reshape_param { shape { dim: 0 dim: -1 dim: 4 } }"),
    "flatten": CONV + layer("Flatten"),
    "crop": A + CONV + layer("Crop", ["a", "conv"], "crop_param { axis: 2 offset: 1 }"),
    "dropout": CONV + layer("Dropout"),
    "mvn": CONV + layer("MVN", params="mvn_param { eps: 1e-9 }"),
    "embedding of a tower": CONV
    + layer("Pooling", params="pooling_param { pool: MAX kernel_size: 2 stride: 2 }", name="p")
    + layer("LRN", "p", "lrn_param { alpha: 0.5 }", "n")
    + layer("InnerProduct", "n", "inner_product_param { num_output: 10 }", "ip")
    + layer("Softmax", "ip"),
}


@pytest.mark.parametrize("text", list(SMALL.values()), ids=list(SMALL))
def test_small_net(text: str, tmp_path: Path, peer: SimpleNamespace) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text('name: "n" input: "data" input_dim: 2 input_dim: 3 input_dim: 10 input_dim: 11\n' + text)
    compare(path, None, tmp_path, peer)


TRAINED = (
    *(f"kpzhang93-MTCNN_face_detection_alignment/det{i}" for i in (1, 2, 3)),
    "szad670401-HyperLPR/HorizonalFinemapping",
    "opencv-opencv_contrib/wechat_qrcode/sr",
)


@pytest.mark.parametrize("name", TRAINED)
def test_trained_net(name: str, zoo: Path, tmp_path: Path, peer: SimpleNamespace) -> None:
    compare(zoo / f"{name}.prototxt", zoo / f"{name}.caffemodel", tmp_path, peer)


@pytest.mark.parametrize(
    ("proto", "weights"),
    [
        ("everpeace-caffe/mnist/lenet", "lenet_iter_10000"),
        ("ethereon-caffe-tensorflow/lenet", "lenet_iter_10000"),
        ("everpeace-caffe/cifar10/cifar10_quick", "cifar10_quick_iter_4000"),
    ],
)
def test_trained_net_with_weights_of_another_name(
    proto: str, weights: str, zoo: Path, tmp_path: Path, peer: SimpleNamespace
) -> None:
    path = zoo / f"{proto}.prototxt"
    compare(path, path.with_name(f"{weights}.caffemodel"), tmp_path, peer)


DEPLOYED = (
    *(f"BVLC-caffe/examples/{name}" for name in ("cifar10/cifar10_full", "cifar10/cifar10_quick", "mnist/lenet")),
    *("BVLC-caffe/examples/net_surgery/conv", "BVLC-caffe/examples/siamese/mnist_siamese"),
    *("BVLC-caffe/models/bvlc_googlenet/deploy", "KaimingHe-deep-residual-networks/ResNet-50-deploy"),
    *("arrybn-opencv_extra/gtsrb", "forresti-SqueezeNet/SqueezeNet_v1.1/deploy"),
    *("shicai-MobileNet-Caffe/mobilenet_deploy", "shicai-MobileNet-Caffe/mobilenet_v2_deploy"),
    "hujie-frank-SENet/SE-BN-Inception",
)
LARGE = (
    *("BVLC-caffe/models/bvlc_alexnet/deploy", "BVLC-caffe/v0-2013-12-15/imagenet_deploy"),
    *("rbgirshick-rcnn/rcnn_batch_256_output_fc7.v1", "s9xie-hed/deploy"),
)


@pytest.mark.parametrize("name", [*DEPLOYED, *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE)])
def test_deployed_net(name: str, zoo: Path, tmp_path: Path, peer: SimpleNamespace) -> None:
    """Random weights; V0, V1 and V2 files."""
    compare(zoo / f"{name}.prototxt", None, tmp_path, peer, tolerance=3e-4)
