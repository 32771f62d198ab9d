import numpy as np
import pytest

from cortado.errors import ShapeError
from cortado.testing import check_gradient, make_layer


def by_hand(x, t):
    s = 1 / (1 + np.exp(-x))
    return -(t * np.log(s) + (1 - t) * np.log(1 - s))


@pytest.mark.parametrize(
    ("fields", "divisor"),
    [
        ("", 3),
        ("normalization: FULL", 12),
        ("normalization: VALID", 12),
        ("normalization: BATCH_SIZE", 3),
        ("normalization: NONE", 1),
        ("normalize: true", 12),
        ("normalize: false", 3),
    ],
)
def test_normalization(rng, fields, divisor):
    x, t = rng.normal(size=(3, 4)), rng.uniform(size=(3, 2, 2))
    text = f'type: "SigmoidCrossEntropyLoss" loss_param {{ {fields} }}'
    (loss,) = make_layer(text, [x, t]).forward()
    np.testing.assert_allclose(loss, by_hand(x, t.reshape(3, 4)).sum() / divisor)
    check_gradient(text, [x, t])


def test_ignored_targets(rng):
    x, t = rng.normal(size=(3, 4)), rng.integers(0, 2, size=(3, 4)).astype(float)
    t[0, 1], t[1, 2] = -1, -1.7
    counts = t > -1
    text = 'type: "SigmoidCrossEntropyLoss" loss_param { ignore_label: -1 normalization: VALID }'
    run = make_layer(text, [x, t])
    np.testing.assert_allclose(run.forward()[0], by_hand(x, t)[counts].sum() / 10)
    np.testing.assert_array_equal(run.backward(1.0)[0] != 0, counts)
    check_gradient(text, [x, t])


def test_large_scores_stay_finite():
    run = make_layer('type: "SigmoidCrossEntropyLoss"', [[[1000.0, -1000.0]], [[0.0, 0.0]]], dtype=np.float32)
    assert run.forward()[0] == 1000
    np.testing.assert_array_equal(run.backward(1.0)[0], [[1, 0]])


def test_counts_must_fit():
    with pytest.raises(ShapeError, match="one target for each score; got 'x0' 2x3, 'x1' 2"):
        make_layer('type: "SigmoidCrossEntropyLoss"', [np.ones((2, 3)), np.zeros(2)])
