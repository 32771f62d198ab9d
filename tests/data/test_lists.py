from __future__ import annotations

import pytest

from cortado.data.lists import beneath, read_list
from cortado.errors import DataError, FileError


def test_the_label_stands_behind_the_last_space(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("a.jpg 3\nmy photo.png  -1\r\n\n b/c.png\t12\n")
    assert [tuple(i) for i in read_list(path).items] == [("a.jpg", 3), ("my photo.png", -1), ("b/c.png", 12)]


@pytest.mark.parametrize("line", ["a.jpg", "a.jpg x", "a.jpg 1.5"])
def test_a_line_of_another_form_is_named(tmp_path, line):
    path = tmp_path / "list.txt"
    path.write_text(f"a.jpg 3\n\n{line}\n")
    with pytest.raises(DataError, match=r"list.txt:3: each line must be a path, a space, and a whole number"):
        read_list(path)


def test_lists_that_are_empty_or_not_there(tmp_path):
    (tmp_path / "empty").touch()
    with pytest.raises(DataError, match="at least one line"):
        read_list(tmp_path / "empty")
    with pytest.raises(FileError, match="there is no list of images at"):
        read_list(tmp_path / "nowhere")


def test_the_root_is_put_before_paths(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").touch()
    for root in (f"{tmp_path}/photos/", f"{tmp_path}/photos"):
        assert beneath(root, "a.png").is_file()
    assert beneath(f"{tmp_path}/pho", "tos/a.png").is_file()
    assert beneath("", str(tmp_path / "photos" / "a.png")).is_file()
