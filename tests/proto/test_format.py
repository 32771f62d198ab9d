from __future__ import annotations

import struct

import pytest

from cortado.proto import Addition, Schema, enum, field, format_text

STOCK = Schema.stock()
WANT = """name: "caf\u00e9 \\"x\\"\\n\\\\"
layer {
  name: "conv"
  type: "Convolution"
  param { lr_mult: 1 decay_mult: 0 }
  include { phase: TRAIN }
  convolution_param {
    num_output: 20
    bias_term: false
    kernel_size: 3
    kernel_size: 5
    weight_filler { type: "gaussian" std: 0.01 }
    bias_filler { }
  }
}
"""


def test_a_net_reads_well() -> None:
    net = STOCK.NetParameter(name='caf\u00e9 "x"\n\\')
    layer = net.layer.add(name="conv", type="Convolution")
    layer.param.add(lr_mult=1, decay_mult=0)
    layer.include.add(phase=0)
    param = layer.convolution_param
    param.num_output, param.bias_term = 20, False
    param.kernel_size.extend([3, 5])
    param.weight_filler.type, param.weight_filler.std = "gaussian", 0.01
    param.bias_filler.SetInParent()
    assert format_text(net) == WANT


def test_an_empty_message_is_an_empty_text() -> None:
    assert format_text(STOCK.NetParameter()) == ""


def test_long_groups_are_broken() -> None:
    layer = STOCK.LayerParameter()
    layer.include.add(stage=["a" * 30, "b" * 30])
    assert format_text(layer) == f'include {{\n  stage: "{"a" * 30}"\n  stage: "{"b" * 30}"\n}}\n'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *[(0.1, "0.1"), (1.0, "1"), (1e-5, "1e-05"), (0.00390625, "0.00390625"), (16777216.0, "16777216")],
        *[(float("inf"), "inf"), (float("nan"), "nan"), (-0.0, "-0"), (1 / 3, "0.33333334"), (3e38, "3e+38")],
    ],
)
def test_floats_take_the_fewest_digits_that_give_them_back(value: float, text: str) -> None:
    net = STOCK.LayerParameter(loss_weight=[value])
    assert format_text(net) == f"loss_weight: {text}\n"
    back = struct.pack("<f", float(text))
    assert back == struct.pack("<f", value)


def test_doubles_and_bytes_and_control_characters() -> None:
    blob = STOCK.BlobProto(double_data=[0.1, 2.0, 1e-300])
    assert format_text(blob) == "double_data: 0.1\ndouble_data: 2\ndouble_data: 1e-300\n"
    assert format_text(STOCK.Datum(data=b"\x00a\xff'")) == 'data: "\\000a\\377\'"\n'
    assert format_text(STOCK.NetParameter(name="\x7f\u2028")) == 'name: "\\177\\342\\200\\250"\n'


def test_values_of_an_extended_enum() -> None:
    more = Addition("m", enums=(enum("K", A=0),), fields={"NetParameter": (field("k", 50, "K"),)})
    net = Schema.compose([more]).NetParameter()
    net.k = 0  # type: ignore[attr-defined]
    assert format_text(net) == "k: A\n"
