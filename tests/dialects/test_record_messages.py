"""What is said of the records of forks' data layers that cannot be used, where no other test asks for it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cortado.dialects.c3d.clips import Clips
from cortado.dialects.c3d.video_data import read_volume
from cortado.dialects.segmentation.dense_image_data import Pair, PairReader, Pairs
from cortado.dialects.ssd.records import batches, noise, recipe, sample
from cortado.errors import DataError, FormatError
from cortado.proto import Schema


def made(pixels: Any, boxes: int = 0) -> sample.Sample:
    marks = np.tile([1.0, 0.0, 0.0], (boxes, 1))
    return sample.Sample(pixels, sample.Annotations(np.zeros((boxes, 4)), marks), 0, "record '7'")


def test_lists_that_hold_nothing(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("\n")
    with pytest.raises(DataError, match=f"{path}: the list of clips must not be empty"):
        Clips(path)
    with pytest.raises(DataError, match=f"{path}: the list of images must not be empty"):
        Pairs(path)


def test_a_mean_of_clips_with_other_axes(tmp_path: Path) -> None:
    blob = Schema.stock().message("BlobProto")(data=[0] * 4)
    blob.shape.dim.extend([2, 2])
    (tmp_path / "mean").write_bytes(blob.SerializeToString())
    rule = "a mean file holds one blob of channels x length x height x width; got 2x2"
    with pytest.raises(FormatError, match=f"{tmp_path}/mean: {rule}"):
        read_volume(tmp_path / "mean", False)


def test_labels_of_another_size(tmp_path: Path) -> None:
    image_module = pytest.importorskip("PIL.Image")
    image_module.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "a.png")
    image_module.fromarray(np.zeros((3, 4), np.uint8)).save(tmp_path / "b.png")
    read = PairReader(lambda name: tmp_path / name, True, (0, 0), 1, lambda labels, *_: labels)
    rule = r"the labels b\.png must have the size of the image, \(4, 4\); got \(3, 4\) \(or give new_height and new"
    with pytest.raises(DataError, match=rule):
        read(Pair("a.png", "b.png"))


def test_more_boxes_than_a_row_has() -> None:
    layout = batches.YoloRows(True)
    few = made(np.zeros((2, 2, 3), np.uint8), layout.most + 1)
    with pytest.raises(DataError, match=f"record '7': an image may have at most {layout.most} boxes; got"):
        layout.write([few], np.zeros(layout.shape([few]), np.float32))


def test_noise_of_four_channels() -> None:
    with pytest.raises(DataError, match="jpeg needs images of one channel or three; got 4"):
        noise._jpeg(np.zeros((2, 2, 4), np.uint8), None, np.random.default_rng(0))


def test_images_that_cannot_be_changed() -> None:
    plan: Any = SimpleNamespace(distort=None, expand=None, noise=None, crop=(5, 5), train=True)
    with pytest.raises(DataError, match="record '7': images that are to be changed must hold bytes; got float_data"):
        recipe.Recipe.prepare(plan, made(np.zeros((2, 2, 3), np.float32)), object(), np.random.default_rng(0))
    rule = "record '7': crop_size must not exceed the height and width of the image; got 2x2"
    with pytest.raises(DataError, match=rule):
        recipe.Recipe._crop(plan, made(np.zeros((2, 2, 3), np.uint8)), np.random.default_rng(0))


def test_boxes_at_infinity() -> None:
    from cortado.dialects.ssd.records import datum_class

    one = datum_class()()
    one.datum.channels, one.datum.height, one.datum.width, one.datum.data = 1, 1, 1, b"x"
    one.annotation_group.add(group_label=1).annotation.add().bbox.xmin = float("inf")
    with pytest.raises(DataError, match="record '3': the corners of boxes must be finite numbers"):
        sample.read_sample(one.SerializeToString(), "record '3'")
