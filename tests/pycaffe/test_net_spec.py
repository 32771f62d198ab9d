"""NetSpec: the nets it writes; coord_map: known maps of FCN-like nets."""

from __future__ import annotations

import numpy as np
import pytest

import cortado.pycaffe as caffe
from cortado.errors import NetError, ParameterError
from cortado.netdef import Net
from cortado.plugins import plugin_manager
from cortado.plugins.dialects import parse_net_text
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


# -- layers of forks ----------------------------------------------------------------------------------------------

SSD = """layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "norm" type: "Normalize" bottom: "data" top: "norm"
        norm_param { across_spatial: false scale_filler { type: "constant" value: 20 } } }
layer { name: "conv" type: "Convolution" bottom: "norm" top: "conv" param { lr_mult: 2 }
        convolution_param { num_output: 4 kernel_size: 3 pad: 1 } }
layer { name: "priors" type: "PriorBox" bottom: "conv" bottom: "data" top: "priors"
        prior_box_param { min_size: 3 aspect_ratio: 2 aspect_ratio: 3 variance: [0.1, 0.1, 0.2, 0.2] offset: 0.5 } }
layer { name: "turned" type: "Permute" bottom: "conv" top: "turned" permute_param { order: [0, 2, 3, 1] } }
"""


def ssd() -> NetSpec:
    n = NetSpec()
    n.data = L.Input(shape={"dim": [1, 3, 8, 8]})
    n.norm = L.Normalize(n.data, across_spatial=False, scale_filler={"type": "constant", "value": 20})
    n.conv = L.Convolution(n.norm, num_output=4, kernel_size=3, pad=1, param={"lr_mult": 2})
    n.priors = L.PriorBox(n.conv, n.data, min_size=3, aspect_ratio=[2, 3], variance=np.array([0.1, 0.1, 0.2, 0.2]),
                          offset=0.5)  # fmt: skip
    n.turned = L.Permute(n.conv, order=[0, 2, 3, 1])
    return n


def test_layers_of_a_fork() -> None:
    made = ssd().to_proto()
    read = parse_net_text(SSD, "ssd.prototxt", plugin_manager()).message
    assert format_text(made) == format_text(read)
    assert parse_net_text(str(made), "made", plugin_manager()).message == read
    assert Net(made).blobs["priors"].shape == Net(read).blobs["priors"].shape == (1, 2, 5 * 64 * 4)
    assert Net(made).blobs["turned"].shape == (1, 8, 8, 4)


def test_fields_that_forks_add_to_stock_layers_and_messages() -> None:
    n = NetSpec()
    n.x = L.Input(shape={"dim": [1, 3, 8, 8]})
    n.mask, n.y = L.Pooling(n.x, pool=P.Pooling.MAX, kernel_size=2, stride=2, ntop=2)
    n.up = L.Upsample(n.mask, n.y, scale=2)
    n.other = L.ReLU(n.x, engine=P.ReLU.CAFFE)
    assert n.to_proto().layer[2].upsample_param.scale == 2
    n.resized = L.Interp(n.x, interp_param={"zoom_factor": 2})
    assert n.to_proto().layer[4].interp_param.zoom_factor == 2
    text = str(n.to_proto())
    assert format_text(parse_net_text(text, "n", plugin_manager()).message) == format_text(n.to_proto())


def test_constants_of_forks_and_what_no_fork_has() -> None:
    assert P.PriorBox.CENTER_SIZE == 2
    with pytest.raises(AttributeError, match="did you mean 'CENTER_SIZE'"):
        _ = P.PriorBox.CENTRE_SIZE
    with pytest.raises(ParameterError, match=r"PriorBox has no parameter 'min_sizes'.*did you mean 'min_size'"):
        to_proto(L.PriorBox(L.Input(), L.Input(), min_sizes=3))
    with pytest.raises(ParameterError, match="Nowhere has no parameter 'min_size'"):
        to_proto(L.Nowhere(L.Input(), min_size=3))
