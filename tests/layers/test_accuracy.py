import numpy as np
import pytest

from cortado.errors import NetError, ParameterError, ShapeError
from cortado.testing import make_layer


def accuracy(x, labels, options="", tops=""):
    return make_layer(f'type: "Accuracy" {tops} accuracy_param {{ {options} }}', [x, labels]).forward()


@pytest.mark.parametrize("top_k", [1, 2, 4])
def test_share_of_true_classes_among_the_best(rng, top_k):
    x, labels = rng.normal(size=(40, 4, 3)), rng.integers(0, 4, size=(40, 3))
    rank = (x > np.take_along_axis(x, labels[:, None], 1)).sum(axis=1)
    np.testing.assert_allclose(accuracy(x, labels, f"top_k: {top_k}")[0], (rank < top_k).mean())


def test_axis(rng):
    x, labels = rng.normal(size=(5, 3, 4)), rng.integers(0, 4, size=(5, 3))
    np.testing.assert_allclose(accuracy(x, labels, "axis: -1")[0], (x.argmax(axis=-1) == labels).mean())


def test_ties_count_against():
    assert accuracy(np.ones((2, 3)), [0, 2])[0] == 0
    assert accuracy([[2.0, 2.0, 1.0]], [0], "top_k: 2")[0] == 1


def test_nan_is_wrong():
    assert accuracy(np.full((2, 3), np.nan), [0, 1])[0] == 0
    assert accuracy([[np.nan, 1.0, 0.0], [0.0, 1.0, 0.5]], [1, 1])[0] == 0.5


def test_ignored_labels_do_not_count():
    x = np.eye(3)[[0, 1, 2, 0]]
    assert accuracy(x, [0, 1, 1, 255], "ignore_label: 255")[0] == pytest.approx(2 / 3)
    assert accuracy(x, [255] * 4, "ignore_label: 255")[0] == 0


def test_per_class():
    x = np.eye(4)[[0, 0, 1, 2, 0]]
    total, each = accuracy(x, [0, 0, 1, 1, 2], tops='top: "all" top: "each"')
    assert total == pytest.approx(3 / 5)
    np.testing.assert_allclose(each, [1, 0.5, 0, 0])


def test_per_class_without_ignored():
    x = np.eye(3)[[0, 1, 1]]
    total, each = accuracy(x, [0, -1, 1], "ignore_label: -1", tops='top: "all" top: "each"')
    assert total == 1
    np.testing.assert_allclose(each, [1, 1, 0])


def test_refused():
    x = np.ones((2, 3))
    with pytest.raises(ParameterError, match=r"top_k must be from 1 to the number of classes \(3\); got 4"):
        accuracy(x, [0, 0], "top_k: 4")
    with pytest.raises(ParameterError, match="got 0"):
        accuracy(x, [0, 0], "top_k: 0")
    with pytest.raises(ShapeError, match="one label for each of 2 positions; got 'x1' 2x3"):
        accuracy(x, np.zeros((2, 3)))


def test_no_backward():
    run = make_layer('type: "Accuracy"', [np.ones((2, 3)), [0, 0]])
    run.forward()
    run.backward(1.0)
    with pytest.raises(NetError, match="accuracy has no gradient"):
        run.backward(1.0, propagate_down=[True, False])
