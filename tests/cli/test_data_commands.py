"""convert-imageset, compute-mean, convert-mnist and extract-features, called as from a shell."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner, Result

from cortado.cli import program
from cortado.data import array_to_datum, create_source, datum_to_array, images, open_source, parse_datum, read_mean
from cortado.errors import DataError, FileError, FormatError

COUNT = 5


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def photos(folder: Path) -> np.ndarray:
    made = np.random.default_rng(0).integers(0, 256, (COUNT, 6, 8, 3), dtype=np.uint8)
    (folder / "photos").mkdir()
    for number, photo in enumerate(made):
        (folder / "photos" / f"{number}.png").write_bytes(images.encode(photo, "png"))
    (folder / "list.txt").write_text("".join(f"{n}.png {n}\n" for n in range(COUNT)))
    return made


def run(*args: str, ok: bool = True) -> Result:
    result = CliRunner().invoke(program, list(args), catch_exceptions=not ok)
    assert (result.exit_code == 0) is ok, result.output
    return result


def contents(path: str, backend: str = "LMDB") -> dict[str, tuple[np.ndarray, int]]:
    source = open_source(backend, path)
    datums = {r.key.decode(): parse_datum(r.value, r.name) for r in source.records()}
    return {key: (datum_to_array(d), d.label) for key, d in datums.items()}


@pytest.mark.parametrize("backend", ["lmdb", "leveldb"])
def test_convert_imageset(photos, backend):
    result = run("convert-imageset", "--backend", backend, "photos/", "list.txt", "db")
    assert f"{COUNT} images in db" in result.output
    got = contents("db", backend.upper())
    assert list(got) == [f"{n:08d}_{n}.png" for n in range(COUNT)]
    for number, (array, label) in enumerate(got.values()):
        np.testing.assert_array_equal(array, photos[number].transpose(2, 0, 1))
        assert label == number


@pytest.mark.parametrize(
    "flags",
    [
        ["--gray", "--resize-height", "3", "--resize-width", "4"],
        ["-gray", "-resize_height=3", "-resize_width=4", "-backend=lmdb"],
        ["--gray=true", "--resize_height=3", "--resize_width", "4", "--noencoded", "--shuffle=false"],
    ],
)
def test_convert_imageset_takes_caffe_s_flags(photos, flags):
    run("convert_imageset" if "-gray" in flags else "convert-imageset", *flags, "photos/", "list.txt", "db")
    array, _ = contents("db")["00000002_2.png"]
    grey = images.resize(images.read_image("photos/2.png", color=False), 3, 4)
    np.testing.assert_array_equal(array[0], grey[..., 0])


def test_convert_imageset_encoded_and_shuffled(photos):
    run("convert-imageset", "--encoded", "--shuffle", "--seed", "3", "photos", "list.txt", "db")
    got = contents("db")
    order = [label for _, label in got.values()]
    assert sorted(order) == list(range(COUNT))
    assert order != sorted(order)
    assert parse_datum(open_source("LMDB", "db").first().value, "r").encoded
    for key, (array, label) in got.items():
        assert key.endswith(f"_{label}.png")
        np.testing.assert_array_equal(array, photos[label].transpose(2, 0, 1))
    run("convert-imageset", "--shuffle", "--seed", "3", "photos", "list.txt", "again")
    assert list(contents("again")) == list(got)
    assert "shuffled with --seed" in run("convert-imageset", "--shuffle", "photos", "list.txt", "third").output


def test_convert_imageset_stops_at_bad_images_or_leaves_them_out(photos, folder):
    (folder / "photos" / "1.png").write_bytes(b"no")
    result = run("convert-imageset", "photos", "list.txt", "db", ok=False)
    assert isinstance(result.exception, DataError)
    assert "1.png must be an image" in str(result.exception)
    assert "--skip-bad leaves out" in str(result.exception)
    assert sorted(p.name for p in folder.iterdir()) == ["list.txt", "photos"]
    result = run("convert-imageset", "--skip-bad", "photos", "list.txt", "db")
    assert "4 images in db, 1 left out" in result.output
    assert "00000002_2.png" in contents("db")


def test_convert_imageset_checks_sizes(photos, folder):
    (folder / "photos" / "3.png").write_bytes(images.encode(photos[0][:4], "png"))
    result = run("convert-imageset", "--check-size", "photos", "list.txt", "db", ok=False)
    assert "3.png must have the size of the first one, (3, 6, 8); got (3, 4, 8)" in str(result.exception)
    run("convert-imageset", "photos", "list.txt", "db")


def test_convert_imageset_refuses(photos):
    assert "or neither" in run("convert-imageset", "--resize-width", "4", "photos", "list.txt", "db", ok=False).output
    assert "true or false" in run("convert-imageset", "--gray=maybe", "photos", "list.txt", "db", ok=False).output
    assert "No such option" in run("convert-imageset", "--grey", "photos", "list.txt", "db", ok=False).output
    assert isinstance(run("convert-imageset", "photos", "nolist", "db", ok=False).exception, FileError)


@pytest.mark.parametrize("backend", [[], ["-backend=lmdb"], ["--backend", "LMDB"]])
def test_compute_mean(photos, backend):
    run("convert-imageset", "photos", "list.txt", "db")
    result = run("compute-mean", *backend, "db", "mean.binaryproto")
    mean = photos.astype(np.float64).mean(axis=0).transpose(2, 0, 1)
    np.testing.assert_allclose(read_mean("mean.binaryproto"), mean, rtol=1e-6)
    assert f"{COUNT} records of 3x6x8" in result.output
    assert f"mean_value channel [0]: {mean[0].mean():.6g}" in result.output
    assert run("compute-mean", "db").output.count("mean_value") == 3


def test_compute_mean_refuses(folder):
    assert "there is no database at" in str(run("compute-mean", "nowhere", ok=False).exception)
    with create_source("LMDB", "empty"):
        pass
    assert "holds no records" in str(run("compute-mean", "empty", ok=False).exception)
    assert not (folder / "mean.binaryproto").exists()


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


def write_idx(folder: Path, dot: str = "-") -> dict[str, np.ndarray]:
    folder.mkdir()
    arrays = {}
    for number, prefix in enumerate(("train", "t10k")):
        arrays[prefix] = np.random.default_rng(number).integers(0, 256, (7 - number, 4, 3), dtype=np.uint8)
        (folder / f"{prefix}-images{dot}idx3-ubyte").write_bytes(idx(arrays[prefix]))
        (folder / f"{prefix}-labels{dot}idx1-ubyte").write_bytes(idx(np.arange(7 - number, dtype=np.uint8)))
    return arrays


@pytest.mark.parametrize("dot", ["-", "."])
def test_convert_mnist(folder, dot):
    arrays = write_idx(folder / "idx", dot)
    result = run("convert-mnist", "idx", "out/mnist")
    assert "7 images in out/mnist/mnist_train_lmdb" in result.output
    for name, prefix in (("train", "train"), ("test", "t10k")):
        got = contents(f"out/mnist/mnist_{name}_lmdb")
        assert list(got) == [f"{n:08d}" for n in range(len(arrays[prefix]))]
        np.testing.assert_array_equal(np.stack([a[0] for a, _ in got.values()]), arrays[prefix])
        assert [label for _, label in got.values()] == list(range(len(got)))


def test_convert_mnist_refuses(folder):
    write_idx(folder / "idx")
    (folder / "idx" / "t10k-labels-idx1-ubyte").write_bytes(idx(np.zeros(3, np.uint8)))
    result = run("convert-mnist", "idx", "out", ok=False)
    assert isinstance(result.exception, FormatError)
    assert "t10k: (6, 4, 3) and (3,)" in str(result.exception)
    assert not (folder / "out").exists()
    result = run("convert-mnist", ".", "out", ok=False)
    assert "train-images-idx3-ubyte" in str(result.exception)


NET = """
layer { name: "data" type: "Data" top: "data" top: "label"
        data_param { source: "db" backend: LMDB batch_size: 3 } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
"""


@pytest.fixture
def net(folder: Path) -> np.ndarray:
    arrays = np.random.default_rng(0).integers(0, 256, (5, 1, 2, 3), dtype=np.uint8)
    with create_source("LMDB", "db") as writer:
        for number, array in enumerate(arrays):
            writer.put(b"%d" % number, array_to_datum(array, number).SerializeToString())
    (folder / "net.prototxt").write_text(NET)
    from cortado import Net

    net = Net("net.prototxt", seed=1)
    net.save("net.caffemodel")
    return arrays.reshape(5, 6).astype(np.float32)[np.arange(6) % 5] @ net.params["ip"][0].data.T


@pytest.mark.parametrize("kind", [[], ["leveldb"], ["lmdb", "GPU", "0"]])
def test_extract_features_to_a_database(net, kind):
    result = run("extract-features", "net.caffemodel", "net.prototxt", "ip,data", "ip_db,data_db", "2", *kind)
    assert "6 rows of ip in ip_db" in result.output
    backend = kind[0].upper() if kind else "LMDB"
    got = contents("ip_db", backend)
    assert list(got) == [f"{n:010d}" for n in range(6)]
    assert got["0000000000"][0].shape == (4, 1, 1)
    np.testing.assert_allclose(np.stack([a.ravel() for a, _ in got.values()]), net, rtol=1e-4, atol=1e-4)
    assert contents("data_db", backend)["0000000000"][0].shape == (1, 2, 3)


def test_extract_features_to_hdf5(net):
    run("extract-features", "net.caffemodel", "net.prototxt", "ip", "ip.h5", "2", "hdf5")
    with h5py.File("ip.h5") as file:
        assert list(file) == ["ip"]
        np.testing.assert_allclose(file["ip"][...], net, rtol=1e-4, atol=1e-4)


def test_extract_features_refuses(net, folder):
    one = ("extract-features", "net.caffemodel", "net.prototxt")
    assert "one database for each blob" in run(*one, "ip,data", "a", "1", ok=False).output
    assert "must be lmdb, leveldb or hdf5" in run(*one, "ip", "a", "1", "csv", ok=False).output
    assert "has no blob 'pi'" in str(run(*one, "pi", "a", "1", ok=False).exception)
    assert not (folder / "a").exists()
