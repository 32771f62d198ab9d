from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from cortado.data import datum_to_array, images, parse_datum
from cortado.data.convert import Conversion, records_of_arrays, records_of_images
from cortado.errors import DataError


@pytest.fixture
def folder(tmp_path, photo):
    for name in ("a.png", "b.bmp"):
        Image.fromarray(photo[..., ::-1]).save(tmp_path / name)
    Image.fromarray(photo[:10, :10, ::-1]).save(tmp_path / "small.png")
    (tmp_path / "bad.png").write_bytes(b"no")
    return tmp_path


def files(folder, *names):
    return [(name, folder / name, number) for number, name in enumerate(names)]


def test_keys_count_and_values_are_planes(folder, photo):
    records = list(records_of_images(files(folder, "b.bmp", "a.png"), Conversion()))
    assert [r.key for r in records] == [b"00000000_b.bmp", b"00000001_a.png"]
    datum = parse_datum(records[1].value, "r")
    assert datum.label == 1
    np.testing.assert_array_equal(datum_to_array(datum), photo.transpose(2, 0, 1))


def test_grey_and_resized(folder, photo):
    datum, shape = Conversion(color=False, height=7, width=5).convert(folder / "b.bmp", 4)
    assert shape == (1, 7, 5)
    expected = images.resize(images.read_image(folder / "b.bmp", color=False), 7, 5)
    np.testing.assert_array_equal(datum_to_array(datum)[0], expected[..., 0])


def test_encoded_files_are_kept_as_they_are_where_possible(folder):
    datum, shape = Conversion(encode="same").convert(folder / "a.png", 4)
    assert datum.encoded
    assert datum.label == 4
    assert datum.data == (folder / "a.png").read_bytes()
    assert shape == (3, 24, 30)
    for conversion in (Conversion(encode="png", height=7, width=5), Conversion(color=False, encode="png")):
        changed, shape = conversion.convert(folder / "a.png", 4)
        assert datum_to_array(changed).shape == shape
        assert changed.data[:4] == b"\x89PNG"
    assert Conversion(encode="jpg").convert(folder / "a.png", 0)[0].data[:2] == b"\xff\xd8"


def test_errors_come_in_place_of_records(folder):
    got = list(records_of_images(files(folder, "bad.png", "a.png", "small.png", "b.bmp"), Conversion(), same_size=True))
    assert isinstance(got[0], DataError)
    assert got[1].key == b"00000001_a.png"
    assert "small.png must have the size of the first one, (3, 24, 30); got (3, 10, 10)" in str(got[2])
    assert got[3].key == b"00000003_b.bmp"


@pytest.mark.parametrize("shape", [(4, 3, 2), (4, 2, 3, 2)])
def test_records_of_arrays(shape):
    arrays = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    records = list(records_of_arrays(arrays, np.array([7, 8, 9, 0])))
    assert [r.key for r in records] == [b"%08d" % i for i in range(4)]
    datum = parse_datum(records[2].value, "r")
    assert datum.label == 9
    np.testing.assert_array_equal(datum_to_array(datum).reshape(shape[1:]), arrays[2])
