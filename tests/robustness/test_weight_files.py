"""Damaged and mistaken weight files: a clear error, or a load that is right; never a net that is half changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from cortado import CortadoError, FileError, FormatError, Net, Solver, WeightsError
from cortado.proto import Schema

REFERENCE = Path(__file__).parents[1] / "reference"
PROTOTXT = REFERENCE / "weights" / "wnet.prototxt"
BINARY = ["wnet.caffemodel", "wnet_v0.caffemodel", "wnet_v1.caffemodel", "wnet_double.caffemodel"]
HDF5 = "wnet.caffemodel.h5"
MARK = 7.5


@pytest.fixture(scope="module")
def net() -> Net:
    return Net(PROTOTXT, engine="reference", seed=0)


@pytest.fixture
def marked(net: Net) -> Net:
    """A net all of whose learned blobs hold one number."""
    for blobs in net.params.values():
        for blob in blobs:
            blob.data[...] = MARK
    return net


def layers_changed(net: Net) -> set[str]:
    return {name for name, blobs in net.params.items() if any((b.data != MARK).any() for b in blobs)}


def load(net: Net, path: Path) -> str | None:
    """Load *path*; the message of the error, if there is one, after a check of what was changed."""
    problem = None
    try:
        may_change = net.load(path).names("loaded", "reshaped")
    except CortadoError as error:
        may_change, problem = [], str(error)
    assert layers_changed(net) <= set(may_change), problem
    assert problem is None or str(path) in problem, "the message names the file"
    return problem


@pytest.mark.parametrize("name", BINARY)
def test_cut_off(name: str, marked: Net, tmp_path: Path) -> None:
    """A file that ends inside a layer is refused."""
    data = (REFERENCE / "weights" / name).read_bytes()
    path = tmp_path / "cut.caffemodel"
    refused = 0
    cuts = range(0, len(data) - 1, len(data) // 150)
    for size in cuts:
        path.write_bytes(data[:size])
        message = load(marked, path)
        refused += message is not None
        if message is None:  # cut between two layers: the rest is reported
            for blobs in marked.params.values():
                for blob in blobs:
                    blob.data[...] = MARK
    assert refused > len(cuts) * 0.95


def test_a_cut_is_called_a_cut(marked: Net, tmp_path: Path) -> None:
    path = tmp_path / "cut.caffemodel"
    path.write_bytes((REFERENCE / "weights" / BINARY[0]).read_bytes()[:5000])
    message = load(marked, path) or ""
    assert "cut off at byte 5000" in message
    assert "copy or download it again" in message


@pytest.mark.parametrize("name", [*BINARY, HDF5])
def test_flipped_bits(name: str, marked: Net, tmp_path: Path) -> None:
    """Any one bit. Most lie in the values, where nothing can tell; the others must not do harm."""
    data = bytearray((REFERENCE / "weights" / name).read_bytes())
    rng = np.random.default_rng(5)
    path = tmp_path / name
    head = rng.integers(0, min(len(data), 1200), 60)  # names, shapes and, in HDF5, the tables
    for at in [*head, *rng.integers(0, len(data), 60)]:
        bit = 1 << int(rng.integers(8))
        data[at] ^= bit
        path.write_bytes(data)
        load(marked, path)
        data[at] ^= bit
        for blobs in marked.params.values():
            for blob in blobs:
                blob.data[...] = MARK


def test_hdf5_cut_off(marked: Net, tmp_path: Path) -> None:
    data = (REFERENCE / "weights" / HDF5).read_bytes()
    path = tmp_path / HDF5
    for size in range(8, len(data), len(data) // 60):
        path.write_bytes(data[:size])
        message = load(marked, path)
        assert message is not None, size


def test_hdf5_claims_of_size_are_not_believed(marked: Net, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "huge.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("data/conv1/0", shape=(2**33,), dtype="f4", chunks=(2**20,))
    message = load(marked, path) or ""
    assert "34359738368 bytes" in message


def test_hdf5_of_other_things(marked: Net, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "text.h5"
    with h5py.File(path, "w") as file:
        file["data/conv1/0"] = np.array([b"a", b"b"])
    assert "blobs are numbers" in (load(marked, path) or "")
    with h5py.File(path, "w") as file:
        file["images"] = np.zeros(3)
    assert "got images" in (load(marked, path) or "")


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 64, b"name: 'a net'\n", b"PK\x03\x04" + b"x" * 99, b"\x89HDF\r\n\x1a\n"]
)
def test_other_files(content: bytes, marked: Net, tmp_path: Path) -> None:
    path = tmp_path / "w.caffemodel"
    path.write_bytes(content)
    with pytest.raises(FormatError) as caught:
        marked.load(path)
    assert str(path) in str(caught.value)
    assert not layers_changed(marked)


def test_a_prototxt_given_as_weights(marked: Net) -> None:
    with pytest.raises(FormatError, match=r"a net with weights \(.caffemodel\) is expected here"):
        marked.load(PROTOTXT)


def test_a_missing_file_is_named_in_full(marked: Net, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileError, match="No such file") as caught:
        marked.load("lenet.caffemodel")
    assert str(tmp_path / "lenet.caffemodel") in str(caught.value)


@pytest.mark.parametrize("suffix", ["", ".h5"])
def test_a_solver_state_given_as_weights(suffix: str, marked: Net) -> None:
    states = sorted((REFERENCE / "snapshots").glob(f"*.solverstate{suffix}"))
    with pytest.raises(FormatError) as caught:
        marked.load(states[0])
    assert "solver state (.solverstate" in str(caught.value)
    assert not layers_changed(marked)


def test_weights_of_another_net(marked: Net, tmp_path: Path) -> None:
    """One that has a layer of the same name, and one that has none."""
    with pytest.raises(
        WeightsError, match=r"'conv1' \(Convolution\): blob 0 is \(4, 2, 3, 3\) in the file and \(4, 1, 3, 2\)"
    ):
        marked.load(REFERENCE / "logs" / "init.caffemodel")
    message = Schema.default().message("NetParameter")()
    message.MergeFromString((REFERENCE / "logs" / "init.caffemodel").read_bytes())
    for layer in message.layer:
        layer.name = f"other_{layer.name}"
    (tmp_path / "w.caffemodel").write_bytes(message.SerializeToString())
    with pytest.raises(
        WeightsError, match=r"got layers 'other_conv1', 'other_ip1', .* \(these are the weights of another"
    ):
        marked.load(tmp_path / "w.caffemodel")
    assert not layers_changed(marked)


@pytest.fixture
def solver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Solver:
    for path in (REFERENCE / "logs").iterdir():
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return Solver("solver.prototxt", engine="reference")


def unchanged(solver: Solver) -> bool:
    fresh = Solver("solver.prototxt", engine="reference")
    pairs = zip(solver.net.learnable, fresh.net.learnable, strict=True)
    same = all((a.blob.data == b.blob.data).all() for a, b in pairs)
    return same and solver.iteration == 0 and not any(slot.any() for slots in solver.history for slot in slots)


@pytest.mark.parametrize("suffix", ["", ".h5"])
def test_weights_given_as_a_solver_state(suffix: str, solver: Solver, tmp_path: Path) -> None:
    solver.net.save(tmp_path / f"w.caffemodel{suffix}")
    with pytest.raises(FormatError, match="solver state"):
        solver.restore(tmp_path / f"w.caffemodel{suffix}")
    assert unchanged(solver)


@pytest.mark.parametrize("keep", [0, 1, 40, 700, 1300])
def test_a_solver_state_cut_off(keep: int, solver: Solver) -> None:
    state = Path("lognet_iter_20.solverstate")
    state.write_bytes(state.read_bytes()[:keep])
    with pytest.raises((FormatError, WeightsError)) as caught:
        solver.restore(state)
    assert state.name in str(caught.value)
    assert unchanged(solver)


def test_a_solver_state_with_flipped_bits(solver: Solver) -> None:
    state = Path("lognet_iter_20.solverstate")
    data = bytearray(state.read_bytes())
    rng = np.random.default_rng(3)
    refused = 0
    for at in rng.integers(0, 120, 60):  # the numbers, the name of the weights, the first shape
        bit = 1 << int(rng.integers(8))
        data[at] ^= bit
        state.write_bytes(data)
        fresh = Solver("solver.prototxt", engine="reference")
        try:
            fresh.restore(state)
        except CortadoError:
            refused += 1
            assert unchanged(fresh)
        data[at] ^= bit
    assert refused > 10


def test_a_solver_state_whose_weights_are_damaged(solver: Solver) -> None:
    weights = Path("lognet_iter_20.caffemodel")
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(FormatError, match=r"lognet_iter_20\.caffemodel"):
        solver.restore("lognet_iter_20.solverstate")
    assert unchanged(solver)


def test_a_solver_state_of_another_solver(solver: Solver) -> None:
    other = Solver("solver.prototxt", fields={"type": "Adam", "clip_gradients": -1})
    with pytest.raises(WeightsError, match="Adam"):
        other.restore("lognet_iter_20.solverstate")
