"""The layers of segmentation nets against formulas written as loops."""

import numpy as np
import pytest

from cortado.errors import DataError, NetError, ParameterError
from cortado.layers import Phase
from cortado.testing import check_gradient, make_layer

RNG = np.random.default_rng(8)
X = RNG.normal(size=(2, 3, 4, 5))
UPSAMPLE = 'type: "Upsample" upsample_param { %s }'


def places(pixels):
    """A different place for every pixel of X."""
    return np.stack([RNG.permutation(pixels)[:20] for _ in range(6)]).reshape(X.shape).astype(float)


def put(x, mask, height, width):
    y = np.zeros((*x.shape[:2], height, width))
    for n, c, i, j in np.ndindex(x.shape):
        y[n, c, int(mask[n, c, i, j]) // width, int(mask[n, c, i, j]) % width] = x[n, c, i, j]
    return y


@pytest.mark.parametrize(
    ("param", "size"), [("scale: 2", (8, 10)), ("upsample_h: 7 upsample_w: 9", (7, 9)), ("pad_out_h: true", (7, 10))]
)
def test_upsample_puts_pixels_where_pooling_found_them(param, size):
    mask = places(size[0] * size[1])
    (y,) = make_layer(UPSAMPLE % param, [X, mask]).forward()
    np.testing.assert_array_equal(y, put(X, mask, *size))
    check_gradient(UPSAMPLE % param, [X, mask])


def test_upsample_undoes_max_pooling():
    x = RNG.permutation(2 * 3 * 8 * 10).reshape(2, 3, 8, 10).astype(float)
    pool = 'layer { type: "Pooling" top: "p" top: "mask" pooling_param { kernel_size: 2 stride: 2 } }'
    pooled, mask = make_layer(pool, [x]).forward()
    (y,) = make_layer(UPSAMPLE % "scale: 2", [pooled, mask]).forward()
    np.testing.assert_array_equal(y, np.where(np.isin(x, pooled), x, 0))


def test_upsample_without_a_mask_repeats():
    (y,) = make_layer(UPSAMPLE % "scale: 3", [X]).forward()
    np.testing.assert_array_equal(y, X.repeat(3, 2).repeat(3, 3))
    check_gradient(UPSAMPLE % "scale: 3", [X])


def test_a_place_outside_is_named():
    with pytest.raises(DataError, match="pixels of the top, 0 to 79; got 99"):
        make_layer(UPSAMPLE % "scale: 2", [X, np.full(X.shape, 99.0)]).forward()


def test_unpooling():
    text = 'type: "Unpooling" unpooling_param { kernel_size: 3 stride: 2 pad_h: 1 }'
    mask = places(7 * 11)
    (y,) = make_layer(text, [X, mask]).forward()
    np.testing.assert_array_equal(y, put(X, mask, 7, 11))
    check_gradient(text, [X, mask])
    with pytest.raises(NetError, match="unpool: MAX has an implementation"):
        make_layer('type: "Unpooling" unpooling_param { unpool: TILE unpool_size: 9 }', [X, mask])


def interpolated(x, height, width):
    y = np.zeros((*x.shape[:2], height, width))
    for i, j in np.ndindex(height, width):
        r = i * (x.shape[2] - 1) / (height - 1) if height > 1 else 0
        c = j * (x.shape[3] - 1) / (width - 1) if width > 1 else 0
        for a in range(x.shape[2]):
            for b in range(x.shape[3]):
                y[:, :, i, j] += max(0, 1 - abs(r - a)) * max(0, 1 - abs(c - b)) * x[:, :, a, b]
    return y


@pytest.mark.parametrize(
    ("param", "size", "cut"),
    [
        ("height: 7 width: 3", (7, 3), 0),
        ("zoom_factor: 2", (7, 9), 0),
        ("shrink_factor: 2", (2, 3), 0),
        ("shrink_factor: 3 zoom_factor: 4", (5, 5), 0),
        ("height: 1 width: 6 pad_beg: -1", (1, 6), 1),
    ],
)
def test_interp(param, size, cut):
    text = f'type: "Interp" interp_param {{ {param} }}'
    (y,) = make_layer(text, [X]).forward()
    np.testing.assert_allclose(y, interpolated(X[:, :, cut:, cut:], *size), atol=1e-12)
    check_gradient(text, [X])


def test_interp_to_the_size_of_another_blob():
    (y,) = make_layer('type: "Interp"', [X, np.zeros((1, 1, 6, 2))]).forward()
    np.testing.assert_allclose(y, interpolated(X, 6, 2), atol=1e-12)
    with pytest.raises(ParameterError, match="pad_end must not be above 0"):
        make_layer('type: "Interp" interp_param { pad_end: 1 }', [X])


SEGNET = 'type: "BN" bn_param { scale_filler { value: 1 } shift_filler { value: 0 } %s }'
PSPNET = 'type: "BN" bn_param { slope_filler { value: 1 } momentum: 0.75 eps: 0.001 %s }'
CHANNELS = np.array([1.0, 2, 3]).reshape(1, 3, 1, 1)


def normal(x, eps):
    return (x - x.mean((0, 2, 3), keepdims=True)) / np.sqrt(x.var((0, 2, 3), keepdims=True) + eps)


@pytest.mark.parametrize("phase", list(Phase))
def test_the_bn_of_segnet_always_takes_the_batch_or_nothing(phase):
    for mode, z in (("LEARN", normal(X, 1e-9)), ("INFERENCE", X)):
        run = make_layer(SEGNET % f"bn_mode: {mode}", [X], phase=phase)
        run.layer.blobs[0].data[...], run.layer.blobs[1].data[...] = CHANNELS, CHANNELS * 5
        np.testing.assert_allclose(run.forward()[0], CHANNELS * z + CHANNELS * 5)


def test_the_bn_of_pspnet_keeps_running_statistics():
    run = make_layer(PSPNET % "", [X])
    slope, bias, mean, var = run.layer.blobs
    slope.data[...], bias.data[...], mean.data[...], var.data[...] = CHANNELS, CHANNELS * 5, 4, 8
    np.testing.assert_allclose(run.forward()[0], CHANNELS * normal(X, 0.001) + CHANNELS * 5)
    np.testing.assert_allclose(mean.data.ravel(), 0.75 * 4 + 0.25 * X.mean((0, 2, 3)))
    np.testing.assert_allclose(var.data.ravel(), 0.75 * 8 + 0.25 * X.var((0, 2, 3)))


@pytest.mark.parametrize(("param", "phase"), [("", Phase.TEST), ("frozen: true", Phase.TRAIN)])
def test_running_statistics_are_used_in_testing_and_when_frozen(param, phase):
    run = make_layer(PSPNET % param, [X], phase=phase)
    for blob, value in zip(run.layer.blobs, (2, 3, 4, 8), strict=True):
        blob.data[...] = value
    np.testing.assert_allclose(run.forward()[0], (X - 4) / np.sqrt(8.001) * 2 + 3)
    assert (run.layer.blobs[2].data == 4).all()


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize(
    ("text", "phase"),
    [
        (SEGNET % "", Phase.TRAIN),
        (SEGNET % "bn_mode: INFERENCE", Phase.TEST),
        (PSPNET % "", Phase.TRAIN),
        (PSPNET % "", Phase.TEST),
    ],
)
def test_gradients_of_both(text, phase, in_place):
    block = f'layer {{ bottom: "x" top: "{"x" if in_place else "y"}" {text} }}'
    given = None if "scale_filler" in text else [CHANNELS, CHANNELS, CHANNELS, CHANNELS]
    check_gradient(block, [X], phase=phase, params=given)


def test_a_frozen_bn_passes_gradients_on_and_learns_nothing():
    check_gradient(PSPNET % "frozen: true", [X], params=[CHANNELS] * 4, check_params=[])


def test_the_bn_of_a_fork_without_implementation_is_refused():
    with pytest.raises(NetError, match="moving_average has no implementation here"):
        make_layer('type: "BN" bn_param { var_eps: 0.1 moving_average: true }', [X])


def test_weighted_classes():
    scores, labels = RNG.normal(size=(2, 3, 4)), np.array([[0, 1, 2, 1], [2, 9, 0, 0.0]])
    weights = np.array([0.5, 2, 3])
    loss_param = (
        "weight_by_label_freqs: true ignore_label: 9 class_weighting: 0.5 class_weighting: 2 class_weighting: 3"
    )
    text = f'type: "SoftmaxWithLoss" loss_param {{ {loss_param} }}'
    (loss,) = make_layer(text, [scores, labels]).forward()
    prob = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    want = [weights[int(k)] * -np.log(prob[n, int(k), i]) for (n, i), k in np.ndenumerate(labels) if k != 9]
    np.testing.assert_allclose(loss, sum(want) / 7)
    check_gradient(text, [scores, labels])
    with pytest.raises(ParameterError, match="once for each of 3 classes; got 2 times"):
        make_layer(text.replace("class_weighting: 3", ""), [scores, labels])


@pytest.mark.parametrize(
    ("param", "phase", "factor"),
    [
        ("scale_train: false", Phase.TEST, 0.75),
        ("scale_train: true", Phase.TEST, 1),
        ("scale_train: false", Phase.TRAIN, None),
        ("sample_weights_test: true", Phase.TEST, None),
    ],
)
def test_dropout_of_forks(param, phase, factor):
    text = f'type: "Dropout" dropout_param {{ dropout_ratio: 0.25 {param} }}'
    (y,) = make_layer(text, [X], phase=phase).forward()
    if factor:
        np.testing.assert_allclose(y, X * factor)
    else:
        scale = 1 if "scale_train" in param else 4 / 3
        assert 0 < (y == 0).sum() < X.size
        np.testing.assert_allclose(y[y != 0], X[y != 0] * scale)
    check_gradient(text, [X], phase=phase)


@pytest.mark.parametrize(("mode", "size"), [("true", 3), ("false", 2)])
def test_ceil_mode(mode, size):
    text = f'type: "Pooling" pooling_param {{ kernel_size: 2 stride: 2 ceil_mode: {mode} }}'
    assert make_layer(text, [np.zeros((1, 1, 5, 5))]).forward()[0].shape == (1, 1, size, size)
