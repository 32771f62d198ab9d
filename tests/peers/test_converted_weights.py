"""Weights that a third party converted from the same .caffemodel: MTCNN by caffe-tensorflow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cortado import Blob, Layer, Net


def as_caffe_has_it(layer: Layer, bottom: Blob, index: int, stored: dict[str, np.ndarray]) -> np.ndarray:
    """The converted array with Caffe's axes: filters were HWIO, matrices transposed, and over H x W x C."""
    name = layer.name
    if layer.type == "PReLU":
        return stored[f"{name}/alpha"]
    values = stored[f"{name}/{('weights', 'biases')[index]}"]
    if index:
        return values
    if layer.type == "Convolution":
        return values.transpose(3, 2, 0, 1)
    channels, height, width = (*bottom.shape[1:], 1, 1)[:3]
    return values.reshape(height, width, channels, -1).transpose(3, 2, 0, 1).reshape(values.shape[1], -1)


@pytest.mark.parametrize("name", ["det1", "det2", "det3"])
def test_mtcnn(name: str, zoo: Path) -> None:
    folder = zoo / "kpzhang93-MTCNN_face_detection_alignment"
    net = Net(folder / f"{name}.prototxt", weights=folder / f"{name}.caffemodel")
    with np.load(zoo / "davidsandberg-facenet" / f"{name}.npz") as file:
        stored = dict(file)
    compared = 0
    for step in net.steps:
        for index, blob in enumerate(step.layer.blobs):
            want = as_caffe_has_it(step.layer, step.bottom[0], index, stored)
            np.testing.assert_array_equal(blob.data, want, err_msg=f"{step.layer.name}[{index}]")
            compared += 1
    assert compared >= 13
