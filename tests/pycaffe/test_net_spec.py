"""NetSpec: the nets it writes; coord_map: known maps of FCN-like nets."""

from __future__ import annotations

import numpy as np
import pytest

import cortado.pycaffe as caffe
from cortado.errors import NetError, ParameterError
from cortado.netdef import Net
from cortado.proto import format_text, parse_net
from cortado.pycaffe import NetSpec, coord_map, draw, layers as L, params as P, to_proto  # noqa: N812 - their usual names

LENET = """layer { name: "data" type: "Data" top: "data" top: "label" transform_param { scale: 0.00390625 }
        data_param { source: "db" batch_size: 64 backend: LMDB } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" param { lr_mult: 1 } param { lr_mult: 2 }
        convolution_param { num_output: 20 kernel_size: 5 weight_filler { type: "xavier" } } }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
        pooling_param { kernel_size: 2 stride: 2 pool: MAX } }
layer { name: "ip1" type: "InnerProduct" bottom: "pool1" top: "ip1"
        inner_product_param { num_output: 500 weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip1" bottom: "label" top: "loss" }
"""


def lenet() -> NetSpec:
    n = NetSpec()
    n.data, n.label = L.Data(source="db", backend=P.Data.LMDB, batch_size=64, ntop=2,
                             transform_param={"scale": 1 / 256})  # fmt: skip
    n.conv1 = L.Convolution(n.data, kernel_size=5, num_output=20, weight_filler={"type": "xavier"},
                            param=[{"lr_mult": 1}, {"lr_mult": 2}])  # fmt: skip
    n.pool1 = L.Pooling(n.conv1, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.ip1 = L.InnerProduct(n.pool1, num_output=500, weight_filler={"type": "xavier"})
    n.relu1 = L.ReLU(n.ip1, in_place=True)
    n.loss = L.SoftmaxWithLoss(n.relu1, n.label)
    return n


def test_lenet() -> None:
    wanted = parse_net(LENET, "lenet.prototxt").message
    assert format_text(lenet().to_proto()) == format_text(wanted)
    assert parse_net(str(lenet().to_proto()), "x").message == wanted


def test_names_are_made_up() -> None:
    x = L.Input(shape={"dim": [2, 3]})
    y = L.InnerProduct(L.InnerProduct(x, num_output=4), num_output=5, name="last")
    message = to_proto(y)
    assert [layer.name for layer in message.layer] == ["Input1", "InnerProduct1", "last"]
    assert list(message.layer[2].top) == ["InnerProduct2"]
    assert Net(message).outputs == ["InnerProduct2"]


def test_layers_without_tops_and_items() -> None:
    n = NetSpec()
    n["data"] = L.Input(shape=[{"dim": [1]}])
    n.silence = L.Silence(n["data"], ntop=0)
    assert [(one.name, one.type) for one in n.to_proto().layer] == [("data", "Input"), ("silence", "Silence")]
    del n.silence
    assert len(n.to_proto().layer) == 1


def test_a_layer_with_another_layers_parameters() -> None:
    n = NetSpec()
    n.data = L.Input(shape={"dim": [1, 2, 4, 4]})
    n.up = L.Deconvolution(n.data, num_output=2, kernel_size=4, stride=2)
    assert n.to_proto().layer[1].convolution_param.num_output == 2


def test_errors() -> None:
    with pytest.raises(ParameterError, match=r"no parameter 'num_outputs'.*did you mean 'num_output'"):
        to_proto(L.InnerProduct(L.Input(), num_outputs=3))
    with pytest.raises(ParameterError, match="inputs of ReLU are tops"):
        L.ReLU("data")
    with pytest.raises(AttributeError, match="MAX"):
        _ = P.Pooling.MX
    with pytest.raises(AttributeError, match="did you mean 'data'"):
        _ = lenet().dat
    with pytest.raises(ParameterError, match="does not take"):
        to_proto(L.InnerProduct(L.Input(), num_output="many"))


def test_param_names() -> None:
    from cortado.netdef.spec import param_name_dict

    names = param_name_dict()
    assert names["Convolution"] == "convolution"
    assert names["LRN"] == "lrn"
    assert names["InnerProduct"] == "inner_product"


# -- coord_map ----------------------------------------------------------------------------------------------------


def fcn() -> NetSpec:
    n = NetSpec()
    n.data = L.Input(shape={"dim": [1, 3, 64, 64]})
    n.conv = L.Convolution(n.data, kernel_size=3, num_output=4, pad=10)
    n.pool = L.Pooling(n.conv, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.score = L.Convolution(n.pool, kernel_size=1, num_output=2)
    n.up = L.Deconvolution(n.score, convolution_param={"num_output": 2, "kernel_size": 4, "stride": 2})
    return n


def test_single_maps() -> None:
    n = fcn()
    assert coord_map.coord_map(n.conv.fn)[1:] == (1, 9)
    assert coord_map.coord_map(n.pool.fn)[1:] == (0.5, -0.25)
    assert coord_map.coord_map(n.up.fn)[1:] == (2, 1.5)
    assert coord_map.coord_map(L.ReLU(n.conv).fn) == (None, 1, 0)
    with pytest.raises(coord_map.UndefinedMapException):
        coord_map.coord_map(L.InnerProduct(n.conv, num_output=3).fn)


def test_crop_of_an_fcn() -> None:
    n = fcn()
    axis, a, b = coord_map.coord_map_from_to(n.up, n.data)
    assert (axis, float(a)) == (1, 1)
    assert float(np.ravel(b)[0]) == -10.0
    n.out = coord_map.crop(n.up, n.data)
    message = n.to_proto()
    assert message.layer[-1].crop_param.axis == 2
    assert list(message.layer[-1].crop_param.offset) == [10]
    assert Net(message).blobs["out"].shape == (1, 2, 64, 64)


def test_maps_that_are_none() -> None:
    n = fcn()
    with pytest.raises(NetError, match="connected"):
        coord_map.coord_map_from_to(n.up, L.Input(shape={"dim": [1]}))
    with pytest.raises(NetError, match="scale 1"):
        coord_map.crop(n.pool, n.data)
    with pytest.raises(coord_map.AxisMismatchException):
        coord_map.compose((1, 1, 0), (2, 1, 0))
    assert coord_map.compose((None, 1, 0), (2, 3, 4)) == (2, 3, 4)
    assert coord_map.inverse((1, 2, 4)) == (1, 0.5, -2)


def test_draw() -> None:
    picture = draw.draw_net(fcn().to_proto(), "LR", "svg")
    assert b"Deconvolution 2, 4x4 /2" in picture


def test_everything_is_in_the_package() -> None:
    for name in ("Classifier", "Detector", "io", "layers", "params", "NetSpec", "to_proto", "proto"):
        assert hasattr(caffe, name)
    assert caffe.proto.caffe_pb2.TEST == caffe.TEST
