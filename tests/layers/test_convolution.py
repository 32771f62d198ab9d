from itertools import product

import numpy as np
import pytest

from cortado.errors import ParameterError, ShapeError
from cortado.testing import check_gradient, make_layer


def text(options: str, outputs: int = 4) -> str:
    return f'type: "Convolution" convolution_param {{ num_output: {outputs} {options} }}'


def direct(x, w, b, stride, pad, dilation, groups):
    """The sum in the definition, term by term."""
    spatial = x.ndim - 2
    padded = np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in pad]])
    extent = [d * (k - 1) + 1 for d, k in zip(dilation, w.shape[2:], strict=True)]
    out = [(n - e) // s + 1 for n, e, s in zip(padded.shape[2:], extent, stride, strict=True)]
    y = np.zeros((len(x), len(w), *out))
    per, inputs = len(w) // groups, x.shape[1] // groups
    for o, at in product(range(len(w)), np.ndindex(*out)):
        first = o // per * inputs
        window = tuple(slice(at[i] * stride[i], at[i] * stride[i] + extent[i], dilation[i]) for i in range(spatial))
        part = padded[(slice(None), slice(first, first + inputs), *window)]
        y[(slice(None), o, *at)] = (part * w[o]).reshape(len(x), -1).sum(axis=1) + b[o]
    return y


CASES = [
    # options, bottom, stride, pad, dilation, groups
    ("kernel_size: 3", (2, 2, 6, 5), (1, 1), (0, 0), (1, 1), 1),
    ("kernel_size: 1", (2, 2, 3, 4), (1, 1), (0, 0), (1, 1), 1),
    ("kernel_size: 3 stride: 2 pad: 1", (1, 4, 6, 7), (2, 2), (1, 1), (1, 1), 1),
    ("kernel_size: 3 pad: 2 dilation: 2 group: 2", (1, 4, 6, 7), (1, 1), (2, 2), (2, 2), 2),
    ("kernel_size: 2 group: 4", (2, 4, 3, 3), (1, 1), (0, 0), (1, 1), 4),
    ("kernel_h: 2 kernel_w: 3 stride_h: 1 stride_w: 2 pad_w: 1", (1, 2, 5, 6), (1, 2), (0, 1), (1, 1), 1),
    ("kernel_size: 2 kernel_size: 3 pad: 1 pad: 0 dilation: 1 dilation: 2", (1, 2, 5, 6), (1, 1), (1, 0), (1, 2), 1),
    ("kernel_size: 3 stride: 2", (2, 2, 9), (2,), (0,), (1,), 1),
    ("kernel_size: 2 pad: 1 force_nd_im2col: true", (1, 2, 3, 2, 3), (1,) * 3, (1,) * 3, (1,) * 3, 1),
]


@pytest.mark.parametrize(("options", "shape", "stride", "pad", "dilation", "groups"), CASES)
def test_forward_is_the_definition(rng, options, shape, stride, pad, dilation, groups):
    x = rng.normal(size=shape)
    run = make_layer(text(options), [x])
    w, b = run.layer.blobs
    w.data, b.data = rng.normal(size=w.shape), rng.normal(size=b.shape)
    np.testing.assert_allclose(run.forward()[0], direct(x, w.data, b.data, stride, pad, dilation, groups), atol=1e-12)


GRADIENTS = [*[(options, shape) for options, shape, *_ in CASES], ("kernel_size: 2 bias_term: false", (2, 2, 3, 3))]


@pytest.mark.parametrize(("options", "shape"), GRADIENTS)
def test_gradient(rng, options, shape):
    check_gradient(text(options), [rng.normal(size=shape)])


def test_several_bottoms_share_the_weights(rng):
    first, second = rng.normal(size=(1, 2, 3, 3)), rng.normal(size=(1, 2, 3, 3))
    run = make_layer(text("kernel_size: 2"), [first, second])
    run.layer.blobs[0].data = rng.normal(size=(4, 2, 2, 2))
    both = run.forward()
    np.testing.assert_array_equal(run.forward(second, first), both[::-1])
    check_gradient(text("kernel_size: 2"), [first, second])


def test_only_the_wanted_bottoms_get_a_gradient(rng):
    run = make_layer(text("kernel_size: 2"), [rng.normal(size=(1, 2, 3, 3))] * 2)
    tops = run.forward()
    for blob in run.bottom:
        blob.diff[...] = 7
    run.layer.blobs[0].data = 1
    untouched, written = run.backward(*tops, propagate_down=[False, True])
    assert (untouched == 7).all()
    assert (written != 7).all()


@pytest.mark.parametrize(("axis", "shape", "top"), [(0, (2, 5, 5), (4, 4, 4)), (2, (3, 2, 2, 5, 5), (3, 2, 4, 4, 4))])
def test_axes_before_the_channels_are_the_batch(rng, axis, shape, top):
    options = f"kernel_size: 2 axis: {axis}"
    x = rng.normal(size=shape)
    run = make_layer(text(options), [x])
    w, b = (blob.data for blob in run.layer.blobs)
    w[...] = rng.normal(size=w.shape)
    y = direct(x.reshape(-1, 2, 5, 5), w, b, (1, 1), (0, 0), (1, 1), 1)
    np.testing.assert_allclose(run.forward()[0], y.reshape(top), atol=1e-12)
    check_gradient(text(options), [x[..., :3, :3]])


def test_images_may_change_in_number_and_size(rng):
    run = make_layer(text("kernel_size: 3"), [rng.normal(size=(1, 2, 5, 5))])
    assert run.forward(rng.normal(size=(3, 2, 7, 4)))[0].shape == (3, 4, 5, 2)
    assert run.forward(np.ones((0, 2, 7, 4)))[0].shape == (0, 4, 5, 2)
    with pytest.raises(ShapeError, match="the weights need 2 channels at axis 1 of 4; got 'x0' 1x3x5x5"):
        run.forward(rng.normal(size=(1, 3, 5, 5)))


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ("", "kernel_size must be given"),
        ("kernel_size: 0", "kernel_size must be at least 1; got 0"),
        ("kernel_size: 3 stride: 0", "stride must be at least 1; got 0"),
        ("kernel_size: 3 dilation: 0", "dilation must be at least 1; got 0"),
        ("kernel_size: 3 kernel_size: 3 kernel_size: 3", r"once per spatial axis \(2\); got 3 times"),
        ("kernel_size: 3 kernel_h: 3 kernel_w: 3", "kernel_size and kernel_h, kernel_w must not both be given"),
        ("kernel_size: 3 pad: 1 pad_h: 1", "pad and pad_h, pad_w must not both be given"),
        ("kernel_h: 3", "kernel_w must be at least 1; got 0"),
        ("kernel_size: 3 stride_h: 2", "stride_w must be at least 1; got 0"),
        ("kernel_size: 3 group: 0", "group must be at least 1; got 0"),
        ("kernel_size: 3 group: 3", r"group must divide the number of input channels \(2\); got 3"),
        ('kernel_size: 3 weight_filler { type: "bilinear" sparse: 1 }', "'bilinear' has no sparse form"),
    ],
)
def test_refused_parameters(options, rule):
    with pytest.raises(ParameterError, match=rule) as caught:
        make_layer(text(options), [np.ones((1, 2, 8, 8))])
    assert str(caught.value).startswith("layer.prototxt:1:")


def test_refused_number_of_outputs():
    with pytest.raises(ParameterError, match="num_output must be at least 1; got 0"):
        make_layer(text("kernel_size: 3", outputs=0), [np.ones((1, 2, 8, 8))])
    with pytest.raises(ParameterError, match=r"group must divide num_output \(3\); got 2"):
        make_layer(text("kernel_size: 3 group: 2", outputs=3), [np.ones((1, 2, 8, 8))])


@pytest.mark.parametrize(
    ("options", "shapes", "rule"),
    [
        ("kernel_size: 3 dilation: 2 pad: 1", [(1, 2, 5, 2)], r"the window \(5x5 pixels\) must fit .*got 'x0' 1x2x5x2"),
        ("kernel_size: 1", [(1, 2)], "at least one spatial axis"),
        (
            "kernel_size: 1",
            [(1, 2, 3, 3), (1, 2, 3, 4)],
            "all bottoms must have the same shape; got 'x0' .*3x3, 'x1' .*3x4",
        ),
    ],
)
def test_refused_shapes(options, shapes, rule):
    with pytest.raises(ShapeError, match=rule):
        make_layer(text(options), [np.ones(shape) for shape in shapes])


def test_height_and_width_are_for_images_only():
    with pytest.raises(
        ParameterError, match=r"kernel_h and kernel_w are for 2 spatial axes; got 1 \(use kernel_size\)"
    ):
        make_layer(text("kernel_h: 2 kernel_w: 2"), [np.ones((1, 2, 5))])
