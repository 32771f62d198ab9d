"""Figures of real runs of Caffe, from their logs: trained LeNets on MNIST, and CIFAR-10 from iteration 4000 on."""

from __future__ import annotations

import gzip
import lzma
import shutil
from pathlib import Path

import numpy as np
import pytest

from cortado import Net, Solver
from cortado.data import array_to_datum, create_source
from cortado.solver.log_file import read_log


def mnist(zoo: Path) -> tuple[np.ndarray, np.ndarray]:
    folder = zoo / "datasets" / "mnist"
    images = np.frombuffer(gzip.decompress((folder / "t10k-images-idx3-ubyte.gz").read_bytes())[16:], np.uint8)
    labels = np.frombuffer(gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes())[8:], np.uint8)
    return images.reshape(-1, 1, 28, 28), labels


@pytest.mark.parametrize(
    ("folder", "accuracy", "loss"),
    [("everpeace-caffe/mnist", 0.9905, 0.0291821), ("ethereon-caffe-tensorflow", 0.9914, 0.0272693)],
)
def test_lenet_on_mnist(folder: str, accuracy: float, loss: float, zoo: Path) -> None:
    images, labels = mnist(zoo)
    weights = zoo / folder / "lenet_iter_10000.caffemodel"
    net = Net(zoo / folder / "lenet.prototxt", weights=weights, strict=False)
    pieces = [net(data=images[i : i + 500] / np.float32(256))["prob"].copy() for i in range(0, len(images), 500)]
    prob = np.concatenate(pieces).reshape(len(images), 10)
    assert (prob.argmax(axis=1) == labels).mean() == pytest.approx(accuracy, abs=1e-9)
    assert -np.log(prob[np.arange(len(labels)), labels]).mean() == pytest.approx(loss, rel=1e-4)


def cifar_database(zoo: Path, path: Path) -> None:
    """The first 10,100 training images, as Caffe's converter stores them."""
    packed = (zoo / "datasets" / "cifar10" / "data_batch_first10100.bin.xz").read_bytes()
    rows = np.frombuffer(lzma.decompress(packed), np.uint8).reshape(-1, 3073)
    with create_source("LMDB", path) as writer:
        for index, row in enumerate(rows):
            datum = array_to_datum(row[1:].reshape(3, 32, 32), int(row[0]))
            writer.put(b"%05d" % index, datum.SerializeToString())


@pytest.fixture(scope="module")
def cifar(zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the run, with the paths that its files name; the nets read LMDB instead of LevelDB."""
    pytest.importorskip("lmdb")
    root = tmp_path_factory.mktemp("run")
    folder = root / "examples" / "cifar10"
    shutil.copytree(zoo / "everpeace-caffe" / "cifar10", folder)
    for path in folder.iterdir():
        path.chmod(0o644)
    shutil.copy(zoo / "datasets" / "cifar10" / "mean.binaryproto", folder)
    cifar_database(zoo, folder / "cifar10_train_leveldb")
    net = folder / "cifar10_quick_train_test.prototxt"
    net.write_text(net.read_text().replace("batch_size: 100", "batch_size: 100 backend: LMDB"))
    return folder


def resumed(folder: Path) -> Solver:
    """The run as it was resumed: rate 0.0001 from iteration 4000 on. The test images are not at hand."""
    fields = {"test_iter": [], "snapshot": 0, "snapshot_after_train": False}
    solver = Solver(folder / "cifar10_quick_solver_lr1.prototxt", fields=fields)
    solver.restore(folder / "cifar10_quick_iter_4000.solverstate")
    return solver


@pytest.mark.slow
def test_cifar10_goes_on_as_caffe_did(cifar: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log's losses at 4000, before any update, and at 4100, after 100 updates in float32."""
    monkeypatch.chdir(cifar.parents[1])
    logged = {row.iteration: row.loss for row in read_log(cifar / "train_log.txt").train[-11:]}
    solver = resumed(cifar)
    losses = {metrics.iteration: metrics.loss for metrics in solver.train(101)}
    assert losses[4000] == pytest.approx(logged[4000], abs=1e-6)
    assert losses[4100] == pytest.approx(logged[4100], abs=1e-3)
    assert solver.rate == pytest.approx(1e-4)


def test_cifar10_history_fits(cifar: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(cifar.parents[1])
    solver = resumed(cifar)
    assert solver.iteration == 4000
    assert sorted(solver.load_reports[0].names("reshaped", "loaded")) == ["conv1", "conv2", "conv3", "ip1", "ip2"]
    assert not solver.load_reports[0].notable
    assert all(np.abs(slots[0]).max() > 0 for slots in solver.history)


@pytest.mark.slow
def test_cifar10_scores_images_as_the_training_log_does(cifar: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights of iteration 4000 know the images they were trained on somewhat better than the test images, on
    which the log says 0.6854."""
    monkeypatch.chdir(cifar.parents[1])
    text = (
        (cifar / "cifar10_quick_train_test.prototxt")
        .read_text()
        .replace("cifar10_test_leveldb", "cifar10_train_leveldb")
    )
    (cifar / "scored.prototxt").write_text(text)
    net = Net(cifar / "scored.prototxt", weights=cifar / "cifar10_quick_iter_4000.caffemodel")
    scores = []
    for _ in range(101):
        net.forward()
        scores.append(float(net.blobs["accuracy"].data))
    assert 0.69 < np.mean(scores) < 0.76
