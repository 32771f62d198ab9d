"""The layers for sequences: Lstm, Transpose, Reverse, and those around CtcLoss."""

from itertools import groupby, product

import numpy as np
import pytest

from cortado.errors import ParameterError, ShapeError
from cortado.testing import check_gradient, make_layer

RNG = np.random.default_rng(11)


def test_transpose_and_reverse():
    x = RNG.normal(size=(2, 3, 4))
    text = 'type: "Transpose" transpose_param { dim: 2 dim: 0 dim: 1 }'
    np.testing.assert_array_equal(make_layer(text, [x]).forward()[0], x.transpose(2, 0, 1))
    check_gradient(text, [x])
    with pytest.raises(ParameterError, match="dim must name each of the 3 axes once"):
        make_layer('type: "Transpose" transpose_param { dim: 1 dim: 0 }', [x])
    text = 'type: "Reverse" reverse_param { axis: -1 }'
    np.testing.assert_array_equal(make_layer(text, [x]).forward()[0], x[..., ::-1])
    np.testing.assert_array_equal(make_layer('type: "Reverse"', [x]).forward()[0], x[::-1])
    check_gradient(text, [x])


def sig(x):
    return 1 / (1 + np.exp(-x))


def lstm(x, w, u, b, batch, marks=None):
    steps, size = len(x) // batch, u.shape[1]
    h, c, out = np.zeros((batch, size)), np.zeros((batch, size)), []
    for t in range(steps):
        k = 1 if marks is None else marks.reshape(steps, batch, 1)[t]
        i, f, o, g = np.split(x[t * batch : (t + 1) * batch] @ w.T + (h * k) @ u.T + b, 4, axis=1)
        c = sig(f) * c * k + sig(i) * np.tanh(g)
        h = sig(o) * np.tanh(c)
        out.append(h)
    return np.concatenate(out)


LSTM = 'type: "Lstm" lstm_param { num_output: 3 batch_size: 2 %s }'
MARKS = np.array([0, 0, 1, 0, 1, 1, 0, 1.0])


@pytest.mark.parametrize("marks", [None, MARKS])
def test_lstm(marks):
    x = RNG.normal(size=(8, 5))
    bottoms = [x] if marks is None else [x, marks]
    run = make_layer(LSTM % "", bottoms)
    weights = [RNG.normal(size=blob.shape) for blob in run.layer.blobs]
    for blob, value in zip(run.layer.blobs, weights, strict=True):
        blob.data[...] = value
    np.testing.assert_allclose(run.forward()[0], lstm(x, *weights, 2, marks))
    check_gradient(LSTM % "", bottoms)


def test_lstm_goes_on_where_the_batch_before_ended():
    x = RNG.normal(size=(8, 5))
    run = make_layer(LSTM % "", [x[:4], np.array([0, 0, 1, 1.0])])
    weights = [RNG.normal(size=blob.shape) for blob in run.layer.blobs]
    for blob, value in zip(run.layer.blobs, weights, strict=True):
        blob.data[...] = value
    first, second = run.forward(x[:4], [0, 0, 1, 1])[0], run.forward(x[4:], np.ones(4))[0]
    np.testing.assert_allclose(np.concatenate([first, second]), lstm(x, *weights, 2))


def test_clipped_gradients_are_small():
    run = make_layer(LSTM % "clipping_threshold: 1e-6", [RNG.normal(size=(4, 5))])
    for blob in run.layer.blobs:
        blob.data[...] = RNG.normal(size=blob.shape)
    run.forward()
    run.backward(np.ones((4, 3)))
    assert 0 < np.abs(run.layer.blobs[2].diff).max() <= 4e-6
    with pytest.raises(ShapeError, match=r"batch_size .2. must divide the rows"):
        make_layer(LSTM % "", [RNG.normal(size=(5, 5))])


def ctc(scores, labels):
    """The loss of one sequence, by looking at every path there is."""
    p = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    total = 0.0
    for path in product(range(p.shape[1]), repeat=len(p)):
        if [k for k, _ in groupby(path) if k] == list(labels):
            total += np.prod([p[t, k] for t, k in enumerate(path)])
    return -np.log(total)


def test_ctc_loss():
    scores = RNG.normal(size=(5, 3, 3)) * 2
    labels = np.array([[1, 2, 0], [2, 2, 0], [0, 0, 0.0]])
    text = 'type: "CtcLoss" ctc_loss_param { blank_label: 0 }'
    (loss,) = make_layer(text, [scores, labels]).forward()
    want = [ctc(scores[:, 0], [1, 2]), ctc(scores[:, 1], [2, 2]), ctc(scores[:, 2], [])]
    np.testing.assert_allclose(loss, np.mean(want))
    check_gradient(text, [scores, labels])


def test_a_sequence_that_does_not_fit_costs_nothing():
    run = make_layer('type: "CtcLoss"', [RNG.normal(size=(3, 1, 3)), [[1, 1, 2, 0.0]]])
    assert run.forward()[0] == 0
    assert not run.backward(1.0)[0].any()


def test_ctc_loss_refuses():
    with pytest.raises(ParameterError, match="labels must be from 0 to 2; got 7"):
        make_layer('type: "CtcLoss"', [np.zeros((3, 1, 3)), [[7.0]]]).forward()
    with pytest.raises(ParameterError, match="blank_label must be from 0 to 2; got 5"):
        make_layer('type: "CtcLoss" ctc_loss_param { blank_label: 5 }', [np.zeros((3, 1, 3)), [[1.0]]])


def test_the_indicator_and_the_accuracy():
    text = 'type: "ContinuationIndicator" continuation_indicator_param { time_step: 3 axis: 1 }'
    (marks,) = make_layer(text, [np.zeros((3, 2, 5))]).forward()
    np.testing.assert_array_equal(marks, [[0, 0], [1, 1], [1, 1]])
    said = np.array([[1, 1, 0, 1, 2], [0, 2, 2, 0, 0], [1, 2, 1, 0, 0]])
    labels = np.array([[1, 1, 2, 0], [2, 0, 0, 0], [1, 2, 0, 0.0]])
    (share,) = make_layer('type: "LabelsequenceAccuracy"', [np.eye(3)[said], labels]).forward()
    np.testing.assert_allclose(share, 2 / 3)
