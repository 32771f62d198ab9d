import numpy as np
import pytest

from cortado.errors import NetError, ShapeError
from cortado.layers import Phase
from cortado.netdef import Net
from cortado.testing import check_gradient, make_layer

SHAPES = [(4, 3), (4, 3, 2), (2, 3, 4, 5), (2, 3, 2, 2, 2)]
EPS = float(np.float32(1e-5))
DECAY = float(np.float32(0.999))


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(1, 2, size=shape)


def block(param="", top="y"):
    return f'layer {{ type: "BatchNorm" bottom: "x" top: "{top}" batch_norm_param {{ {param} }} }}'


def others(x):
    return tuple(axis for axis in range(x.ndim) if axis != 1)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("top", ["x", "y"])
def test_training_normalizes_by_the_batch(shape, top):
    x = draw(*shape)
    axes = others(x)
    (y,) = make_layer(block(top=top), [x]).forward()
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(var + EPS))


def test_averages_move_with_the_unbiased_variance():
    run = make_layer(block("moving_average_fraction: 0.5"), [draw(4, 3, 2)])
    first, second = draw(4, 3, 2), draw(4, 3, 2, seed=1)
    run.forward(first)
    run.forward(second)
    mean, var, weight = (blob.data for blob in run.layer.blobs)
    np.testing.assert_allclose(mean, first.mean((0, 2)) / 2 + second.mean((0, 2)))
    np.testing.assert_allclose(var, first.var((0, 2), ddof=1) / 2 + second.var((0, 2), ddof=1))
    np.testing.assert_allclose(weight, [1.5])


def test_testing_uses_the_averages():
    x = draw(2, 3, 4)
    run = make_layer(block(), [x], phase=Phase.TEST)
    for blob, values in zip(run.layer.blobs, ([1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [2.0]), strict=True):
        blob.data = values
    mean, var = np.array([0.5, 1, 1.5]), np.array([2, 2.5, 3])
    np.testing.assert_allclose(run.forward()[0], (x - mean[:, None]) / np.sqrt(var + EPS)[:, None])
    np.testing.assert_array_equal(run.layer.blobs[2].data, [2])


def test_without_averages_yet_mean_and_variance_are_zero():
    x = draw(2, 3)
    run = make_layer(block("use_global_stats: true eps: 0.25"), [x])
    run.layer.blobs[0].data = 7
    np.testing.assert_allclose(run.forward()[0], 2 * x)


@pytest.mark.parametrize(
    ("phase", "param", "moves"), [(0, "use_global_stats: true", 0), (1, "use_global_stats: false", 1)]
)
def test_use_global_stats_overrides_the_phase(phase, param, moves):
    run = make_layer(block(param), [draw(4, 3)], phase=Phase(phase))
    run.forward()
    assert run.layer.blobs[2].data[0] == moves


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("top", ["x", "y"])
@pytest.mark.parametrize("param", ["", "eps: 0.5", "use_global_stats: true eps: 0.5"])
def test_gradient(shape, top, param):
    values = [[0.5, 1, -1], [2, 1, 0.5], [2]] if "global" in param else None
    check_gradient(block(param, top), [draw(*shape)], params=values, check_params=[])


def test_statistics_get_no_gradient():
    run = make_layer(block(), [draw(4, 3)])
    assert run.layer.frozen == {0, 1, 2}
    assert run.layer.param_propagate_down == [False] * 3


def test_backward_survives_a_layer_that_changes_the_top_in_place():
    x, dy = draw(4, 3), draw(4, 3, seed=1)
    run = make_layer(block(), [x])
    run.forward()
    (expected,) = run.backward(dy)
    run.top[0].data[...] = 0
    np.testing.assert_array_equal(run.backward(dy)[0], expected)


def test_one_axis_is_one_channel():
    x = draw(6)
    (y,) = make_layer(block(), [x]).forward()
    np.testing.assert_allclose(y, (x - x.mean()) / np.sqrt(x.var() + EPS))


def test_one_element_a_channel_and_empty_batches():
    run = make_layer(block(), [draw(1, 3)])
    np.testing.assert_array_equal(run.forward()[0], np.zeros((1, 3)))
    before = [blob.data.copy() for blob in run.layer.blobs]
    run.forward(np.zeros((0, 3)))
    for blob, value in zip(run.layer.blobs, before, strict=True):
        np.testing.assert_array_equal(blob.data, value)


def test_shapes_are_checked():
    with pytest.raises(ShapeError, match="at least one axis"):
        make_layer(block(), [np.float64(1)])
    run = make_layer(block(), [draw(2, 3)])
    with pytest.raises(ShapeError, match="3 channels"):
        run.forward(draw(2, 4))


def test_learning_rates_other_than_zero_are_refused(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text(
        'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }\n'
        'layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y" param { lr_mult: 1 } }\n'
    )
    with pytest.raises(NetError, match=r"net\.prototxt:2:.*lr_mult must be 0"):
        Net(path)
