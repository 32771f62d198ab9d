from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from cortado.errors import DataError, FileError, ParameterError
from cortado.layers import Phase
from cortado.testing.layers import LayerRun, make_layer

TOTAL = 13


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    start = 0
    for number, rows in enumerate((5, 8)):
        with h5py.File(tmp_path / f"part{number}.h5", "w") as file:
            numbers = np.arange(start, start + rows)
            file["feat"] = (numbers[:, None, None] * 10 + np.arange(6).reshape(2, 3)).astype(np.float32)
            file["label"] = numbers.astype(np.uint8)
        start += rows
    (tmp_path / "parts.txt").write_text("part0.h5\n\npart1.h5\n")
    return tmp_path


def make(
    folder: Path, batch: int = 4, more: str = "", tops: tuple[str, ...] = ("feat", "label"), **context
) -> LayerRun:
    names = " ".join(f'top: "{name}"' for name in tops)
    source = f'hdf5_data_param {{ source: "{folder / "parts.txt"}" batch_size: {batch} {more} }}'
    return make_layer(f'type: "HDF5Data" {names} {source}', dtype=np.float32, **context)


def feat(numbers: np.ndarray) -> np.ndarray:
    return numbers[:, None, None] * 10 + np.arange(6).reshape(2, 3)


def test_rows_go_over_files_and_over_the_end(folder):
    run = make(folder)
    assert [b.shape for b in run.top] == [(4, 2, 3), (4,)]
    for start in range(0, 40, 4):
        rows = np.arange(start, start + 4) % TOTAL
        got, label = run.forward()
        np.testing.assert_array_equal(label, rows)
        np.testing.assert_array_equal(got, feat(rows))


def test_tops_in_any_order_and_a_batch_larger_than_the_data(folder):
    label, got = make(folder, 30, tops=("label", "feat")).forward()
    np.testing.assert_array_equal(label, np.arange(30) % TOTAL)
    np.testing.assert_array_equal(got, feat(label))


def test_shuffle_takes_every_row_once_an_epoch_and_keeps_rows_together(folder):
    run = make(folder, TOTAL, "shuffle: true", seed=5)
    epochs = []
    for _ in range(5):
        got, label = run.forward()
        np.testing.assert_array_equal(got, feat(label))
        assert sorted(label) == list(range(TOTAL))
        epochs.append(tuple(label))
    assert len(set(epochs)) == 5
    assert tuple(make(folder, TOTAL, "shuffle: true", seed=5).forward()[1]) == epochs[0]
    assert tuple(make(folder, TOTAL, "shuffle: true", seed=6).forward()[1]) != epochs[0]


@pytest.mark.parametrize("more", ["", "shuffle: true"])
def test_batches_that_do_not_divide_an_epoch_are_the_same_row(folder, more):
    fours = make(folder, 4, more)
    row = np.concatenate([fours.forward()[1] for _ in range(13)])
    np.testing.assert_array_equal(make(folder, 52, more).forward()[1], row)


@pytest.mark.parametrize("more", ["", "shuffle: true"])
def test_state_goes_on_exactly(folder, more):
    run = make(folder, 4, more)
    for _ in range(5):
        run.forward()
    state = run.layer.state()
    ahead = [run.forward()[1] for _ in range(5)]
    other = make(folder, 4, more)
    other.layer.restore(state)
    np.testing.assert_array_equal([other.forward()[1] for _ in range(5)], ahead)


@pytest.mark.parametrize("more", ["", "shuffle: true"])
def test_processes_share_the_rows(folder, more):
    whole = make(folder, 12, more).forward()[1]
    shares = [make(folder, 4, more, rank=r, world=3).forward()[1] for r in range(3)]
    np.testing.assert_array_equal(np.stack(shares, 1).ravel(), whole)
    test = make(folder, 4, phase=Phase.TEST, rank=1, world=3).forward()[1]
    np.testing.assert_array_equal(test, [0, 1, 2, 3])


def test_files_are_looked_for_beside_the_list_and_beside_the_net(folder, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    make(folder)
    text = 'type: "HDF5Data" top: "feat" hdf5_data_param { source: "parts.txt" batch_size: 4 }'
    make_layer(text, folder=folder)


def test_refusals(folder):
    with pytest.raises(ParameterError, match="batch_size must be at least 1"):
        make(folder, 0)
    with pytest.raises(DataError, match=r"has no dataset 'wide'.*it holds feat, label"):
        make(folder, tops=("wide",))
    with pytest.raises(FileError, match="there is no list of HDF5 files at"):
        make(folder / "x")
    text = 'type: "HDF5Data" top: "feat" transform_param { scale: 2 } hdf5_data_param { source: "x" batch_size: 4 }'
    with pytest.raises(ParameterError, match="does not transform its data"):
        make_layer(text, folder=folder)
    (folder / "parts.txt").write_text("part0.h5\npart7.h5\n")
    with pytest.raises(FileError, match=r"there is no HDF5 file at .*part7\.h5.*did you mean 'part[01].h5'"):
        make(folder)
    (folder / "parts.txt").write_text("\n")
    with pytest.raises(DataError, match="at least one HDF5 file"):
        make(folder)
    (folder / "parts.txt").write_bytes((folder / "part0.h5").read_bytes())
    with pytest.raises(ParameterError, match=r"a text file that lists HDF5 files.*got an HDF5 file"):
        make(folder)
