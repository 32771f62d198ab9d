"""The same parameters in several files."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import cortado
from cortado import pycaffe

FOLDER = "weights"
INDEX = json.loads((Path(__file__).parent / FOLDER / "index.json").read_text())
CASES = [name for name, case in INDEX.items() if isinstance(case, dict) and "loaded_layers" in case]


@pytest.mark.parametrize("name", CASES)
def test_weight_file(name: str, inside: Path, reference: SimpleNamespace) -> None:
    case = INDEX[name]
    with reference.load(inside / "wnet.npz") as data:
        net = pycaffe.Net("wnet.prototxt", pycaffe.TEST)
        before = {k: [p.data.copy() for p in v] for k, v in net.params.items()}
        report = net.net.load(name)
        assert sorted(report.names("loaded", "reshaped")) == sorted(case["loaded_layers"])
        for key, value in data.items():
            if key.startswith("param."):
                layer, index = reference.split_key(key[6:])
                want = value if layer in case["loaded_layers"] else before[layer][index]
                np.testing.assert_array_equal(net.params[layer][index].data, want)
        if not case["layers_left_as_they_were"]:
            assert not report.names("initialised")
            reference.feed(net, {k: v for k, v in data.items() if k.startswith("in.")})
            net.forward()
            for key, value in data.items():
                if key.startswith("out."):
                    reference.close(key, net.blobs[key[4:]].data, value)


@pytest.mark.parametrize("suffix", [".caffemodel", ".caffemodel.h5"])
def test_round_trip(suffix: str, inside: Path, tmp_path: Path) -> None:
    net = cortado.Net("wnet.prototxt", weights="wnet.caffemodel")
    net.save(tmp_path / f"again{suffix}")
    other = cortado.Net("wnet.prototxt")
    report = other.load(tmp_path / f"again{suffix}", strict=True)
    assert not report.names("ignored", "initialised")
    for name, blobs in net.params.items():
        for a, b in zip(blobs, other.params[name], strict=True):
            np.testing.assert_array_equal(a.data, b.data)
