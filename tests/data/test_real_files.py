"""Real databases, mean files and data sets, where the folder that CORTADO_ZOO names has them."""

from __future__ import annotations

import lzma
import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from cortado.cli import program
from cortado.data import compute_mean, create_source, datum_to_array, open_source, parse_datum, read_mean
from cortado.data.convert import records_of_arrays
from cortado.data.idx import read_idx
from cortado.layers import Phase
from cortado.testing.layers import make_layer

ZOO = Path(os.environ.get("CORTADO_ZOO", "/nowhere")) / "datasets"

pytestmark = pytest.mark.skipif(not ZOO.is_dir(), reason="CORTADO_ZOO names no folder with datasets")


def test_caffe_s_mean_of_a_database_that_caffe_wrote():
    source = open_source("LMDB", ZOO / "lmdb" / "coiss_train_lmdb")
    assert len(source) == 380
    mean, count = compute_mean(source.records())
    assert count == 380
    np.testing.assert_allclose(mean, read_mean(ZOO / "lmdb" / "coiss384Mean.binaryproto"), rtol=0, atol=8e-6)


def test_mnist_of_a_database_that_caffe_wrote():
    source = open_source("LMDB", ZOO / "lmdb" / "mnist_train_1000_lmdb")
    images = read_idx(ZOO / "mnist" / "train-images-idx3-ubyte.gz")
    labels = read_idx(ZOO / "mnist" / "train-labels-idx1-ubyte.gz")
    assert images.shape == (60000, 28, 28)
    ours = records_of_arrays(images[:1000], labels[:1000])
    for theirs, mine in zip(source.records(), ours, strict=True):
        datum, made = parse_datum(theirs.value, theirs.name), parse_datum(mine.value, mine.name)
        assert theirs.key == mine.key
        assert datum.label == made.label
        np.testing.assert_array_equal(datum_to_array(datum), datum_to_array(made))


@pytest.mark.parametrize("prefetch", [0, 4])
def test_a_layer_goes_round_a_real_database(prefetch):
    path = ZOO / "lmdb" / "coiss_train_lmdb"
    text = f'data_param {{ source: "{path}" backend: LMDB batch_size: 100 prefetch: {prefetch} }}'
    run = make_layer(f'type: "Data" top: "data" top: "label" {text}', phase=Phase.TEST, dtype=np.float32)
    records = [parse_datum(r.value, r.name) for r in open_source("LMDB", path).records()]
    for start in range(0, 500, 100):
        data, label = run.forward()
        rows = np.arange(start, start + 100) % 380
        np.testing.assert_array_equal(label, [records[i].label for i in rows])
        np.testing.assert_array_equal(data[-1], datum_to_array(records[rows[-1]]))


def test_cifar_with_its_mean(tmp_path):
    with lzma.open(ZOO / "cifar10" / "data_batch_first10100.bin.xz") as file:
        rows = np.frombuffer(file.read(3073 * 300), np.uint8).reshape(300, 3073)
    images, labels = rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0]
    with create_source("LMDB", tmp_path / "cifar") as writer:
        for record in records_of_arrays(images, labels):
            writer.put(*record)
    mean = ZOO / "cifar10" / "mean.binaryproto"
    text = f'data_param {{ source: "{tmp_path / "cifar"}" backend: LMDB batch_size: 100 }}'
    run = make_layer(f'type: "Data" top: "data" top: "label" transform_param {{ mean_file: "{mean}" }} {text}',
                     dtype=np.float32)  # fmt: skip
    for start in (0, 100, 200, 0):
        data, label = run.forward()
        np.testing.assert_array_equal(data, images[start : start + 100].astype(np.float32) - read_mean(mean))
        np.testing.assert_array_equal(label, labels[start : start + 100])


def test_caffe_s_hdf5_files(tmp_path):
    names = ("sample_data.h5", "sample_data_2_gzip.h5")
    (tmp_path / "list.txt").write_text("".join(f"{ZOO / 'hdf5' / name}\n" for name in names))
    text = f'hdf5_data_param {{ source: "{tmp_path / "list.txt"}" batch_size: 5 }}'
    run = make_layer(f'type: "HDF5Data" top: "data" top: "label" top: "label2" {text}', dtype=np.float32)
    want: dict[str, list[np.ndarray]] = {"data": [], "label": [], "label2": []}
    for name in names:
        with h5py.File(ZOO / "hdf5" / name) as file:
            for key, values in want.items():
                values.append(file[key][...].astype(np.float32))
    whole = {key: np.concatenate(values) for key, values in want.items()}
    for start in (0, 5, 10, 15, 0):
        got = run.forward()
        for array, rows in zip(got, whole.values(), strict=True):
            np.testing.assert_array_equal(array, rows[start : start + 5])


def test_mnist_from_beginning_to_end(tmp_path):
    result = CliRunner().invoke(program, ["convert-mnist", str(ZOO / "mnist"), str(tmp_path)], catch_exceptions=False)
    assert "60000 images" in result.output
    source = open_source("LMDB", tmp_path / "mnist_test_lmdb")
    assert len(source) == 10000
    images = read_idx(ZOO / "mnist" / "t10k-images-idx3-ubyte.gz")
    for index in (0, 1, 4999, 9999):
        record = source.get(index)
        np.testing.assert_array_equal(datum_to_array(parse_datum(record.value, record.name))[0], images[index])
