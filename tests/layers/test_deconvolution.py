import numpy as np
import pytest

from cortado.errors import ParameterError, ShapeError
from cortado.testing import check_gradient, make_layer


def text(options: str, outputs: int = 4) -> str:
    return f'type: "Deconvolution" convolution_param {{ num_output: {outputs} {options} }}'


def direct(x, w, b, stride, pad, dilation, groups):
    """Every input pixel times the kernel, added into a padded output."""
    extent = [d * (k - 1) + 1 for d, k in zip(dilation, w.shape[2:], strict=True)]
    full = [s * (n - 1) + e for n, e, s in zip(x.shape[2:], extent, stride, strict=True)]
    outputs = w.shape[1] * groups
    y = np.zeros((len(x), outputs, *full))
    per, inputs = w.shape[1], x.shape[1] // groups
    for n, c, *at in np.ndindex(*x.shape):
        first = c // inputs * per
        window = tuple(slice(p * s, p * s + e, d) for p, s, e, d in zip(at, stride, extent, dilation, strict=True))
        y[(n, slice(first, first + per), *window)] += x[(n, c, *at)] * w[c]
    inside = tuple(slice(p, n - p) for p, n in zip(pad, full, strict=True))
    return y[(slice(None), slice(None), *inside)] + b.reshape(-1, *[1] * len(full))


CASES = [
    ("kernel_size: 3", (1, 2, 3, 4), (1, 1), (0, 0), (1, 1), 1),
    ("kernel_size: 4 stride: 2 pad: 1", (2, 2, 3, 2), (2, 2), (1, 1), (1, 1), 1),
    ("kernel_size: 2 stride: 3 group: 2", (1, 4, 2, 2), (3, 3), (0, 0), (1, 1), 2),
    ("kernel_size: 3 dilation: 2 pad: 1", (1, 2, 3, 3), (1, 1), (1, 1), (2, 2), 1),
    ("kernel_size: 1", (2, 2, 3, 3), (1, 1), (0, 0), (1, 1), 1),
    ("kernel_h: 2 kernel_w: 3 stride_h: 2 stride_w: 1 pad_w: 1", (1, 2, 3, 3), (2, 1), (0, 1), (1, 1), 1),
    ("kernel_size: 3 stride: 2", (2, 2, 4), (2,), (0,), (1,), 1),
]


@pytest.mark.parametrize(("options", "shape", "stride", "pad", "dilation", "groups"), CASES)
def test_forward_is_the_definition(rng, options, shape, stride, pad, dilation, groups):
    x = rng.normal(size=shape)
    run = make_layer(text(options), [x])
    w, b = run.layer.blobs
    assert w.shape[:2] == (shape[1], 4 // groups)
    w.data, b.data = rng.normal(size=w.shape), rng.normal(size=b.shape)
    np.testing.assert_allclose(run.forward()[0], direct(x, w.data, b.data, stride, pad, dilation, groups), atol=1e-12)


@pytest.mark.parametrize(
    ("options", "shape"), [*[case[:2] for case in CASES], ("kernel_size: 2 bias_term: false", (2, 2, 2, 2))]
)
def test_gradient(rng, options, shape):
    check_gradient(text(options), [rng.normal(size=shape)])


def test_two_bottoms(rng):
    check_gradient(text("kernel_size: 2"), [rng.normal(size=(1, 2, 2, 2)), rng.normal(size=(1, 2, 2, 2))])


def test_bilinear_weights_enlarge_a_plane_evenly():
    options = 'group: 2 kernel_size: 4 stride: 2 pad: 1 bias_term: false weight_filler { type: "bilinear" }'
    ramp = np.broadcast_to(np.arange(5.0), (1, 2, 5, 5))
    (y,) = make_layer(text(options, outputs=2), [ramp]).forward()
    assert y.shape == (1, 2, 10, 10)
    np.testing.assert_allclose(np.diff(y[0, 1, 4, 1:-1]), 0.5, atol=1e-12)


def test_refused():
    with pytest.raises(ParameterError, match=r"group must divide num_output \(4\); got 3"):
        make_layer(text("kernel_size: 2 group: 3"), [np.ones((1, 3, 2, 2))])
    with pytest.raises(ShapeError, match="no pixel would be left"):
        make_layer(text("kernel_size: 2 pad: 2"), [np.ones((1, 2, 2, 2))])
