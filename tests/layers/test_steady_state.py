"""After the first pass a layer takes no more memory than NumPy's buffers, which do not grow with the blobs."""

import tracemalloc

import numpy as np
import pytest

from cortado.testing import make_layer

IMAGE = (4, 8, 128, 64)
ROWS = (256, 512)
LAYERS = [
    ('type: "AbsVal"', [IMAGE]),
    ('type: "ArgMax" argmax_param { axis: 1 }', [IMAGE]),
    ('type: "BNLL"', [IMAGE]),
    ('type: "BatchNorm"', [IMAGE]),
    ('type: "BatchNorm" batch_norm_param { use_global_stats: true }', [IMAGE]),
    ('type: "BatchReindex"', [IMAGE, (6,)]),
    ('type: "Bias"', [IMAGE]),
    ('type: "Bias"', [IMAGE, (8, 128)]),
    ('type: "Clip" clip_param { min: -1 max: 1 }', [IMAGE]),
    ('type: "Crop" crop_param { offset: 1 }', [IMAGE, (4, 8, 100, 60)]),
    ('type: "ELU"', [IMAGE]),
    ('type: "Embed" embed_param { input_dim: 4 num_output: 64 }', [ROWS]),
    ('type: "Exp"', [IMAGE]),
    ('type: "Expression" expression_param { formula: "where(x > 0, x, erf(x) / (1 + x^2))" }', [IMAGE]),
    ('type: "Expression" expression_param { formula: "a*x0*sigmoid(x1)^3" scalar { name: "a" } }', [IMAGE, IMAGE]),
    ('type: "Filter"', [IMAGE, (4,)]),
    ('type: "GELU"', [IMAGE]),
    ('type: "GELU" gelu_param { form: TANH }', [IMAGE]),
    ('type: "HardSigmoid"', [IMAGE]),
    ('type: "HardSwish"', [IMAGE]),
    ('type: "LRN"', [IMAGE]),
    ('type: "LRN" lrn_param { norm_region: WITHIN_CHANNEL }', [IMAGE]),
    ('type: "LSTM" recurrent_param { num_output: 64 }', [(4, 256, 64), (4, 256)]),
    ('type: "LSTMUnit" top: "c" top: "h"', [(1, 256, 256), (1, 256, 1024), (1, 256)]),
    ('type: "Log"', [IMAGE]),
    ('type: "LearnedSwish"', [IMAGE]),
    ('type: "MVN"', [IMAGE]),
    ('type: "Maxout"', [IMAGE]),
    ('type: "Mish"', [IMAGE]),
    ('type: "PReLU"', [IMAGE]),
    ('type: "Parameter" parameter_param { shape { dim: 1000 dim: 200 } }', []),
    ('type: "Power" power_param { power: 3 scale: 2 shift: 1 }', [IMAGE]),
    ('type: "RReLU"', [IMAGE]),
    ('type: "RNN" recurrent_param { num_output: 64 }', [(4, 256, 64), (4, 256)]),
    ('type: "Reduction" reduction_param { operation: SUMSQ axis: 1 }', [ROWS]),
    ('type: "Reduction" reduction_param { operation: ASUM }', [ROWS]),
    ('type: "SELU"', [IMAGE]),
    ('type: "SPP" spp_param { pyramid_height: 3 }', [(64, 64, 8, 8)]),
    ('type: "Scale" scale_param { bias_term: true }', [IMAGE]),
    ('type: "Swish"', [IMAGE]),
    ('type: "Threshold"', [IMAGE]),
    ('type: "Tile" tile_param { tiles: 2 }', [ROWS]),
]
IN_PLACE = (
    "BNLL",
    "BatchNorm",
    "Bias",
    "Clip",
    "ELU",
    "Exp",
    "LRN",
    "Log",
    "MVN",
    "PReLU",
    "Power",
    "Scale",
    "Swish",
    "Expression",
    "GELU",
    "HardSigmoid",
    "HardSwish",
    "LearnedSwish",
    "Mish",
    "RReLU",
    "SELU",
)


def cases():
    for text, shapes in LAYERS:
        yield text, shapes, False
        if text.split('"')[1] in IN_PLACE:
            yield text, shapes, True


@pytest.mark.parametrize(("text", "shapes", "in_place"), list(cases()))
def test_no_memory_is_taken_in_later_passes(text, shapes, in_place):
    bottoms = [np.full(shape, 0.75, np.float32) for shape in shapes]
    names = " ".join(f'bottom: "x{i}"' for i in range(len(shapes)))
    top = "" if "top:" in text else f'top: "{"x0" if in_place else "y"}"'
    run = make_layer(f"layer {{ {text} {names} {top} }}", bottoms, dtype=np.float32)
    largest = max(blob.count for blob in (*run.bottom, *run.top)) * 4
    wanted = [True] * len(bottoms)

    def once():
        run.layer.forward(run.bottom, run.top)
        run.layer.backward(run.top, wanted, run.bottom)

    run.forward()
    once()
    tracemalloc.start()
    try:
        once()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200_000 < largest
