"""Deploy: what becomes of data, losses, scores and side branches; same numbers; the preprocessing beside weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cortado.errors import FormatError, NetError
from cortado.netdef import Net
from cortado.netdef.deploy import Deploy, deploy
from cortado.netdef.preprocessing import Preprocessing, beside

DATA = """layer { name: "data" type: "Data" top: "data" top: "label" include { phase: %s }
        transform_param { crop_size: 6 scale: 0.5 mean_value: 104 mean_value: 117 mean_value: 123 %s }
        data_param { source: "nowhere" batch_size: 8 } }
"""
BODY = """layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" param { lr_mult: 1 } param { lr_mult: 2 }
        convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip" inner_product_param { num_output: 5 } }
"""
SCORES = """layer { name: "acc" type: "Accuracy" bottom: "ip" bottom: "label" top: "acc" include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
NET = DATA % ("TRAIN", "mirror: true") + DATA % ("TEST", "") + BODY + SCORES
TARGETS = (
    NET.replace(' top: "label"', "", 2).replace(SCORES, "")
    + """layer { name: "target" type: "DummyData" top: "target" dummy_data_param { shape { dim: 8 dim: 5 } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "target" top: "loss" }
"""
)
SHAPES = {"data": (8, 3, 6, 6), "label": (8,)}


@pytest.fixture
def made(parse: Callable[[str], Any]) -> Callable[..., Deploy]:
    return lambda text, **options: deploy(parse(text), **options)


def types(result: Deploy) -> list[str]:
    return [layer.type for layer in result.message.layer]


def test_data_and_loss_are_replaced(made: Callable[..., Deploy]) -> None:
    result = made(NET, shapes=SHAPES)
    assert types(result) == ["Input", "Convolution", "ReLU", "InnerProduct", "Softmax"]
    first, conv, *_, last = result.message.layer
    assert list(first.input_param.shape[0].dim) == [1, 3, 6, 6]
    assert not conv.param
    assert not conv.convolution_param.HasField("weight_filler")
    assert (last.name, list(last.bottom), list(last.top)) == ("prob", ["ip"], ["prob"])
    assert result.preprocessing == Preprocessing(crop=6, scale=0.5, mean=[104, 117, 123], channels="BGR")
    assert Net(result.message).outputs == ["prob"]


def test_the_shape_must_be_known(made: Callable[..., Deploy]) -> None:
    with pytest.raises(NetError, match=r"shape of 'data' is only known .*--shape data="):
        made(NET.replace("crop_size: 6", ""))


def test_the_batch(made: Callable[..., Deploy]) -> None:
    assert list(made(NET, shapes=SHAPES, batch=None).message.layer[0].input_param.shape[0].dim) == [8, 3, 6, 6]


def test_the_same_numbers(make: Callable[..., Net], parse: Callable[[str], Any]) -> None:
    text = (
        """layer { name: "data" type: "DummyData" top: "data" dummy_data_param {
            shape { dim: 2 dim: 3 dim: 6 dim: 6 } data_filler { type: "gaussian" } } }
        layer { name: "label" type: "DummyData" top: "label" dummy_data_param { shape { dim: 2 } } }
        """
        + BODY
        + SCORES
    )
    trained = make(text)
    trained.forward()
    use = Net(deploy(parse(NET), shapes=SHAPES).message)
    use.share_params_with(trained)
    prob = use(data=trained.blobs["data"].data)["prob"]
    top = next(step.bottom[0].data for step in trained.steps if step.layer.name == "loss")
    wanted = np.exp(top) / np.exp(top).sum(1, keepdims=True)
    np.testing.assert_allclose(prob, wanted, rtol=1e-5)


def test_sigmoid_loss(made: Callable[..., Deploy]) -> None:
    text = TARGETS.replace("SoftmaxWithLoss", "SigmoidCrossEntropyLoss").replace(
        'type: "Accuracy"', 'type: "EuclideanLoss"'
    )
    assert types(made(text, shapes={"data": (8, 3, 6, 6)}))[-1] == "Sigmoid"


def test_regression_keeps_the_bottom(made: Callable[..., Deploy]) -> None:
    text = TARGETS.replace("SoftmaxWithLoss", "EuclideanLoss")
    result = made(text, shapes={"data": (8, 3, 6, 6)})
    assert types(result)[-1] == "InnerProduct"
    assert "EuclideanLoss layer 'loss' left out" in result.notes


def test_what_needs_a_label_goes(made: Callable[..., Deploy]) -> None:
    text = (
        NET
        + """layer { name: "s" type: "Silence" bottom: "label" }
        layer { name: "am" type: "ArgMax" bottom: "ip" top: "am" }"""
    )
    assert types(made(text, shapes=SHAPES)) == ["Input", "Convolution", "ReLU", "InnerProduct", "Softmax", "ArgMax"]


def test_side_branches_go(made: Callable[..., Deploy]) -> None:
    text = (
        NET
        + """layer { name: "side" type: "InnerProduct" bottom: "conv" top: "side"
            inner_product_param { num_output: 5 } }
        layer { name: "aux" type: "SoftmaxWithLoss" bottom: "side" bottom: "label" top: "aux" loss_weight: 0.3 }"""
    )
    assert types(made(text, shapes=SHAPES)) == ["Input", "Convolution", "ReLU", "InnerProduct", "Softmax"]


def test_shared_parameters_keep_their_names(made: Callable[..., Deploy]) -> None:
    text = NET.replace("param { lr_mult: 1 }", 'param { name: "w" lr_mult: 1 }')
    params = made(text, shapes=SHAPES).message.layer[1].param
    assert [(p.name, p.HasField("lr_mult")) for p in params] == [("w", False), ("", False)]


def test_a_deploy_net_is_left_as_it_is(made: Callable[..., Deploy]) -> None:
    once = made(NET, shapes=SHAPES).message
    assert deploy(once).message == once


def test_preprocessing_file(tmp_path: Path) -> None:
    one = Preprocessing(resize=[8, 9], crop=6, mean=[1.5], scale=0.25, channels="RGB", labels=["a", "b"])
    path = beside(tmp_path / "net_iter_10.caffemodel")
    assert path.name == "net_iter_10.preprocessing.json"
    one.save(path)
    assert Preprocessing.load(path) == one
    path.write_text('{"crop": 3, "chanels": "RGB"}')
    with pytest.raises(FormatError, match="chanels"):
        Preprocessing.load(path)
    path.write_text('{"channels": "XYZ"}')
    with pytest.raises(FormatError, match="XYZ"):
        Preprocessing.load(path)
