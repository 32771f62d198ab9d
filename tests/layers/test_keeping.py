"""Every layer that may run in place gives there the same values and gradients as with a top of its own."""

import numpy as np
import pytest

from cortado.layers import Phase
from cortado.layers.keeping import KeepingLayer
from cortado.layers.lrn import LRN
from cortado.testing import make_layer

LAYERS = [
    'type: "BNLL"',
    'type: "BatchNorm"',
    'type: "Bias" bias_param { filler { value: 2 } }',
    'type: "Clip" clip_param { min: -0.5 max: 0.5 }',
    'type: "ELU"',
    'type: "ELU" elu_param { alpha: -1 }',
    'type: "Exp" exp_param { base: 3 shift: 1 }',
    'type: "LRN"',
    'type: "LRN" lrn_param { norm_region: WITHIN_CHANNEL local_size: 3 }',
    'type: "Log" log_param { shift: 9 }',
    'type: "MVN"',
    'type: "PReLU"',
    'type: "PReLU" prelu_param { filler { value: -2 } }',
    'type: "Power" power_param { power: 2 scale: 3 shift: 1 }',
    'type: "Power" power_param { scale: 3 }',
    'type: "Scale" scale_param { filler { value: 2 } bias_term: true }',
    'type: "Swish"',
    'type: "Threshold"',
]
KEEP_NOTHING = ("BatchNorm", "Bias", "Exp", "MVN", "Threshold")


@pytest.mark.parametrize("text", LAYERS)
@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_in_place_equals_out_of_place(text, phase, dtype):
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(2, 2, 3, 4, 5))
    apart = make_layer(f'layer {{ {text} bottom: "x" top: "y" }}', [x], phase=phase, dtype=dtype)
    inside = make_layer(f'layer {{ {text} bottom: "x" top: "x" }}', [x], phase=phase, dtype=dtype)
    assert inside.top[0] is inside.bottom[0]
    for _ in range(2):  # the second time with buffers in use
        np.testing.assert_array_equal(inside.forward(x)[0], apart.forward(x)[0])
        wanted = [True]
        expected = apart.backward(dy, propagate_down=wanted)[0]
        np.testing.assert_array_equal(inside.backward(dy, propagate_down=wanted)[0], expected)
    for blob, other in zip(inside.layer.blobs, apart.layer.blobs, strict=True):
        np.testing.assert_array_equal(blob.diff, other.diff)
        np.testing.assert_array_equal(blob.data, other.data)


@pytest.mark.parametrize("text", [text for text in LAYERS if text.split('"')[1] not in KEEP_NOTHING])
def test_nothing_is_kept_for_a_layer_that_never_runs_backward(text):
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    run = make_layer(f'layer {{ {text} bottom: "x" top: "x" }}', [x])
    (expected,) = run.forward()
    assert isinstance(run.layer, KeepingLayer)
    lean = make_layer(f'layer {{ {text} bottom: "x" top: "x" }}', [x])
    lean.layer.runs_backward = False
    np.testing.assert_array_equal(lean.forward()[0], expected)
    assert lean.layer._kept.nbytes == 0 or isinstance(run.layer, LRN), "LRN cannot compute in place without a copy"


@pytest.mark.parametrize("text", LAYERS)
def test_larger_and_smaller_batches(text):
    rng = np.random.default_rng(0)
    run = make_layer(f'layer {{ {text} bottom: "x" top: "x" }}', [rng.normal(size=(2, 3, 4, 5))])
    for batch in (2, 5, 1, 3):
        x, dy = rng.normal(size=(2, batch, 3, 4, 5))
        fresh = make_layer(f'layer {{ {text} bottom: "x" top: "y" }}', [x])
        np.testing.assert_array_equal(run.forward(x)[0], fresh.forward()[0])
        dx, expected = (r.backward(dy, propagate_down=[True])[0] for r in (run, fresh))
        np.testing.assert_array_equal(dx, expected)
