"""Summary: parameters and multiply-adds of nets whose numbers are published, shapes, and what it does not touch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cortado.errors import NetError, ShapeError
from cortado.layers import Phase
from cortado.netdef.summary import Summary, by, summarize

LENET = """name: "LeNet"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 28 dim: 28 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
        convolution_param { num_output: 20 kernel_size: 5 } }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
        pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2"
        convolution_param { num_output: 50 kernel_size: 5 } }
layer { name: "pool2" type: "Pooling" bottom: "conv2" top: "pool2"
        pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "ip1" type: "InnerProduct" bottom: "pool2" top: "ip1" inner_product_param { num_output: 500 } }
layer { name: "relu1" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2" inner_product_param { num_output: 10 } }
layer { name: "prob" type: "Softmax" bottom: "ip2" top: "prob" }
"""
DATA = 'layer { name: "d" type: "Data" top: "x" top: "y" data_param { source: "none" batch_size: 4 } }\n'


@pytest.fixture
def told(parse: Callable[[str], Any]) -> Callable[..., Summary]:
    return lambda text, *args, **options: summarize(parse(text), *args, **options)


def test_lenet(told: Callable[..., Summary]) -> None:
    found = told(LENET)
    assert found.parameters == 431_080
    rows = {row.name: row for row in found.layers}
    assert rows["conv1"].macs == 24 * 24 * 20 * 25
    assert rows["conv2"].macs == 8 * 8 * 50 * 20 * 25
    assert rows["ip1"].macs == 800 * 500
    assert rows["pool1"].macs == 0
    assert found.macs == 288_000 + 1_600_000 + 400_000 + 5_000
    assert rows["conv2"].tops[0].shape == (1, 50, 8, 8)
    assert rows["conv2"].params == [(50, 20, 5, 5), (50,)]
    assert rows["relu1"].in_place
    assert rows["relu1"].bytes == 0
    assert rows["ip1"].bytes == 2000


def test_groups_deconvolution_and_recurrent_layers(told: Callable[..., Summary]) -> None:
    found = told(
        """layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 4 dim: 5 dim: 5 } } }
        layer { name: "g" type: "Convolution" bottom: "x" top: "g"
                convolution_param { num_output: 6 kernel_size: 3 group: 2 } }
        layer { name: "d" type: "Deconvolution" bottom: "x" top: "d"
                convolution_param { num_output: 3 kernel_size: 2 stride: 2 } }
        layer { name: "s" type: "Input" top: "s" input_param { shape { dim: 3 dim: 2 dim: 5 } } }
        layer { name: "c" type: "Input" top: "c" input_param { shape { dim: 3 dim: 2 } } }
        layer { name: "l" type: "LSTM" bottom: "s" bottom: "c" top: "l" recurrent_param { num_output: 7 } }"""
    )
    rows = {row.name: row for row in found.layers}
    assert rows["g"].macs == 2 * 6 * 3 * 3 * (2 * 9)
    assert rows["d"].macs == 2 * 4 * 5 * 5 * (3 * 4)
    assert rows["l"].macs == 3 * 2 * (4 * 7 * 5 + 4 * 7 * 7)


def test_splits_are_left_out(told: Callable[..., Summary], head: str) -> None:
    found = told(
        head
        + """layer { name: "a" type: "AbsVal" bottom: "x" top: "a" }
        layer { name: "e" type: "Eltwise" bottom: "a" bottom: "x" top: "e" }"""
    )
    assert [row.name for row in found.layers] == ["in", "a", "e"]
    assert [blob.name for blob in found.layers[2].bottoms] == ["a", "x"]
    assert sorted(found.edges) == [(0, 0, 1, 0), (0, 0, 2, 1), (1, 0, 2, 0)]


def test_unknown_shapes_can_be_given(told: Callable[..., Summary]) -> None:
    text = DATA + 'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "i" inner_product_param { num_output: 3 } }'
    found = told(text)
    assert found.unknown == ["d", "ip"]
    assert found.layers[1].macs is None
    assert by(found.layers[1].tops[0].shape) == "?"
    given = told(text, shapes={"x": (4, 1, 2, 2), "y": (4,)})
    assert given.layers[1].macs == 4 * 4 * 3
    with pytest.raises(NetError, match="no blob 'z'"):
        told(text, shapes={"z": (1,)})


def test_phase_falls_back_to_train(told: Callable[..., Summary], head: str) -> None:
    text = 'layer { name: "in" type: "Input" top: "x" include { phase: TRAIN } input_param { shape { dim: 2 } } }'
    assert told(text).state.phase is Phase.TRAIN
    assert told(head).state.phase is Phase.TEST


def test_shared_parameters_count_once(told: Callable[..., Summary], head: str) -> None:
    layer = """layer { name: "%s" type: "InnerProduct" bottom: "x" top: "%s" param { name: "w" }
               inner_product_param { num_output: 4 bias_term: false } }"""
    found = told(head + layer % ("a", "a") + layer % ("b", "b"))
    assert [row.parameters for row in found.layers] == [0, 12, 0]


def test_errors_are_those_of_building(told: Callable[..., Summary], head: str) -> None:
    with pytest.raises(ShapeError):
        told(
            head
            + 'layer { name: "in2" type: "Input" top: "z" input_param { shape { dim: 7 dim: 3 dim: 2 } } }'
            + 'layer { name: "e" type: "Eltwise" bottom: "x" bottom: "z" top: "e" }'
        )


def test_no_memory_is_taken(told: Callable[..., Summary]) -> None:
    import tracemalloc

    text = """layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 512 dim: 3 dim: 224 dim: 224 } } }
        layer { name: "c" type: "Convolution" bottom: "x" top: "c"
                convolution_param { num_output: 64 kernel_size: 3 } }"""
    told(text)
    tracemalloc.start()
    told(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 2**20
