"""caffe.io: messages, images, the Transformer, ten crops; Classifier and Detector on a net that shows its input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cortado.pycaffe as caffe
from cortado.errors import DataError, FileError, ParameterError, ShapeError
from cortado.pycaffe import io
from cortado.pycaffe.proto import caffe_pb2

NET = """layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 3 dim: 3 dim: 4 dim: 4 } } }
layer { name: "pool" type: "Pooling" bottom: "data" top: "pool" pooling_param { pool: AVE kernel_size: 4 } }
layer { name: "scale" type: "Scale" bottom: "pool" top: "s" scale_param { filler { value: 1 } } }
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    net = tmp_path / "net.prototxt"
    net.write_text(NET)
    weights = tmp_path / "w.caffemodel"
    caffe.Net(str(net), caffe.TEST).save(str(weights))
    return str(net), str(weights)


def test_blobproto_both_ways() -> None:
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    blob = io.array_to_blobproto(array, array + 1)
    assert list(blob.shape.dim) == [2, 3, 4]
    np.testing.assert_array_equal(io.blobproto_to_array(blob), array)
    np.testing.assert_array_equal(io.blobproto_to_array(blob, True), array + 1)
    old = caffe_pb2.BlobProto(num=1, channels=2, height=3, width=1, data=range(6))
    assert io.blobproto_to_array(old).shape == (1, 2, 3, 1)


def test_blobproto_vector() -> None:
    arrays = [np.ones((2, 2)), np.arange(3.0)]
    back = io.blobprotovector_str_to_arraylist(io.arraylist_to_blobprotovector_str(arrays))
    assert [a.tolist() for a in back] == [a.tolist() for a in arrays]


def test_datum_both_ways() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    datum = io.array_to_datum(pixels, 7)
    assert (datum.channels, datum.label, datum.data) == (3, 7, pixels.tobytes())
    np.testing.assert_array_equal(io.datum_to_array(datum), pixels)
    floats = io.array_to_datum(pixels * 0.5)
    assert not floats.data
    np.testing.assert_array_equal(io.datum_to_array(floats), pixels * 0.5)
    with pytest.raises(DataError):
        io.array_to_datum(np.ones(3))


def test_load_image(tmp_path: Path) -> None:
    rgb = np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10
    Image.fromarray(rgb).save(tmp_path / "a.png")
    loaded = io.load_image(tmp_path / "a.png")
    assert loaded.dtype == np.float32
    np.testing.assert_allclose(loaded, rgb / 255.0, rtol=1e-6)
    grey = io.load_image(tmp_path / "a.png", color=False)
    np.testing.assert_allclose(grey[..., 0], rgb / 255.0 @ [0.2125, 0.7154, 0.0721], rtol=1e-5)
    Image.fromarray(rgb[..., 0]).save(tmp_path / "g.png")
    assert io.load_image(tmp_path / "g.png").shape == (2, 4, 3)
    assert io.load_image(tmp_path / "g.png", False).shape == (2, 4, 1)
    Image.fromarray(rgb).convert("RGBA").save(tmp_path / "rgba.png")
    np.testing.assert_array_equal(io.load_image(tmp_path / "rgba.png"), loaded)
    with pytest.raises(FileError):
        io.load_image(tmp_path / "none.png")


def test_resize_keeps_planes_and_means() -> None:
    y, x = np.mgrid[0:8, 0:6]
    plane = (2.0 * y + 3.0 * x)[..., None]
    small = io.resize_image(plane, (4, 3))
    np.testing.assert_allclose(small[..., 0], (2.0 * (2 * y + 0.5) + 3.0 * (2 * x + 0.5))[:4, :3], rtol=1e-6)
    assert io.resize_image(np.full((5, 5, 2), 3.0), (9, 2)).tolist() == np.full((9, 2, 2), 3.0).tolist()
    assert io.resize_image(plane, (16, 12), 0)[::2, ::2].tolist() == plane.tolist()
    with pytest.raises(ParameterError):
        io.resize_image(plane, (4, 3), 3)


def test_oversample_order() -> None:
    image = np.arange(20, dtype=np.float32).reshape(4, 5, 1)
    crops = io.oversample([image, image + 100], (2, 3))
    assert crops.shape == (20, 2, 3, 1)
    assert [crops[i, 0, 0, 0] for i in range(5)] == [0, 2, 10, 12, 6]
    np.testing.assert_array_equal(crops[5:10], crops[:5, :, ::-1])
    np.testing.assert_array_equal(crops[10:], crops[:10] + 100)


def test_transformer_both_ways() -> None:
    transformer = io.Transformer({"data": (1, 3, 4, 5)})
    transformer.set_transpose("data", (2, 0, 1))
    transformer.set_channel_swap("data", (2, 1, 0))
    transformer.set_raw_scale("data", 255)
    transformer.set_mean("data", np.array([104.0, 117.0, 123.0]))
    transformer.set_input_scale("data", 0.5)
    image = np.random.default_rng(0).random((4, 5, 3)).astype(np.float32)
    before = image.copy()
    ready = transformer.preprocess("data", image)
    wanted = (image[:, :, ::-1].transpose(2, 0, 1) * 255 - np.array([104, 117, 123])[:, None, None]) * 0.5
    np.testing.assert_allclose(ready, wanted, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(transformer.deprocess("data", ready[None]), image, atol=1e-5)
    np.testing.assert_array_equal(image, before)
    assert transformer.preprocess("data", np.ones((8, 9, 3))).shape == (3, 4, 5)


def test_transformer_means_and_errors() -> None:
    transformer = io.Transformer({"data": (1, 3, 4, 4)})
    transformer.set_mean("data", np.ones((3, 8, 8)) * 5)
    assert transformer.mean["data"].shape == (3, 4, 4)  # type: ignore[union-attr]
    transformer.set_mean("data", np.ones((4, 4)))
    with pytest.raises(ShapeError):
        transformer.set_mean("data", np.ones(2))
    with pytest.raises(ParameterError):
        transformer.set_transpose("data", (1, 0))
    with pytest.raises(ParameterError):
        transformer.set_channel_swap("data", (1, 0))
    with pytest.raises(ParameterError):
        transformer.set_raw_scale("image", 1)


def test_classifier(files: tuple[str, str]) -> None:
    net = caffe.Classifier(*files, image_dims=(6, 8), mean=np.array([1.0, 2.0, 3.0]), raw_scale=255,
                           channel_swap=(2, 1, 0))  # fmt: skip
    image = np.broadcast_to(np.array([0.2, 0.4, 0.6], np.float32), (12, 16, 3))
    for oversample in (True, False):
        scores = net.predict([image] * 4, oversample)
        assert scores.reshape(4, -1).shape == (4, 3)
        np.testing.assert_allclose(scores.reshape(4, -1)[3], [152.0, 100.0, 48.0], rtol=1e-5)


def test_classifier_crops_the_centre(files: tuple[str, str]) -> None:
    net = caffe.Classifier(*files, image_dims=(6, 8))
    image = np.random.default_rng(1).random((6, 8, 3)).astype(np.float32)
    np.testing.assert_allclose(net.predict([image], False).ravel(), image[1:5, 2:6].mean((0, 1)), rtol=1e-5)


def test_detector(files: tuple[str, str], tmp_path: Path) -> None:
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[5:15, 10:20] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    net = caffe.Detector(*files)
    found = net.detect_windows([(tmp_path / "a.png", np.array([[5, 10, 15, 20], [0, 0, 5, 10]]))])
    np.testing.assert_allclose([one["prediction"].mean() for one in found], [1, 0], atol=1e-6)
    assert found[0]["filename"] == tmp_path / "a.png"
    assert net.detect_windows([]) == []


def test_detector_with_context(files: tuple[str, str]) -> None:
    net = caffe.Detector(
        *files, mean=np.array([10.0, 20.0, 30.0]), raw_scale=255, channel_swap=(2, 1, 0), context_pad=1
    )
    image = np.ones((12, 12, 3), np.float32)
    crop = net.crop(image, np.array([0, 0, 5, 5]))
    assert crop.shape == (4, 4, 3)
    np.testing.assert_allclose(crop[0, 0], np.array([30, 20, 10]) / 255, rtol=1e-6)
    np.testing.assert_allclose(crop[-1, -1], 1)
    with pytest.raises(ParameterError):
        net.crop(image, np.array([40, 40, 45, 45]))
