"""OpenCV's own Caffe importer (4.x), which reads the prototxt and a caffemodel written by Cortado; inference only."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from google.protobuf import text_format

from cortado import Net


def imported(net: Net, threads: int) -> cv2.dnn.Net:
    """*net* as OpenCV reads it; 0 *threads*: its own choice."""
    with tempfile.TemporaryDirectory() as folder:
        weights, text = Path(folder, "net.caffemodel"), Path(folder, "net.prototxt")
        net.save(weights)
        text.write_text(text_format.MessageToString(net.definition))
        other = cv2.dnn.readNetFromCaffe(str(text), str(weights))
    if threads:
        cv2.setNumThreads(threads)
    return other


def make(model: str, mode: str, threads: int) -> tuple[Callable[[], None], str]:
    net = Net(model, engine="reference")
    shape = tuple(net.blobs["data"].shape)
    other = imported(net, threads)
    data = np.random.default_rng(0).standard_normal(shape).astype(np.float32)

    def infer() -> None:
        other.setInput(data)
        other.forward()

    return infer, f"OpenCV {cv2.__version__}"
