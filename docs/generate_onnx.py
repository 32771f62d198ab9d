"""Write the tables of docs/onnx.md: export nets at full size, and compare each with ONNX Runtime.

    python docs/generate_onnx.py                # the nets of examples/models, in about two minutes and 5 GB of memory
    python docs/generate_onnx.py --published    # and published nets, from the folder that CORTADO_ZOO names

Weights are those of the nets' fillers, with drawn ones for BatchNorm and Scale; published nets have their own where
they are in the folder, and drawn ones (``cortado.testing.draw_weights``) where not.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from cortado.export.to_onnx import export_onnx
from cortado.netdef import Net
from cortado.netdef.deploy import deploy
from cortado.testing import draw_weights

DOCS = Path(__file__).parent
PAGE = DOCS / "onnx.md"
MODELS = DOCS.parent / "examples" / "models"
NAMES = ("lenet", "cifar10_full", "squeezenet", "mobilenet", "googlenet", "resnet50", "caffenet", "vgg16", "fcn8s")
PUBLISHED = {
    "BVLC-caffe": "examples/mnist/lenet examples/cifar10/cifar10_full models/bvlc_alexnet/deploy "
    "models/bvlc_googlenet/deploy models/bvlc_reference_caffenet/deploy examples/net_surgery/bvlc_caffenet_full_conv",
    "CMU-Perceptual-Computing-Lab-openpose": "body_25/pose_deploy hand/pose_deploy",
    "KaimingHe-deep-residual-networks": "ResNet-50-deploy",
    "LisaAnne-lisa-caffe-public": "LRCN/deploy_lstm",
    "ShiqiYu-libfacedetection": "yufacedetectnet-open-v1",
    "TimoSaemann-ENet": "enet_deploy_final",
    "alexgkendall-SegNet-Tutorial": "segnet_inference=1x3x360x480",
    "chuanqi305-MobileNet-SSD": "deploy",
    "ethereon-caffe-tensorflow": "lenet",
    "facebook-C3D": "C3D-v1.0/c3d_ucf101_finetuning_train C3D-v1.1/train_simple",
    "farmingyard-ShuffleNet": "shufflenet_1x_g3_deploy",
    "forresti-SqueezeNet": "SqueezeNet_v1.0/train_val SqueezeNet_v1.1/deploy",
    "hszhao-PSPNet": "pspnet50_ADE20K_473",
    "hujie-frank-SENet": "SE-BN-Inception SE-ResNeXt-50 SE-ResNet-50",
    "jolibrain-deepdetect": "refinedet_512/refinedet_512 unet/unet",
    "kpzhang93-MTCNN_face_detection_alignment": "det1 det2 det3",
    "NVIDIA-caffe": "SSD_300x300/deploy",
    "opencv-opencv_contrib": "text/textbox wechat_qrcode/detect wechat_qrcode/sr",
    "s9xie-hed": "deploy",
    "shelhamer-fcn.berkeleyvision.org": "voc-fcn8s/deploy",
    "shicai-DenseNet-Caffe": "DenseNet_121",
    "shicai-MobileNet-Caffe": "mobilenet_deploy mobilenet_v2_deploy",
    "soeaver-caffe-model": "cls/deploy_xception-dw",
    "szad670401-HyperLPR": "HorizonalFinemapping",
    "xingwangsfu-caffe-yolo": "yolo_deploy",
}
"""Nets by their repository; with ``=`` the shape of an input that only a database could tell."""
TRAINED = {"BVLC-caffe/examples/mnist/lenet": "everpeace-caffe/mnist/lenet_iter_10000.caffemodel",
           "ethereon-caffe-tensorflow/lenet": "ethereon-caffe-tensorflow/lenet_iter_10000.caffemodel"}  # fmt: skip
"""Weights that are not beside their net under its name."""
HEAD = """| net | weights | layers | nodes | largest difference | in units of the largest value |
|---|---|---|---|---|---|
"""


class Row(NamedTuple):
    net: str
    weights: str
    layers: int
    nodes: int
    absolute: float
    relative: float

    def __str__(self) -> str:
        figures = f"{self.layers} | {self.nodes} | {self.absolute:.1e} | {self.relative:.1e}"
        return f"| {self.net} | {self.weights} | {figures} |\n"


def measure(path: Path, title: str, weights: Path | None = None, shape: tuple[int, ...] | None = None) -> Row:
    """Export the net in *path*, with *weights*, or with those of its fillers, or with drawn ones if it has none.

    Errors: NumericsError where it does not agree, or where nothing is compared; ValueError where that says little.
    """
    shapes = {"data": shape} if shape else None
    with tempfile.TemporaryDirectory() as folder:
        file, kind = weights or Path(folder) / "w.caffemodel", "its own" if weights else "drawn"
        if weights is None:
            kind = _make_weights(path, file, shapes)
        made = export_onnx(path, file, batch=_batch(path), shapes=shapes)
    doubts = [f"{name}: {found.doubt}" for name, found in made.differences.items() if found.doubt]
    if doubts:
        raise ValueError(f"{title}: {'; '.join(doubts)}")
    found = made.differences.values()
    return Row(title, kind, len(made.net.layers), len(made.model.graph.node),
               max(one.absolute for one in found), max(one.relative for one in found))  # fmt: skip


def _batch(path: Path) -> int | None:
    """One record at a time, but for recurrent nets, whose batch is in their layers."""
    return None if "lstm" in path.name else 1


def _make_weights(path: Path, file: Path, shapes: dict[str, tuple[int, ...]] | None) -> str:
    if path.is_relative_to(MODELS):
        net, kind = Net(path, seed=1), "fillers"
        _draw_statistics(net)
    else:
        message = deploy(path, batch=_batch(path), shapes=shapes, folder=path.parent).message
        net, kind = Net(message, seed=1, folder=path.parent), "drawn"
        draw_weights(net)
    net.save(file)
    return kind


def _draw_statistics(net: Net) -> None:
    """Give BatchNorm and Scale drawn values, and leave what other layers have from their fillers."""
    others = [layer for layer in net.layers if layer.type not in ("BatchNorm", "Scale")]
    kept = [(blob, blob.data.copy()) for layer in others for blob in layer.blobs]
    draw_weights(net)
    for blob, value in kept:
        blob.data[...] = value


def models(names: tuple[str, ...] = NAMES) -> list[Row]:
    return [_told(measure(MODELS / f"{name}.prototxt", f"`{name}`")) for name in names]


def published(zoo: Path) -> list[Row]:
    rows = []
    for folder, nets in PUBLISHED.items():
        for word in nets.split():
            name, _, sizes = word.partition("=")
            path = zoo / folder / f"{name}.prototxt"
            own = zoo / TRAINED.get(f"{folder}/{name}", f"{folder}/{name}.caffemodel")
            shape = tuple(int(size) for size in sizes.split("x")) if sizes else None
            rows.append(_told(measure(path, f"{folder}: {name}", own if own.exists() else None, shape)))
    return rows


def _told(row: Row) -> Row:
    print(str(row).strip(), flush=True)
    return row


def put(text: str, mark: str, rows: list[Row]) -> str:
    """*text* with a table of *rows* between the comments of *mark*."""
    before, start, rest = text.partition(f"<!-- {mark} -->\n")
    _, end, after = rest.partition(f"<!-- end of {mark} -->\n")
    if not (start and end):
        raise ValueError(f"{PAGE} has no place for {mark}")
    return before + start + HEAD + "".join(str(row) for row in rows) + end + after


def main(words: list[str]) -> None:
    text = put(PAGE.read_text(encoding="utf-8"), "models", models())
    if "--published" in words:
        text = put(text, "published", published(Path(os.environ["CORTADO_ZOO"])))
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
