from __future__ import annotations

import numpy as np
import pytest

from cortado.data.windows import Cut, Window, place, read_window_file, subtract_at, warp
from cortado.errors import DataError, FileError

TEXT = """# 0
a.png
3
20
30
2
1 0.9 2 3 11 12
0 0.1 0 0 29 19
# 1
my photo.png
3
10
10
0
"""


def test_read(tmp_path):
    (tmp_path / "w").write_text(TEXT)
    found = read_window_file(tmp_path / "w")
    assert found.images == [("a.png", 3, 20, 30), ("my photo.png", 3, 10, 10)]
    assert found.windows == [Window(0, 1, 0.9, 2, 3, 11, 12), Window(0, 0, 0.1, 0, 0, 29, 19)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("# 1", "# 2", "w:9: a line '# 1' must begin"),
        ("1 0.9 2 3 11 12", "1 0.9 2 3 11", "w:7: a line of a window file must hold the class"),
        ("\n20\n", "\ntall\n", "w:4: a number must follow"),
        ("10\n0\n", "10\n1\n", "the end of the file"),
        (TEXT, "", "at least one image"),
    ],
)
def test_files_of_another_form(tmp_path, old, new, message):
    (tmp_path / "w").write_text(TEXT.replace(old, new, 1))
    with pytest.raises(DataError) as caught:
        read_window_file(tmp_path / "w")
    assert message in str(caught.value)


def test_no_file(tmp_path):
    with pytest.raises(FileError, match="there is no window file"):
        read_window_file(tmp_path / "w")


def at(x1, y1, x2, y2):
    return Window(0, 1, 1.0, x1, y1, x2, y2)


def test_plain_window_fills_the_square():
    assert place(at(2, 3, 11, 8), 20, 30, 16, 0, False, False) == Cut(slice(3, 9), slice(2, 12), 16, 16, 0, 0)


def test_context_inside_the_image():
    # 10 x 10 pixels, 4 of 16 on each side: the scale is 16 / 8, so 20 pixels around the middle (15, 10) are taken,
    # one more because both corners belong to a window
    cut = place(at(10, 5, 19, 14), 40, 40, 16, 4, False, False)
    assert cut == Cut(slice(0, 21), slice(5, 26), 16, 16, 0, 0)


def test_context_beyond_the_edge_is_left_empty_and_changes_sides_in_the_mirror():
    # 10 x 10 pixels in the corner, widened by 21 / 11 around the middle (5, 5): from -5 to 15 both ways, 21 pixels
    cut = place(at(0, 0, 9, 9), 40, 40, 21, 5, False, False)
    assert cut == Cut(slice(0, 16), slice(0, 16), 16, 16, 5, 5)
    mirrored = place(at(0, 0, 9, 9), 40, 40, 21, 5, False, True)
    assert (mirrored.top, mirrored.left) == (5, 0)


def test_square_takes_the_longer_side():
    cut = place(at(10, 15, 29, 24), 60, 60, 10, 0, True, False)
    assert (cut.rows.stop - cut.rows.start, cut.columns.stop - cut.columns.start) == (21, 21)
    assert (cut.height, cut.width) == (10, 10)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_warped_always_fits(seed):
    rng = np.random.default_rng(seed)
    for _ in range(200):
        rows, columns = rng.integers(5, 60, 2)
        x1, x2 = sorted(rng.integers(0, columns, 2))
        y1, y2 = sorted(rng.integers(0, rows, 2))
        crop = int(rng.integers(8, 40))
        padding, square, mirror = int(rng.integers(0, crop // 2)), bool(rng.integers(2)), bool(rng.integers(2))
        cut = place(at(x1, y1, x2, y2), rows, columns, crop, padding, square, mirror)
        assert 0 <= cut.rows.start < cut.rows.stop <= rows
        assert 0 <= cut.columns.start < cut.columns.stop <= columns
        assert cut.top + cut.height <= crop
        assert cut.left + cut.width <= crop
        image = np.zeros((rows, columns, 3), np.uint8)
        assert warp(image, cut, mirror).shape == (cut.height, cut.width, 3)


@pytest.mark.parametrize("corners", [(-1, 0, 3, 3), (0, 0, 30, 3), (4, 0, 3, 3), (0, 5, 3, 4)])
def test_windows_outside_or_empty(corners):
    with pytest.raises(DataError, match="must lie in their image of 30x20 pixels"):
        place(at(*corners), 20, 30, 16, 0, False, False)


def test_a_window_far_outside():
    with pytest.raises(DataError, match="must touch their image"):
        place(at(100, 0, 103, 3), 20, 30, 16, 2, False, False)


def test_the_middle_of_the_mean_is_used():
    mean = np.arange(2 * 12 * 10, dtype=np.float32).reshape(2, 12, 10)
    pixels = np.full((3, 4, 2), 7, np.uint8)
    cut = Cut(slice(0, 3), slice(0, 4), 3, 4, 1, 2)
    got = subtract_at(pixels, mean, cut, 8)
    np.testing.assert_array_equal(got, 7 - mean[:, 2 + 1 : 2 + 4, 1 + 2 : 1 + 6])
    np.testing.assert_array_equal(subtract_at(pixels, None, cut, 8), np.full((2, 3, 4), 7))
    np.testing.assert_array_equal(subtract_at(pixels, mean[:, :1, :1], cut, 8)[1], 7 - 120)
