from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cortado.errors import FileError
from cortado.proto import atomic_path, atomic_write, read_bytes, read_text
from cortado.proto.files import named


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_write_and_read(tmp_path: Path) -> None:
    atomic_write(tmp_path / "a", b"\x00\xff")
    atomic_write(str(tmp_path / "b"), "\ufeffcaf\u00e9\r\n")
    assert read_bytes(tmp_path / "a") == b"\x00\xff"
    assert read_text(tmp_path / "b") == "caf\u00e9\r\n"
    assert names(tmp_path) == ["a", "b"]


def test_bytes_that_are_not_utf8_survive_reading(tmp_path: Path) -> None:
    (tmp_path / "gbk").write_bytes(b"# \xc4\xe3\n")
    assert read_text(tmp_path / "gbk").encode("utf-8", "surrogateescape") == b"# \xc4\xe3\n"


def test_writing_replaces_in_one_step_and_keeps_the_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(0o640)
    atomic_write(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_new_files_have_the_usual_permissions(tmp_path: Path) -> None:
    atomic_write(tmp_path / "ours", "x")
    (tmp_path / "theirs").write_text("x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "theirs").stat().st_mode


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")

    def write_half() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            assert temporary.parent == tmp_path
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_errors_of_a_library_in_the_block_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot write this file: disk full"), atomic_path(tmp_path / "a"):
        raise OSError("disk full")
    with pytest.raises(ValueError, match="of the caller"), atomic_path(tmp_path / "a"):
        raise ValueError("of the caller")
    assert names(tmp_path) == []


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    atomic_write(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "new"


def test_errors_carry_the_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileError) as caught:
        read_bytes("missing.prototxt")
    assert str(caught.value) == f"{tmp_path}/missing.prototxt: cannot read this file: No such file or directory"
    with pytest.raises(FileError) as caught:
        atomic_write("no/such/folder/a", b"")
    rule = "cannot write this file: No such file or directory"
    assert str(caught.value) == f"{tmp_path}/no/such/folder/a: {rule} (there is no folder {tmp_path}/no/such/folder)"
    with pytest.raises(FileError) as caught:
        atomic_write(tmp_path, b"")
    assert str(caught.value) == f"{tmp_path}: cannot write this file: Is a directory"
    with pytest.raises(FileError, match="its name holds a zero byte"):
        read_bytes("a\0b")


def test_sizes_are_checked_before_reading(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        os.truncate(file.fileno(), 2**40)
    with pytest.raises(FileError, match="a file read here has at most 1000 bytes; got 1099511627776"):
        read_bytes(path, limit=1000)


def test_the_way_out_of_a_wrong_name(tmp_path: Path) -> None:
    (tmp_path / "solver.prototxt").touch()
    with pytest.raises(FileError, match=r"\(did you mean 'solver.prototxt'\?\)"):
        read_bytes(tmp_path / "solver.protxt")
    with pytest.raises(FileError, match=f"\\(there is no folder {tmp_path}/no\\)"):
        read_bytes(tmp_path / "no" / "solver.prototxt")
    with (
        pytest.raises(FileError, match="cannot make this folder: a file is in its place"),
        named("make", tmp_path, "folder"),
    ):
        (tmp_path / "solver.prototxt").mkdir(exist_ok=True)
    with pytest.raises(FileError, match="cannot write this file: its name holds a zero byte"):
        atomic_write("a\0b", b"")


def test_pipes_and_devices_are_written_to_and_stay(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    atomic_write(pipe, b"whole")
    assert os.read(reader, 10) == b"whole"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert sorted(tmp_path.iterdir()) == [pipe]
    script = "from cortado.proto import atomic_write; atomic_write('/dev/stdout', 'told'); print(' and more')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "told and more\n"
