import numpy as np
import pytest

from cortado.testing import make_layer


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def rnn(x, cont, static, h, w_x, b_h, w_static, w_h, w_o, b_o):
    ys = []
    for x_t, cont_t in zip(x, cont, strict=True):
        h = np.tanh(x_t @ w_x.T + static @ w_static.T + (h * cont_t[:, None]) @ w_h.T + b_h)
        ys.append(np.tanh(h @ w_o.T + b_o))
    return np.stack(ys), h[None]


@pytest.mark.parametrize("cont", [[[0, 0], [1, 1], [1, 0]], [[1, 0.5], [1, 1], [0, 0]]])
def test_forward(cont):
    names = " ".join(f'bottom: "{b}"' for b in ("x", "cont", "s", "h0"))
    text = f'layer {{ type: "RNN" {names} top: "y" top: "h" recurrent_param {{ num_output: 4 expose_hidden: true }} }}'
    x, static, h = draw(3, 2, 5), draw(2, 6, seed=1), draw(1, 2, 4, seed=2)
    run = make_layer(text, [x, cont, static, h])
    assert [blob.shape for blob in run.layer.blobs] == [(4, 5), (4,), (4, 6), (4, 4), (4, 4), (4,)]
    weights = [draw(*blob.shape, seed=9 + i) for i, blob in enumerate(run.layer.blobs)]
    for blob, value in zip(run.layer.blobs, weights, strict=True):
        blob.data = value
    for got, expected in zip(run.forward(), rnn(x, np.array(cont), static, h[0], *weights), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-10)
