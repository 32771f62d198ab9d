"""Solver states in HDF5 that are damaged, lead elsewhere, or declare more than they hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cortado.errors import FormatError
from cortado.solver.snapshot import read_hdf5_state

h5py = pytest.importorskip("h5py")


def replace(name: str, value: Any) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        del file[name]
        if value is not None:
            file[name] = value

    return change


def huge(file: Any) -> None:
    file.create_dataset("history/1", shape=(10**6, 10**6), dtype="f4", chunks=(1024, 1024))


def away(file: Any) -> None:
    file.create_dataset("history/1", (4,), "f4", external=[("/etc/passwd", 0, 16)])


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "s.solverstate.h5"
    with h5py.File(path, "w") as file:
        file["iter"], file["current_step"], file["learned_net"] = 7, 2, np.bytes_("w.caffemodel")
        file["history/0"] = np.arange(3.0)
    return path


def test_a_whole_one(state: Path) -> None:
    iteration, learned, step, history = read_hdf5_state(state)
    assert (iteration, learned, step, [a.tolist() for a in history]) == (7, "w.caffemodel", 2, [[0, 1, 2]])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (huge, "/history/1: a dataset is at most 1100 times as large as its file"),
        (away, "/history/1: blobs stand in the file itself; got values in another file"),
        (replace("history/0", h5py.ExternalLink("other.h5", "x")), "'0' of a solver state stands in the file itself"),
        (replace("history/0", h5py.SoftLink("/iter")), "'0' of a solver state stands in the file itself"),
        (replace("history/0", np.bytes_("words")), "/history/0: blobs are numbers; got |S5"),
        (replace("history", 3), "this HDF5 file is no solver state"),
        (replace("iter", None), "'iter' of a solver state stands in the file itself; got nothing, or a link"),
        (replace("iter", np.zeros(0)), "this HDF5 file is no solver state"),
        (replace("iter", np.nan), "this HDF5 file is no solver state: cannot convert float NaN to integer"),
        (replace("learned_net", np.bytes_(b"\xff")), "this HDF5 file is no solver state"),
        (replace("learned_net", 4), "/learned_net: names are text; got int64"),
    ],
)
def test_others(state: Path, change: Callable[[Any], None], text: str) -> None:
    with h5py.File(state, "a") as file:
        change(file)
    with pytest.raises(FormatError) as caught:
        read_hdf5_state(state)
    assert str(caught.value).startswith(f"{state}: ")
    assert text in str(caught.value)
