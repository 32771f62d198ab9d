from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cortado.data import images
from cortado.errors import DataError

SMALL = ((np.arange(35).reshape(5, 7, 1) * 37) % 256).astype(np.uint8)


def file(array: np.ndarray, kind: str = "PNG", mode: str | None = None) -> bytes:
    stream = io.BytesIO()
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(stream, kind)
    return stream.getvalue()


# computed with OpenCV 4.14, cv2.resize(image, (width, height))
SHRUNK = [[15, 79, 144, 209], [20, 85, 149, 214], [25, 89, 154, 219]]
GROWN_TOP = [0, 25, 53, 82, 111, 140, 168, 197, 222]
GROWN_BOTTOM = [12, 37, 65, 94, 123, 152, 180, 209, 234]
HALVED = [[80, 98, 180], [124, 78, 160]]


def test_resize_gives_opencv_s_numbers():
    np.testing.assert_array_equal(images.resize(SMALL, 3, 4)[..., 0], SHRUNK)
    grown = images.resize(SMALL, 8, 9)[..., 0]
    assert grown.shape == (8, 9)
    np.testing.assert_array_equal(grown[0], GROWN_TOP)
    np.testing.assert_array_equal(grown[-1], GROWN_BOTTOM)


def test_half_the_size_is_the_mean_of_four_pixels():
    image = ((np.arange(24).reshape(4, 6, 1) * 41) % 256).astype(np.uint8)
    np.testing.assert_array_equal(images.resize(image, 2, 3)[..., 0], HALVED)


def test_resize_to_the_same_size_changes_nothing(photo):
    assert images.resize(photo, *photo.shape[:2]) is photo


def test_resize_keeps_a_flat_image_flat():
    flat = np.full((13, 17, 3), 200, np.uint8)
    assert (images.resize(flat, 29, 5) == 200).all()


def test_decode_is_blue_first(photo):
    content = file(photo[..., ::-1])
    np.testing.assert_array_equal(images.decode(content, "photo"), photo)


def test_decode_to_one_channel_and_as_it_is(photo):
    content = file(photo[..., ::-1])
    blue, green, red = (photo[..., i].astype(int) for i in range(3))
    grey = (9797 * red + 19234 * green + 3737 * blue) >> 15
    np.testing.assert_array_equal(images.decode(content, "photo", color=False)[..., 0], grey)
    assert images.decode(content, "photo", color=None).shape == (24, 30, 3)
    assert images.decode(file(photo[..., 0]), "grey", color=None).shape == (24, 30, 1)


def test_grey_of_other_formats_is_rounded(photo):
    blue, green, red = (photo[..., i].astype(int) for i in range(3))
    grey = (4899 * red + 9617 * green + 1868 * blue + 8192) >> 14
    got = images.decode(file(photo[..., ::-1], "BMP"), "photo", color=False)
    np.testing.assert_array_equal(got[..., 0], grey)


def test_grey_file_as_colour_has_equal_channels(photo):
    got = images.decode(file(photo[..., 0]), "grey", color=True)
    np.testing.assert_array_equal(got, np.repeat(photo[..., :1], 3, axis=2))


def test_transparency_is_a_fourth_channel_only_when_nothing_is_forced(photo):
    four = np.dstack([photo[..., ::-1], photo[..., :1]])
    native = images.decode(file(four), "four", color=None)
    np.testing.assert_array_equal(native, np.dstack([photo, photo[..., :1]]))
    np.testing.assert_array_equal(images.decode(file(four), "four"), photo)


def test_palette_and_bilevel_files_decode(photo):
    assert images.decode(file(photo, mode="P"), "palette", color=None).shape == (24, 30, 3)
    assert set(np.unique(images.decode(file(photo[..., 0], mode="1"), "one", color=None))) <= {0, 255}


def test_jpeg_round_trip_is_close(photo):
    got = images.decode(images.encode(photo, "jpg"), "photo")
    assert np.abs(got.astype(int) - photo).mean() < 6
    assert images.decode(images.encode(photo, "jpeg"), "photo", color=False).shape == (24, 30, 1)


def test_png_round_trip_is_exact(photo):
    np.testing.assert_array_equal(images.decode(images.encode(photo, "png"), "photo"), photo)
    grey = photo[..., :1]
    np.testing.assert_array_equal(images.decode(images.encode(grey, "png"), "photo", color=None), grey)


def test_what_is_no_image_is_named():
    with pytest.raises(DataError, match="record '7' must be an image that Pillow can read"):
        images.decode(b"not an image", "record '7'")


def test_a_file_that_is_cut_off_is_named(photo):
    content = file(photo)
    with pytest.raises(DataError, match="the photo must be an image"):
        images.decode(content[: len(content) // 2], "the photo")


def test_sixteen_bits_are_refused():
    content = file(np.arange(64, dtype=np.uint16).reshape(8, 8) * 999)
    with pytest.raises(DataError, match="8 bits per channel"):
        images.decode(content, "deep")


def test_size_is_checked_before_decoding(monkeypatch, photo):
    monkeypatch.setattr(images, "MOST_PIXELS", 100)
    with pytest.raises(DataError, match="at most 100 pixels; got 30x24"):
        images.decode(file(photo), "large")


def test_unknown_encoding_is_refused(photo):
    with pytest.raises(DataError, match="jpg, jpeg, png"):
        images.encode(photo, "tga")


def test_missing_image_names_the_path(tmp_path: Path):
    with pytest.raises(DataError, match=r"cannot read the image .*nowhere.png.*working directory"):
        images.read_image(tmp_path / "nowhere.png")


def test_planes_share_memory(photo):
    assert images.to_planes(photo).shape == (3, 24, 30)
    assert np.shares_memory(images.to_planes(photo), photo)


def test_what_an_image_is_resized_to_is_checked_first(photo, tmp_path: Path):
    path = tmp_path / "a.png"
    path.write_bytes(images.encode(photo, "png"))
    rule = f"the image {path}, resized, may have at most {images.MOST_PIXELS} pixels; got 99999x99999"
    with pytest.raises(DataError, match=rule):
        images.read_image(path, True, 99999, 99999)
    with pytest.raises(DataError, match="cannot read the image a\0b: embedded null byte"):
        images.read_image("a\0b")
