"""DenseImageData: images with a label for every pixel."""

import numpy as np
import pytest

from cortado.errors import DataError, ParameterError
from cortado.layers import Phase
from cortado.testing import make_layer

image_module = pytest.importorskip("PIL.Image")


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    lines = []
    for index in range(3):
        pixels = rng.integers(0, 256, (6, 8, 3), np.uint8)
        image_module.fromarray(pixels).save(tmp_path / f"{index}.png")
        image_module.fromarray(pixels[..., 0] // 32).save(tmp_path / f"{index}_label.png")
        lines.append(f"{index}.png {index}_label.png")
    (tmp_path / "list.txt").write_text("\n".join(lines))
    return tmp_path


def layer(folder, param="", transform="", phase=Phase.TRAIN):
    text = f"""type: "DenseImageData" transform_param {{ {transform} }} dense_image_data_param {{
        source: "{folder}/list.txt" root_folder: "{folder}/" batch_size: 2 {param} }}"""
    return make_layer(text, phase=phase, dtype=np.float32)


def test_labels_are_of_the_same_pixels(folder):
    run = layer(folder)
    for _ in range(2):
        data, label = run.forward()
        assert data.shape == (2, 3, 6, 8)
        assert label.shape == (2, 1, 6, 8)
        np.testing.assert_array_equal(label[:, 0], data[:, 2] // 32)


def test_crop_and_mirror_take_the_labels_along_and_scale_does_not(folder):
    data, label = layer(folder, transform="crop_size: 4 mirror: true scale: 0.5 mean_value: 10").forward()
    np.testing.assert_array_equal(label[:, 0], (data[:, 2] * 2 + 10) // 32)


def test_smaller_labels(folder):
    data, label = layer(folder, "label_divide_factor: 2 shuffle: true").forward()
    np.testing.assert_array_equal(label[:, 0], data[:, 2, ::2, ::2] // 32)


def test_both_are_resized(folder):
    data, label = layer(folder, "new_height: 12 new_width: 16").forward()
    assert data.shape[2:] == label.shape[2:] == (12, 16)
    assert set(np.unique(label)) <= set(range(8))


def test_what_it_refuses(folder):
    with pytest.raises(ParameterError, match="new_height and new_width must be set together"):
        layer(folder, "new_height: 3")
    (folder / "list.txt").write_text("0.png\n")
    with pytest.raises(DataError, match="names an image and an image of labels"):
        layer(folder)


def test_edge_maps_are_zeros_and_ones(folder):
    rng = np.random.default_rng(4)
    grey = rng.integers(0, 256, (3, 6, 8), np.uint8)
    for index, one in enumerate(grey):
        image_module.fromarray(one).save(folder / f"{index}_label.png")
    text = f"""type: "ImageLabelmapData" transform_param {{ mirror: true crop_size: 5 }} image_data_param {{
        source: "{folder}/list.txt" root_folder: "{folder}/" batch_size: 3 %s }}"""
    data, label = make_layer(text % "", phase=Phase.TEST, dtype=np.float32).forward()
    assert (data.shape, label.shape) == ((3, 3, 5, 5), (3, 1, 5, 5))
    expected = (grey >= 128)[:, :5, 1:6]
    for ours, there in zip(label[:, 0], expected, strict=True):
        assert (ours == there).all() or (ours[:, ::-1] == there).all()
    _, label = make_layer(text % "new_height: 12 new_width: 16", dtype=np.float32).forward()
    assert set(np.unique(label)) == {0, 1}
