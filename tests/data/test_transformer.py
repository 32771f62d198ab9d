from __future__ import annotations

import numpy as np
import pytest

from cortado.data import DataTransformer, write_mean
from cortado.errors import DataError, ParameterError
from cortado.proto import Schema

IMAGE = np.random.default_rng(0).integers(0, 256, (3, 8, 9), dtype=np.uint8)


def transformer(train: bool = False, dtype: type = np.float32, **fields: object) -> DataTransformer:
    return DataTransformer(Schema.stock().TransformationParameter(**fields), train, dtype)


def run(made: DataTransformer, image: np.ndarray = IMAGE, draw: object = None) -> np.ndarray:
    out = np.full(made.output_shape(image.shape), np.nan, made.dtype)
    made.apply(image, out, draw)
    return out


def test_nothing_set_copies():
    np.testing.assert_array_equal(run(transformer()), IMAGE.astype(np.float32))
    assert not transformer(train=True).is_random


def test_mean_then_scale_in_single_precision():
    got = run(transformer(mean_value=[104, 117, 123], scale=0.017))
    mean = np.array([104, 117, 123], np.float32).reshape(3, 1, 1)
    np.testing.assert_array_equal(got, (IMAGE.astype(np.float32) - mean) * np.float32(0.017))


def test_one_mean_value_serves_all_channels():
    np.testing.assert_array_equal(run(transformer(mean_value=[10])), IMAGE.astype(np.float32) - 10)


@pytest.mark.parametrize(("size", "top", "left"), [(5, 1, 2), (8, 0, 0), (4, 2, 2), (1, 3, 4)])
def test_centre_crop_rounds_down(size, top, left):
    got = run(transformer(crop_size=size))
    np.testing.assert_array_equal(got, IMAGE[:, top : top + size, left : left + size])


def test_mean_file_is_cut_at_the_same_place_and_mirrored_with_the_image(tmp_path):
    mean = np.random.default_rng(1).normal(100, 20, IMAGE.shape).astype(np.float32)
    write_mean(tmp_path / "mean", mean)
    made = transformer(train=True, crop_size=5, mirror=True, scale=0.5, mean_file=str(tmp_path / "mean"))
    whole = (IMAGE - mean) * np.float32(0.5)
    got = run(made, draw=(0.4, 0.999, 0.0))
    np.testing.assert_array_equal(got, whole[:, 3:8, 0:5][..., ::-1])
    np.testing.assert_array_equal(run(made, draw=(0.6, 0.0, 0.999)), whole[:, 0:5, 4:9])


def test_all_places_of_a_random_crop_are_reached():
    made = transformer(train=True, crop_size=7)
    image = np.arange(72, dtype=np.uint8).reshape(1, 8, 9)
    draws = made.draw(np.random.default_rng(0), 500)
    counts = np.zeros((2, 3), int)
    for draw in draws:
        counts[divmod(int(run(made, image, draw)[0, 0, 0]), 9)] += 1
    assert counts.min() > 50


def test_mirror_is_random_in_both_phases():
    for train in (True, False):
        made = transformer(train=train, mirror=True)
        draws = made.draw(np.random.default_rng(0), 400)
        mirrored = sum(np.array_equal(run(made, IMAGE, d), IMAGE[..., ::-1]) for d in draws)
        plain = sum(np.array_equal(run(made, IMAGE, d), IMAGE) for d in draws)
        assert mirrored + plain == 400
        assert 150 < mirrored < 250


def test_nothing_is_drawn_for_a_centre_crop():
    made = transformer(train=False, crop_size=4)
    assert made.draw(np.random.default_rng(0), 3) is None


def test_double_precision_and_float_images():
    image = np.random.default_rng(2).normal(size=(2, 3, 4)).astype(np.float32)
    got = run(transformer(dtype=np.float64, mean_value=[0.1], scale=3), image)
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, (image.astype(np.float64) - 0.1) * 3, rtol=1e-7)
    assert run(transformer(scale=2), image.astype(np.float64)).dtype == np.float32


def test_a_view_with_negative_strides_is_taken(photo):
    planes = photo[:, ::-1, ::-1].transpose(2, 0, 1)
    np.testing.assert_array_equal(run(transformer(scale=2), planes), planes * np.float32(2))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"mean_file": "m", "mean_value": [1]}, "mean_file or mean_value, not both"),
        ({"force_color": True, "force_gray": True}, "force_color or force_gray, not both"),
    ],
)
def test_contradictions_are_refused(fields, message):
    with pytest.raises(ParameterError, match=message):
        transformer(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"crop_size": 9}, "crop_size 9 must not exceed"),
        ({"mean_value": [1, 2]}, "once for each channel; there are 2"),
    ],
)
def test_records_that_do_not_fit(fields, message):
    made = transformer(**fields)
    with pytest.raises(ParameterError, match=message):
        made.check(IMAGE.shape)
    with pytest.raises(DataError, match=f"record '3': .*{message}.*; got 3x8x9"):
        made.apply(IMAGE, np.empty(made.output_shape(IMAGE.shape), np.float32), name="record '3'")


def test_a_mean_of_another_size_is_refused(tmp_path):
    write_mean(tmp_path / "mean", np.zeros((3, 8, 8), np.float32))
    made = transformer(mean_file=str(tmp_path / "mean"))
    with pytest.raises(ParameterError, match=r"size of the mean in mean_file, 3x8x8; got records of 3x8x9"):
        made.check(IMAGE.shape)


def test_records_of_a_batch_must_agree():
    with pytest.raises(DataError, match=r"r: all records of a batch must be 3x8x8; got 3x8x9 \(resize"):
        transformer().apply(IMAGE, np.empty((3, 8, 8), np.float32), name="r")


@pytest.mark.parametrize(
    "fields", [{}, {"scale": 0.5}, {"mean_value": [3, 4]}, {"crop_size": 3, "scale": 0.1, "mean_value": [7]}]
)
@pytest.mark.parametrize("shape", [(2, 5, 6), (2, 128, 129)])
def test_a_batch_at_once_is_one_after_the_other(fields, shape):
    made = transformer(**fields)
    images = list(np.random.default_rng(0).integers(0, 256, (4, *shape), np.uint8))
    images[1] = np.asfortranarray(images[1])
    out = np.empty((4, *made.output_shape(shape)), np.float32)
    made.apply_all(images, out, None, "abcd")
    for image, row in zip(images, out, strict=True):
        np.testing.assert_array_equal(row, run(made, image))
    images[2] = np.zeros((3, *shape[1:]), np.uint8)
    with pytest.raises(DataError, match=r"^c: "):
        made.apply_all(images, out, None, "abcd")
