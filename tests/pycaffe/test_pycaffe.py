"""The pycaffe face, used as scripts use it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import cortado
from cortado import pycaffe as caffe

NET = """name: "small" force_backward: true
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "sig" type: "Sigmoid" bottom: "ip" top: "sig" }
"""
SOLVER = """net: "train.prototxt" test_iter: 1 test_interval: 5 base_lr: 0.1 lr_policy: "fixed" max_iter: 10
snapshot_prefix: "snap" type: "Nesterov" momentum: 0.9"""
TRAIN = """layer { name: "d" type: "DummyData" top: "x" top: "t"
  dummy_data_param { shape { dim: 4 dim: 3 } shape { dim: 4 dim: 2 }
  data_filler { type: "gaussian" } data_filler { type: "constant" value: 1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "train.prototxt").write_text(TRAIN)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    monkeypatch.chdir(tmp_path)
    caffe.set_random_seed(5)
    return tmp_path


def test_names(folder: Path) -> None:
    net = caffe.Net("net.prototxt", caffe.TEST)
    assert (net.inputs, net.outputs) == (["data"], ["sig"])
    assert net._layer_names == ["data", "ip", "sig"]
    assert list(net.blobs) == net._blob_names == ["data", "ip", "sig"]
    assert (net._inputs, net._outputs) == ([0], [2])
    assert net._top_ids(1) == [1]
    assert net._bottom_ids(1) == [0]
    assert net.top_names["ip"] == ["ip"]
    assert net.layer_dict["ip"].type == "InnerProduct"
    assert [p.shape for p in net.params["ip"]] == [(4, 3), (4,)]
    assert "Sigmoid" in caffe.layer_type_list()


def test_forward_backward_by_name(folder: Path) -> None:
    net = caffe.Net("net.prototxt", caffe.TEST)
    x = np.ones((2, 3), np.float32)
    out = net.forward(data=x, blobs=["ip"])
    assert set(out) == {"ip", "sig"}
    grads = net.backward(sig=np.ones((2, 4), np.float32))
    s = out["sig"]
    np.testing.assert_allclose(grads["data"], (s * (1 - s)) @ net.params["ip"][0].data, rtol=1e-5)
    assert set(net.forward(start="ip", end="ip")) == {"ip"}
    with pytest.raises(cortado.NetError, match="inputs must be among"):
        net.forward(dat=x)
    with pytest.raises(cortado.NetError, match="the batch of 'data' is 2"):
        net.forward(data=np.ones((3, 3)))


def test_forward_all_cuts_into_batches(folder: Path) -> None:
    net = caffe.Net("net.prototxt", caffe.TEST)
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    out = net.forward_all(data=x)["sig"]
    w, b = (p.data for p in net.params["ip"])
    np.testing.assert_allclose(out, 1 / (1 + np.exp(-(x @ w.T + b))), rtol=1e-5)


def test_reshape(folder: Path) -> None:
    net = caffe.Net("net.prototxt", caffe.TEST)
    net.blobs["data"].reshape(7, 3)
    net.reshape()
    assert net.blobs["sig"].data.shape == (7, 4)


@pytest.mark.parametrize("save", ["save", "save_hdf5"])
def test_weights(folder: Path, save: str) -> None:
    net = caffe.Net("net.prototxt", caffe.TEST)
    getattr(net, save)("w.bin")
    for other in (
        caffe.Net("net.prototxt", caffe.TEST, weights="w.bin"),
        caffe.Net("net.prototxt", "w.bin", caffe.TEST),
    ):
        assert (other.params["ip"][0].data == net.params["ip"][0].data).all()
    caffe.set_random_seed(6)
    third = caffe.Net("net.prototxt", caffe.TEST)
    assert (third.params["ip"][0].data != net.params["ip"][0].data).any()
    third.copy_from("w.bin")
    assert (third.params["ip"][0].data == net.params["ip"][0].data).all()


def test_solver(folder: Path) -> None:
    solver = caffe.get_solver("solver.prototxt")
    assert isinstance(solver, caffe.NesterovSolver)
    assert solver.iter == 0
    seen = []
    solver.add_callback(lambda: seen.append("start"), lambda: seen.append("ready"))
    solver.step(2)
    assert seen == ["start", "ready", "ready"]
    assert solver.lr == pytest.approx(0.1)
    assert len(solver.test_nets) == 1
    solver.snapshot()
    again = caffe.SGDSolver("solver.prototxt")
    assert again.param.type == "SGD"
    again.restore("snap_iter_2.solverstate")
    assert again.iter == 2
    solver.solve()
    assert solver.iter == 10
    assert (folder / "snap_iter_10.caffemodel").exists()


def test_a_phase_is_needed(folder: Path) -> None:
    with pytest.raises(TypeError, match="needs a phase"):
        caffe.Net("net.prototxt")


def test_gpu_mode_warns() -> None:
    caffe.set_mode_cpu()
    with pytest.warns(RuntimeWarning, match="no GPU engine"):
        caffe.set_mode_gpu()
