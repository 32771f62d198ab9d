"""Every backward kernel against central differences of its forward kernel, in float64."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from cortado.engines import ConvGeometry, PoolGeometry, get_engine
from cortado.engines.table import KERNELS

E = get_engine("reference")
RANDOM = np.random.default_rng(0)
CONV = ConvGeometry((3, 2), (2, 1), (1, 1), (1, 2), groups=2)
POOL = PoolGeometry((3, 2), (2, 2), (1, 0))


def numeric(function, x, dy, step=1e-5):
    """d sum(dy * function()) / dx by central differences, where function reads the array x."""
    gradient = np.empty_like(x)
    for at in np.ndindex(*x.shape):
        before = x[at]
        x[at] = before + step
        high = np.sum(dy * function())
        x[at] = before - step
        low = np.sum(dy * function())
        x[at] = before
        gradient[at] = (high - low) / (2 * step)
    return gradient


def normal(*shape):
    numbers = RANDOM.normal(size=shape)
    return numbers + np.copysign(0.05, numbers)


def new(forward, shape, *extra):
    """What *forward* writes into a new array."""
    y = np.empty(shape)
    forward(y, *extra)
    return y


def elementwise(name, wiring, shape=(2, 3, 4), forward_only=(), **parameters):
    """A case of an activation: *wiring* says which of x and y its backward kernel takes before dy and dx,
    *forward_only* which parameters it does not take."""
    x, dy = np.abs(normal(*shape)) if name == "power" else normal(*shape), normal(*shape)

    def forward():
        return new(lambda y: getattr(E, f"{name}_forward")(x, y, **parameters), shape)

    def backward():
        given = {"x": x, "y": forward()}
        arrays = [given[letter] for letter in wiring]
        taken = {key: value for key, value in parameters.items() if key not in forward_only}
        return new(lambda dx: getattr(E, f"{name}_backward")(*arrays, dy, dx, **taken), shape)

    return SimpleNamespace(kernel=f"{name}_backward", forward=forward, backward=backward, x=x, dy=dy)


def case(kernel, forward, backward, x, dy):
    return SimpleNamespace(kernel=kernel, forward=forward, backward=backward, x=x, dy=dy)


def with_slope():
    x, slope, dy = normal(2, 3, 4), normal(3), normal(2, 3, 4)

    def forward():
        return new(lambda y: E.prelu_forward(x, slope, y), x.shape)

    def slopes():
        total = np.zeros(3)
        E.prelu_backward_slope(x, dy, total)
        return total

    yield case(
        "prelu_backward_data", forward, lambda: new(lambda d: E.prelu_backward_data(x, slope, dy, d), x.shape), x, dy
    )
    yield case("prelu_backward_slope", forward, slopes, slope, dy)


def linear():
    for transposed in (False, True):
        x, w, b, dy = normal(4, 3), normal(*((3, 5) if transposed else (5, 3))), normal(5), normal(4, 5)
        dw, db = np.zeros_like(w), np.zeros_like(b)

        def forward(x=x, w=w, b=b, transposed=transposed):
            return new(lambda y: E.inner_product_forward(x, w, b, y, transposed), (4, 5))

        E.inner_product_backward_weights(x, dy, dw, db, transposed)
        dx = new(lambda d: E.inner_product_backward_data(dy, w, d, transposed), x.shape)  # noqa: B023
        yield case("inner_product_backward_data", forward, lambda dx=dx: dx, x, dy)
        yield case("inner_product_backward_weights", forward, lambda dw=dw: dw, w, dy)
        yield case("inner_product_backward_weights", forward, lambda db=db: db, b, dy)


def convolution():
    x, w, b = normal(2, 4, 6, 5), normal(6, 2, 3, 2), normal(6)
    shape = (2, 6, *CONV.output_size((6, 5)))
    dy, dw, db = normal(*shape), np.zeros_like(w), np.zeros_like(b)

    def forward():
        return new(lambda y: E.conv_forward(x, w, b, y, CONV), shape)

    E.conv_backward_weights(x, dy, dw, db, CONV)
    yield case(
        "conv_backward_data", forward, lambda: new(lambda d: E.conv_backward_data(dy, w, d, CONV), x.shape), x, dy
    )
    yield case("conv_backward_weights", forward, lambda: dw, w, dy)
    yield case("conv_backward_weights", forward, lambda: db, b, dy)
    columns = (2, 4 * 6, *shape[2:])
    dcol = normal(*columns)
    yield case(
        "col2im",
        lambda: new(lambda col: E.im2col(x, col, CONV), columns),
        lambda: new(lambda d: E.col2im(dcol, d, CONV), x.shape),
        x,
        dcol,
    )


def pooling():
    x = np.random.default_rng(5).permutation(2 * 2 * 7 * 5).reshape(2, 2, 7, 5) / 10
    shape = (2, 2, *POOL.output_size((7, 5)))
    dy, mask = normal(*shape), np.empty(shape, np.int32)

    def maximum():
        return new(lambda y: E.max_pool_forward(x, y, mask, POOL), shape)

    def average():
        return new(lambda y: E.ave_pool_forward(x, y, POOL), shape)

    maximum()
    yield case(
        "max_pool_backward", maximum, lambda: new(lambda d: E.max_pool_backward(dy, mask, d, POOL), x.shape), x, dy
    )
    yield case("ave_pool_backward", average, lambda: new(lambda d: E.ave_pool_backward(dy, d, POOL), x.shape), x, dy)


def lrn():
    x, dy, scale = normal(2, 5, 3, 4), normal(2, 5, 3, 4), np.empty((2, 5, 3, 4))
    for kind, settings in (("across", (3, 0.7, 0.75, 2.0)), ("within", (3, 0.7, 0.75))):
        forward_kernel, backward_kernel = getattr(E, f"lrn_{kind}_forward"), getattr(E, f"lrn_{kind}_backward")

        def forward(kernel=forward_kernel, settings=settings):
            return new(lambda y: kernel(x, y, scale, *settings), x.shape)

        top, dx = forward(), np.empty_like(x)
        backward_kernel(x, top, scale.copy(), dy, dx, *settings)
        yield case(f"lrn_{kind}_backward", forward, lambda dx=dx: dx, x, dy)


def batch_norm():
    x, dy = normal(3, 2, 4), normal(3, 2, 4)
    mean, var, xhat = np.empty(2), np.empty(2), np.empty(x.shape)

    def forward():
        E.batch_norm_statistics(x, mean, var)
        return new(lambda y: E.batch_norm_forward(x, mean, var, 1e-3, y, xhat), x.shape)

    def fixed():
        return new(lambda y: E.batch_norm_forward(x, np.ones(2), np.full(2, 4.0), 1e-3, y, None), x.shape)

    def backward():
        forward()
        return new(lambda d: E.batch_norm_backward(xhat, var, 1e-3, dy, d), x.shape)

    yield case("batch_norm_backward", forward, backward, x, dy)
    yield case(
        "batch_norm_backward_global",
        fixed,
        lambda: new(lambda d: E.batch_norm_backward_global(np.full(2, 4.0), 1e-3, dy, d), x.shape),
        x,
        dy,
    )


def chains():
    for slope in (None, 0.2):
        x, dy, s, b = normal(3, 2, 5), normal(3, 2, 5), normal(2), normal(2)
        mean, var, xhat, y = np.empty(2), np.empty(2), np.empty(x.shape), np.empty(x.shape)

        def forward(x=x, s=s, b=b, slope=slope, mean=mean, var=var, xhat=xhat, y=y):
            E.batch_norm_scale_forward(x, 1e-3, s, b, slope, mean, var, y, xhat)
            return y.copy()

        def backward(which, forward=forward, x=x, s=s, slope=slope, var=var, xhat=xhat, y=y, dy=dy):
            forward()
            dx, ds, db = np.empty(x.shape), np.zeros(2), np.zeros(2)
            E.batch_norm_scale_backward(xhat, y, var, 1e-3, s, slope, dy, dx, ds, db)
            return (dx, ds, db)[which]

        for which, array in enumerate((x, s, b)):
            yield case("batch_norm_scale_backward", forward, partial(backward, which), array, dy)


def mvn():
    for variance in (True, False):
        x, dy, mean, std = normal(3, 6), normal(3, 6), np.empty(3), np.ones(3)

        def forward(x=x, mean=mean, std=std, variance=variance):
            return new(lambda y: E.mvn_forward(x, y, mean, std, 1e-9, variance), x.shape)

        top, dx = forward(), np.empty_like(x)
        E.mvn_backward(top, std.copy(), dy, dx, 1e-9, variance)
        yield case("mvn_backward", forward, lambda dx=dx: dx, x, dy)


def scale():
    x, s, b, dy = normal(2, 3, 4), normal(3), normal(3), normal(2, 3, 4)
    ds, db = np.zeros(3), np.zeros(3)
    E.scale_backward_scale(x, dy, ds)
    E.bias_backward(dy, db)

    def forward():
        return new(lambda y: E.scale_forward(x, s, b, y), x.shape)

    yield case("scale_backward_data", forward, lambda: new(lambda d: E.scale_backward_data(dy, s, d), x.shape), x, dy)
    yield case("scale_backward_scale", forward, lambda: ds, s, dy)
    yield case("bias_backward", lambda: new(lambda y: E.bias_forward(x, b, y), x.shape), lambda: db, b, dy)


def losses():
    x, label = normal(2, 4, 3), np.array([[0.0, 3, 2], [1, 0, 3]])
    target = np.random.default_rng(1).uniform(size=(2, 4, 3))
    target[0, 0, 0] = 2

    def prob():
        return new(lambda y: E.softmax_forward(x, y), x.shape)

    def through_softmax():
        dprob, dx = np.zeros(x.shape), np.empty(x.shape)
        for o, i in np.argwhere(label != 0):
            c = int(label[o, i])
            dprob[o, c, i] = -1 / prob()[o, c, i]
        E.softmax_backward(prob(), dprob, dx)
        return dx

    def loss():
        return np.array(E.softmax_loss_forward(prob(), label, 0)[0])

    def cross_entropy():
        return np.array(E.sigmoid_cross_entropy_forward(x, target, 2)[0])

    one, two, half = np.ones(()), np.full((), 2.0), np.full((), 0.5)
    yield case(
        "softmax_loss_backward",
        loss,
        lambda: new(lambda d: E.softmax_loss_backward(prob(), label, 0, one, two, d), x.shape),
        x,
        half,
    )
    yield case("softmax_backward", loss, through_softmax, x, one)
    yield case(
        "sigmoid_cross_entropy_backward",
        cross_entropy,
        lambda: new(lambda d: E.sigmoid_cross_entropy_backward(x, target, 2, one, two, d), x.shape),
        x,
        half,
    )


def masked():
    inputs = list(np.random.default_rng(6).permutation(18).reshape(3, 2, 3) / 10)  # each is somewhere the largest
    mask, dy = np.empty((2, 3), np.int32), normal(2, 3)
    keep = np.array([[1, 0, 1], [0, 1, 1]], np.uint8)

    def maximum():
        return new(lambda y: E.eltwise_max(inputs, y, mask), (2, 3))

    maximum()
    kept = mask.copy()
    for index, x in enumerate(inputs):
        dx = np.empty((2, 3))
        E.eltwise_max_backward(dy, kept, index, dx)
        yield case("eltwise_max_backward", maximum, lambda dx=dx: dx, x, dy)
    x = inputs[0]
    yield case(
        "dropout_backward",
        lambda: new(lambda y: E.dropout_forward(x, keep, y, 2.0), x.shape),
        lambda: new(lambda d: E.dropout_backward(dy, keep, d, 2.0), x.shape),
        x,
        dy,
    )


CASES = [
    elementwise("relu", "x", negative_slope=0.0),
    elementwise("relu", "x", negative_slope=0.2),
    elementwise("relu", "y", negative_slope=0.2),
    elementwise("sigmoid", "y"),
    elementwise("tanh", "y"),
    elementwise("elu", "xy", alpha=0.7),
    elementwise("elu", "yy", alpha=0.7),
    elementwise("bnll", "x"),
    elementwise("swish", "xy", beta=1.5),
    elementwise("clip", "x", low=-0.6, high=0.7),
    elementwise("hard_sigmoid", "y", forward_only=("beta",), alpha=0.4, beta=0.45),
    elementwise("hard_swish", "x"),
    elementwise("mish", "x"),
    elementwise("gelu", "x"),
    elementwise("gelu_tanh", "x"),
    elementwise("power", "x", power=2.5, scale=0.5, shift=1.0),
    elementwise("power", "x", power=0.0, scale=1.0, shift=1.0),
    elementwise("power", "x", power=1.0, scale=3.0, shift=1.0),
    *(
        found
        for family in (with_slope, linear, convolution, pooling, lrn, batch_norm, chains, mvn, scale, losses, masked)
        for found in family()
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kernel)
def test_backward_is_the_slope_of_forward(case):
    got = case.backward()
    np.testing.assert_allclose(got, numeric(case.forward, case.x, case.dy), rtol=1e-5, atol=1e-6)
    assert np.any(got) or case.kernel == "power_backward"


def test_every_backward_kernel_is_covered():
    backward = {name for name in KERNELS if "_backward" in name}
    assert backward <= {case.kernel for case in CASES}
