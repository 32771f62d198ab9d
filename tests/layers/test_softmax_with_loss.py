import numpy as np
import pytest

from cortado.errors import NetError, ShapeError
from cortado.layers import Phase
from cortado.netdef import Net
from cortado.testing import check_gradient, make_layer


def by_hand(x, labels, axis=1):
    shifted = x - x.max(axis=axis, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    return -np.take_along_axis(logs, np.expand_dims(labels, axis), axis)


def test_mean_over_all_positions(rng):
    x, labels = rng.normal(size=(3, 4, 2, 5)), rng.integers(0, 4, size=(3, 2, 5))
    (loss,) = make_layer('type: "SoftmaxWithLoss"', [x, labels]).forward()
    np.testing.assert_allclose(loss, by_hand(x, labels).mean())


def test_axis(rng):
    x, labels = rng.normal(size=(3, 2, 4)), rng.integers(0, 4, size=(3, 2))
    (loss,) = make_layer('type: "SoftmaxWithLoss" softmax_param { axis: -1 }', [x, labels]).forward()
    np.testing.assert_allclose(loss, by_hand(x, labels, 2).mean())


@pytest.mark.parametrize(
    ("fields", "divisor"),
    [
        ("", 18),
        ("normalization: FULL", 24),
        ("normalization: VALID", 18),
        ("normalization: BATCH_SIZE", 3),
        ("normalization: NONE", 1),
        ("normalize: false", 3),
        ("normalize: true", 18),
        ("normalize: true normalization: NONE", 1),
    ],
)
def test_normalization(rng, fields, divisor):
    x, labels = rng.normal(size=(3, 4, 8)), rng.integers(0, 3, size=(3, 8))
    labels[:, :2] = 3
    text = f'type: "SoftmaxWithLoss" loss_param {{ ignore_label: 3 {fields} }}'
    (loss,) = make_layer(text, [x, labels]).forward()
    np.testing.assert_allclose(loss, by_hand(x, labels)[:, :, 2:].sum() / divisor)
    check_gradient(text, [x[:, :, :3], labels[:, :3]])


def test_a_hopeless_case_costs_as_much_as_in_caffe():
    run = make_layer('type: "SoftmaxWithLoss"', [[[0.0, 1000.0]], [0.0]], dtype=np.float32)
    np.testing.assert_allclose(run.forward()[0], 87.33654, rtol=1e-6)
    np.testing.assert_array_equal(run.backward(1.0)[0], [[-1, 1]])


def test_nothing_valid():
    run = make_layer('type: "SoftmaxWithLoss" loss_param { ignore_label: -1 }', [np.ones((2, 3)), [-1.0, -1.0]])
    assert run.forward()[0] == 0
    assert not run.backward(1.0)[0].any()


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 2, 2)])
def test_gradient(rng, shape):
    labels = rng.integers(0, 3, size=shape[:1] + shape[2:])
    check_gradient('type: "SoftmaxWithLoss"', [rng.normal(size=shape), labels])


def test_scores_survive(rng):
    x = rng.normal(size=(2, 3))
    run = make_layer('type: "SoftmaxWithLoss"', [x, [0, 2]])
    run.forward()
    np.testing.assert_array_equal(run.bottom[0].data, x)


def test_refused():
    with pytest.raises(ShapeError, match="one label for each of 8 positions; got 'x1' 2, 'x0' 2x3x4"):
        make_layer('type: "SoftmaxWithLoss"', [np.ones((2, 3, 4)), np.zeros(2)])
    with pytest.raises(ShapeError, match="must have the same first axis, the batch; got 'x0' 2x3, 'x1' 3"):
        make_layer('type: "SoftmaxWithLoss"', [np.ones((2, 3)), np.zeros(3)])


def test_a_second_top_is_refused_as_in_caffe(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text("""
        layer { name: "in" type: "Input" top: "x" top: "l" input_param { shape { dim: 2 dim: 3 } shape { dim: 2 } } }
        layer { name: "s" type: "SoftmaxWithLoss" bottom: "x" bottom: "l" top: "loss" top: "prob" }
    """)
    with pytest.raises(NetError, match=r"net\.prototxt:3:\d+: layer 's' \(SoftmaxWithLoss\): .*top"):
        Net(path, Phase.TRAIN)
