from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from cortado.errors import FileError, ParameterError, ShapeError
from cortado.testing.layers import make_layer

DATA = np.random.default_rng(0).normal(size=(4, 3, 2)).astype(np.float32)
LABEL = np.arange(4, dtype=np.float32)


def make(path: Path, data: np.ndarray = DATA, label: np.ndarray = LABEL):
    text = f'type: "HDF5Output" hdf5_output_param {{ file_name: "{path}" }}'
    return make_layer(text, [data, label], dtype=np.float32)


def read(path: Path) -> dict[str, np.ndarray]:
    with h5py.File(path) as file:
        return {name: dataset[...] for name, dataset in file.items()}


def test_four_axes_always(tmp_path):
    make(tmp_path / "o.h5").forward()
    got = read(tmp_path / "o.h5")
    assert sorted(got) == ["data", "label"]
    np.testing.assert_array_equal(got["data"], DATA[..., None])
    np.testing.assert_array_equal(got["label"], LABEL.reshape(4, 1, 1, 1))
    assert got["data"].dtype == np.float32


def test_further_forwards_add_rows_and_a_new_net_begins_anew(tmp_path):
    run = make(tmp_path / "o.h5")
    for _ in range(3):
        run.forward()
    got = read(tmp_path / "o.h5")
    np.testing.assert_array_equal(got["data"], np.concatenate([DATA[..., None]] * 3))
    assert got["label"].shape == (12, 1, 1, 1)
    make(tmp_path / "o.h5").forward()
    assert read(tmp_path / "o.h5")["data"].shape == (4, 3, 2, 1)


def test_building_writes_nothing(tmp_path):
    (tmp_path / "o.h5").write_bytes(b"precious")
    make(tmp_path / "o.h5")
    assert (tmp_path / "o.h5").read_bytes() == b"precious"


def test_refusals(tmp_path):
    with pytest.raises(ParameterError, match="file_name must name the file"):
        make_layer('type: "HDF5Output"', [DATA, LABEL])
    with pytest.raises(ShapeError, match="equal numbers of rows; got 'x0' 4x3x2, 'x1' 3"):
        make(tmp_path / "o.h5", DATA, LABEL[:3])
    with pytest.raises(ShapeError, match="1 to 4 axes"):
        make(tmp_path / "o.h5", np.zeros((4, 1, 1, 1, 1)))
    with pytest.raises(FileError, match="cannot write this file: No such file or directory"):
        make(tmp_path / "nowhere" / "o.h5").forward()
    run = make(tmp_path / "o.h5")
    run.forward()
    with pytest.raises(ShapeError, match=r"rows added to 'data' .* must be \(3, 2, 1\); got \(5, 2, 1\)"):
        run.forward(np.zeros((4, 5, 2)), LABEL)
