"""Batches that Caffe 1.0 read from the same databases and files, number for number."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from cortado import Net, Phase

FOLDER = Path(__file__).parent.parent / "reference" / "data"
CASES = json.loads((FOLDER / "index.json").read_text())


@pytest.fixture(autouse=True)
def inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case["layer"] in ("Data", "HDF5Data")])
def test_batches_are_equal(name):
    case, want = CASES[name], np.load(f"{name}.npz")
    net = Net(f"{name}.prototxt", Phase[case["phase"]])
    assert {blob: list(net.blobs[blob].shape) for blob in case["setup_shapes"]} == case["setup_shapes"]
    for batch in range(case["batches"]):
        net.forward()
        for blob in case["setup_shapes"]:
            np.testing.assert_array_equal(net.blobs[blob].data, want[f"batch{batch}.{blob}"])


def test_memory_data():
    case, want = CASES["memory"], np.load("memory.npz")
    net = Net("memory.prototxt", Phase[case["phase"]])
    net.layers[0].reset(want["array.data"], want["array.label"])
    for batch in range(case["batches"]):
        net.forward()
        for blob in ("data", "label"):
            np.testing.assert_array_equal(net.blobs[blob].data, want[f"batch{batch}.{blob}"])


def test_hdf5_output(tmp_path, monkeypatch):
    shutil.copy("hdf5_output.prototxt", tmp_path)
    monkeypatch.chdir(tmp_path)
    net, given = Net("hdf5_output.prototxt"), np.load(FOLDER / "hdf5_output.npz")
    net(x=given["in.x"], y=given["in.y"])
    with h5py.File("hdf5_output.h5") as got, h5py.File(FOLDER / "hdf5_output.h5") as want:
        assert sorted(got) == sorted(want)
        for name in want:
            assert got[name].dtype == want[name].dtype
            np.testing.assert_array_equal(got[name], want[name])


@pytest.mark.parametrize("crop", [5, 6])
def test_random_crops_are_crops_of_the_image(crop):
    text = Path("crop5.prototxt").read_text().replace("crop_size: 5", f"crop_size: {crop} mirror: true")
    raw = np.load("raw.npz")["images"]
    from cortado.proto import parse_net

    net = Net(parse_net(text), Phase.TRAIN, seed=0)
    start = 0
    for _ in range(5):
        net.forward()
        for image in net.blobs["data"].data:
            windows = np.lib.stride_tricks.sliding_window_view(raw[start % len(raw)], (crop, crop), axis=(1, 2))
            both = np.stack([windows, windows[..., ::-1]]).transpose(0, 2, 3, 1, 4, 5)
            assert (both == image).all(axis=(3, 4, 5)).any()
            start += 1
