import numpy as np
import pytest

from cortado.errors import DataError, ParameterError
from cortado.testing import check_gradient, make_layer

INDEX = [[0.0, 3.0], [3.0, 1.0]]


def block(param=""):
    return f'type: "Embed" embed_param {{ input_dim: 4 num_output: 5 {param} }}'


@pytest.mark.parametrize("bias", ["true", "false"])
@pytest.mark.parametrize("index", [INDEX, [2.0], 1.0, np.zeros((2, 1, 3, 1)), np.zeros(0)])
def test_forward(bias, index):
    run = make_layer(block(f"bias_term: {bias}"), [index])
    assert [blob.shape for blob in run.layer.blobs] == [(4, 5), (5,)][: 1 + (bias == "true")]
    for seed, blob in enumerate(run.layer.blobs):
        blob.data = np.random.default_rng(seed).normal(size=blob.shape)
    expected = run.layer.blobs[0].data[np.asarray(index, int)]
    if bias == "true":
        expected = expected + run.layer.blobs[1].data
    np.testing.assert_array_equal(run.forward()[0], expected)


@pytest.mark.parametrize("bias", ["true", "false"])
def test_gradient(bias):
    check_gradient(block(f"bias_term: {bias}"), [INDEX])


def test_rows_that_come_twice_add_up_and_passes_accumulate():
    run = make_layer(block(), [INDEX])
    run.forward()
    dy = np.arange(20.0).reshape(2, 2, 5)
    run.backward(dy)
    run.backward(dy)
    dw = run.layer.blobs[0].diff
    np.testing.assert_array_equal(dw[3], 2 * (dy[0, 1] + dy[1, 0]))
    np.testing.assert_array_equal(dw[2], 0)


@pytest.mark.parametrize("index", [4, -1, 1e9, np.inf])
def test_indices_are_checked(index):
    run = make_layer(block(), [[0.0, index]])
    with pytest.raises(DataError, match=r"\(Embed\): indices in 'x0' must be from 0 to 3, below input_dim; got"):
        run.forward()


def test_sizes_are_required():
    for field in ("num_output", "input_dim"):
        other = {"num_output": "input_dim", "input_dim": "num_output"}[field]
        with pytest.raises(ParameterError, match=f"{field} must be set, and at least 1"):
            make_layer(f'type: "Embed" embed_param {{ {other}: 3 }}', [[0.0]])


def test_no_gradient_to_indices():
    run = make_layer(block(), [INDEX])
    run.forward()
    assert run.differentiable() == [False]
    run.bottom[0].diff[...] = np.nan
    assert not run.backward(1, propagate_down=[True])[0].any()
