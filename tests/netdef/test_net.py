"""The executable net."""

from __future__ import annotations

import numpy as np
import pytest

import cortado
from cortado import NetError, Phase, ShapeError

IP = """layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } bias_filler { type: "constant" value: 1 } } }
layer { name: "s" type: "Sigmoid" bottom: "y" top: "y" }
"""


def test_a_net_is_called_with_arrays(make, head: str) -> None:
    net = make(head + IP)
    x = np.linspace(-1, 1, 6).reshape(2, 3).astype(np.float32)
    out = net(x=x)
    w, b = (blob.data for blob in net.params["ip"])
    np.testing.assert_allclose(out["y"], 1 / (1 + np.exp(-(x @ w.T + b))), rtol=1e-5)
    out["y"][...] = 0
    assert net.blobs["y"].data.any(), "outputs are copies"


def test_another_batch_size_reshapes(make, head: str) -> None:
    net = make(head + IP)
    assert net(x=np.zeros((5, 3)))["y"].shape == (5, 4)
    assert net(x=np.zeros((0, 3)))["y"].shape == (0, 4)
    assert net(x=np.zeros((2, 3)))["y"].shape == (2, 4)


def test_a_shape_that_does_not_fit_names_layer_and_line(make, head: str) -> None:
    net = make(head + IP)
    with pytest.raises(ShapeError, match=r"net\.prototxt:2:1: layer 'ip' \(InnerProduct\)"):
        net(x=np.zeros((2, 7)))


def test_unknown_names_are_answered_with_the_nearest(make, head: str) -> None:
    net = make(head + IP)
    with pytest.raises(NetError, match=r"no blob 'z'"):
        net(z=np.zeros(1))
    with pytest.raises(NetError, match=r"has no layer 'ip1' \(did you mean 'ip'\?\)"):
        net.layer_index("ip1")


def test_the_seed_repeats_a_net_and_layers_have_streams_of_their_own(make, head: str) -> None:
    first, again, other = make(head + IP), make(head + IP), make(head + IP, seed=2)
    extra = make(head + 'layer { name: "q" type: "InnerProduct" bottom: "x" top: "q" '
                 'inner_product_param { num_output: 2 weight_filler { type: "gaussian" } } }' + IP)  # fmt: skip
    weights = [net.params["ip"][0].data for net in (first, again, other, extra)]
    assert (weights[0] == weights[1]).all()
    assert (weights[0] != weights[2]).any()
    assert (weights[0] == weights[3]).all(), "another layer before it changes nothing"


def test_float64(make, head: str) -> None:
    net = make(head + IP, dtype=np.float64)
    assert net(x=np.zeros((2, 3)))["y"].dtype == np.float64


def test_loss_is_weighted_and_partial_runs_add_up(make, head: str) -> None:
    text = head + 'layer { name: "p" type: "Power" bottom: "x" top: "p" loss_weight: 2 power_param { power: 2 } }'
    net = make(text, Phase.TRAIN)
    net.blobs["x"].data[...] = 3
    assert net.forward() == 2 * 9 * 6
    assert net.forward(1, 1) == 2 * 9 * 6
    assert net.forward(0, 0) == 0
    assert (net.blobs["p"].diff == 2).all()


def test_callbacks_see_every_layer(make, head: str) -> None:
    net = make(head + IP)
    seen: list[tuple[str, int]] = []
    net.before_forward.append(lambda i: seen.append(("before", i)))
    net.after_forward.append(lambda i: seen.append(("after", i)))
    net.forward()
    assert seen == [(when, i) for i in range(3) for when in ("before", "after")]


def test_building_takes_no_memory(make) -> None:
    text = """layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 64 dim: 3 dim: 512 dim: 512 } } }
    layer { name: "c" type: "Convolution" bottom: "x" top: "c"
      convolution_param { num_output: 4096 kernel_size: 7 pad: 3 weight_filler { type: "msra" } } }
    layer { name: "r" type: "ReLU" bottom: "c" top: "c" }
    layer { name: "f" type: "InnerProduct" bottom: "c" top: "f" inner_product_param { num_output: 512 } }"""
    net = make(text)
    assert net.blobs["c"].count == 64 * 4096 * 512 * 512
    assert sum(blob.nbytes for blob in net.blob_list) == 0
    assert all(blob.nbytes == 0 for blobs in net.params.values() for blob in blobs)


def test_a_net_is_made_from_a_path_a_message_and_a_document(tmp_path, parse, head: str) -> None:
    document = parse(head + IP)
    path = tmp_path / "net.prototxt"
    path.write_text(head + IP)
    nets = [cortado.Net(source, seed=3) for source in (path, str(path), document, document.message)]
    assert len({net.params["ip"][0].data.tobytes() for net in nets}) == 1
    with pytest.raises(cortado.FileError, match="a net is named by"):
        cortado.Net(3)
    with pytest.raises(cortado.FileError, match="No such file"):
        cortado.Net(tmp_path / "absent.prototxt")


def test_nets_share_parameters(make, head: str) -> None:
    train, test = make(head + IP, Phase.TRAIN), make(head + IP, seed=9)
    test.share_params_with(train)
    train.params["ip"][0].data[...] = 5
    assert (test.params["ip"][0].data == 5).all()
    wide = make(head + IP.replace("num_output: 4", "num_output: 5"))
    with pytest.raises(cortado.WeightsError, match="need equal shapes"):
        wide.share_params_with(train)


def test_a_layers_phase_may_differ_from_the_nets(make, head: str) -> None:
    text = head + 'layer { name: "d" type: "Dropout" bottom: "x" top: "d" phase: TEST }'
    net = make(text, Phase.TRAIN)
    x = np.ones((2, 3))
    assert (net(x=x)["d"] == x).all()
