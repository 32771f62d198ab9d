"""Layers in place never spoil what another layer's backward pass needs."""

from __future__ import annotations

import numpy as np
import pytest

from cortado import Phase

HEAD = """force_backward: true
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 4 dim: 4 } } }
layer { name: "s" type: "Power" bottom: "x" top: "a" power_param { scale: 0.7 shift: 0.1 } }
"""
FIRST = {
    "Sigmoid": "",
    "TanH": "",
    "ELU": "",
    "Exp": "",
    "Swish": "",
    "Softmax": "",
    "LRN": "lrn_param { alpha: 0.5 }",
    "MVN": "",
    "ReLU": "relu_param { negative_slope: 0.1 }",
    "BNLL": "",
    "PReLU": "",
    "Log": "log_param { shift: 9 }",
    "Power": "power_param { power: 2 }",
    "Scale": 'scale_param { filler { type: "gaussian" } }',
    "BatchNorm": "",
    "Clip": "clip_param { min: -0.5 max: 0.5 }",
}


def net_text(kind: str, param: str, top: str, after: str) -> str:
    return (
        f'{HEAD}layer {{ name: "f" type: "{kind}" bottom: "a" top: "{top}" {param} }}\n'
        f'layer {{ name: "g" type: "Power" bottom: "{top}" top: "{after}" power_param {{ scale: -2 shift: 0.3 }} }}\n'
    )


def gradient(make, text: str, out: str) -> np.ndarray:
    net = make(text, Phase.TRAIN, dtype=np.float64)
    rng = np.random.default_rng(0)
    net.blobs["x"].data[...] = rng.normal(size=(2, 3, 4, 4))
    net.forward()
    net.blobs[out].diff[...] = rng.normal(size=(2, 3, 4, 4))
    net.backward()
    return net.blobs["x"].diff.copy()


@pytest.mark.parametrize("kind", list(FIRST))
def test_gradients_are_those_of_the_net_without_in_place(kind: str, make) -> None:
    want = gradient(make, net_text(kind, FIRST[kind], "b", "c"), "c")
    np.testing.assert_allclose(gradient(make, net_text(kind, FIRST[kind], "b", "b"), "b"), want)
    np.testing.assert_allclose(gradient(make, net_text(kind, FIRST[kind], "a", "a"), "a"), want)


def test_only_what_would_be_spoilt_gets_a_blob_of_its_own(make) -> None:
    text = HEAD + 'layer { name: "r" type: "ReLU" bottom: "a" top: "a" }'
    chain = text + 'layer { name: "d" type: "Dropout" bottom: "a" top: "a" }'
    net = make(chain, Phase.TRAIN)
    assert net.steps[2].top[0] is net.steps[3].top[0], "dropout keeps the sign that ReLU needs"
    spoilt = make(text + 'layer { name: "p" type: "Power" bottom: "a" top: "a" }', Phase.TRAIN)
    assert spoilt.steps[2].top[0] is not spoilt.steps[3].top[0]
    assert spoilt.blobs["a"] is spoilt.steps[3].top[0]
    assert list(spoilt.blobs) == ["x", "a"]


def test_a_net_that_is_only_tested_saves_the_memory(make) -> None:
    text = HEAD.replace("force_backward: true", "")
    text += 'layer { name: "r" type: "Sigmoid" bottom: "a" top: "a" }'
    text += 'layer { name: "p" type: "Power" bottom: "a" top: "a" }'
    assert len(make(text, Phase.TEST).blob_list) == 2
    assert len(make(text, Phase.TRAIN).blob_list) == 3
