from __future__ import annotations

import numpy as np
import pytest

from cortado.data import array_to_datum
from cortado.errors import DataError, ParameterError
from cortado.layers import Phase
from cortado.testing.layers import LayerRun, make_layer

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 2, 4, 3), dtype=np.uint8)
LABELS = np.arange(6)


def make(transform: str = "", batch: int = 3, channels: int = 2, height: int = 4, **context: object) -> LayerRun:
    sizes = f"batch_size: {batch} channels: {channels} height: {height} width: 3"
    text = f'type: "MemoryData" transform_param {{ {transform} }} memory_data_param {{ {sizes} }}'
    return make_layer(text, **{"dtype": np.float32, "phase": Phase.TEST, **context})


def test_reset_hands_out_batch_after_batch():
    run = make()
    assert [b.shape for b in run.top] == [(3, 2, 4, 3), (3,)]
    run.layer.reset(IMAGES, LABELS)
    for start in (0, 3, 0, 3):
        data, label = run.forward()
        np.testing.assert_array_equal(data, IMAGES[start : start + 3])
        assert label.shape == (3, 1, 1, 1)
        np.testing.assert_array_equal(label.ravel(), LABELS[start : start + 3])


def test_reset_copies_and_does_not_transform():
    run = make("scale: 2")
    values = IMAGES.astype(np.float32)
    run.layer.reset(values, LABELS.reshape(6, 1, 1, 1))
    values[...] = 0
    np.testing.assert_array_equal(run.forward()[0], IMAGES[:3])


def test_datums_are_transformed():
    run = make("scale: 0.5 mean_value: 10")
    run.layer.add_datum_vector([array_to_datum(i, 7) for i in IMAGES])
    data, label = run.forward()
    np.testing.assert_array_equal(data, (IMAGES[:3] - np.float32(10)) * np.float32(0.5))
    assert (label == 7).all()


def test_images_are_transformed_and_cropped():
    run = make("crop_size: 3", height=3, channels=1)
    run.layer.add_images(IMAGES[:3, 0], [1, 2, 3])
    np.testing.assert_array_equal(run.forward()[0], IMAGES[:3, :1, 0:3])


def test_images_have_their_channels_last():
    run = make()
    run.layer.add_images(IMAGES.transpose(0, 2, 3, 1), LABELS)
    np.testing.assert_array_equal(run.forward()[0], IMAGES[:3])


def test_what_was_added_must_be_used_up_first():
    run = make()
    datums = [array_to_datum(i) for i in IMAGES]
    run.layer.add_datum_vector(datums)
    run.forward()
    with pytest.raises(DataError, match="must be used up first; got 3 records that are left"):
        run.layer.add_datum_vector(datums)
    run.forward()
    run.layer.add_datum_vector(datums)


def test_batch_size_may_change():
    run = make()
    run.layer.reset(IMAGES, LABELS)
    run.layer.batch_size = 6
    assert run.forward()[0].shape == (6, 2, 4, 3)
    assert run.layer.batch_size == 6
    with pytest.raises(DataError, match="divide the number of records; got 4"):
        run.layer.batch_size = 4


def test_refusals():
    run = make()
    with pytest.raises(DataError, match=r"layer 'layer' \(MemoryData\): reset\(\) or add_datum_vector\(\) must come"):
        run.forward()
    with pytest.raises(DataError, match="multiple of the batch size 3; got 4"):
        run.layer.reset(IMAGES[:4], LABELS[:4])
    with pytest.raises(DataError, match=r"data must be N x 2 x 4 x 3; got \(6, 4, 3\)"):
        run.layer.reset(IMAGES[:, 0], LABELS)
    with pytest.raises(DataError, match=r"one label for each of 6 records; got \(5,\)"):
        run.layer.reset(IMAGES, LABELS[:5])
    with pytest.raises(DataError, match="one label for each of 6 images; got 2"):
        run.layer.add_images(IMAGES.transpose(0, 2, 3, 1), [1, 2])
    with pytest.raises(DataError, match=r"\(MemoryData\): record 0: all records of a batch must be 2x4x3; got 1x4x3"):
        run.layer.add_images(IMAGES[:3, 0], [1, 2, 3])
    with pytest.raises(ParameterError, match="channels must be at least 1; got 0"):
        make(channels=0)
