import numpy as np
import pytest

from cortado.testing import make_layer


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(x, cont, static, h, c, w_x, b, w_static, w_h):
    ys = []
    for x_t, cont_t in zip(x, cont, strict=True):
        h, c = h * cont_t[:, None], c * cont_t[:, None]
        i, f, o, g = np.split(x_t @ w_x.T + static @ w_static.T + h @ w_h.T + b, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        ys.append(h)
    return np.stack(ys), h[None], c[None]


@pytest.mark.parametrize("cont", [[[0, 0], [1, 1], [1, 0]], [[1, 0.5], [1, 1], [0, 0]]])
def test_forward(cont):
    names = " ".join(f'bottom: "{b}"' for b in ("x", "cont", "s", "h0", "c0"))
    param = "recurrent_param { num_output: 4 expose_hidden: true }"
    text = f'layer {{ type: "LSTM" {names} top: "y" top: "h" top: "c" {param} }}'
    x, static, h, c = draw(3, 2, 5), draw(2, 6, seed=1), draw(1, 2, 4, seed=2), draw(1, 2, 4, seed=3)
    run = make_layer(text, [x, cont, static, h, c])
    assert [blob.shape for blob in run.layer.blobs] == [(16, 5), (16,), (16, 6), (16, 4)]
    weights = [draw(*blob.shape, seed=9 + i) for i, blob in enumerate(run.layer.blobs)]
    for blob, value in zip(run.layer.blobs, weights, strict=True):
        blob.data = value
    for got, expected in zip(run.forward(), lstm(x, np.array(cont), static, h[0], c[0], *weights), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-10)
