import numpy as np
import pytest

from cortado.testing import check_gradient, make_layer


def block(dims):
    return f'type: "Parameter" parameter_param {{ shape {{ {" ".join(f"dim: {d}" for d in dims)} }} }}'


@pytest.mark.parametrize("dims", [(2, 3), (4,), ()])
def test_top_is_the_learned_blob(dims):
    run = make_layer(block(dims))
    assert run.layer.blobs[0].shape == dims
    assert not run.forward()[0].any()
    run.layer.blobs[0].data = 3
    np.testing.assert_array_equal(run.forward()[0], np.full(dims, 3))


def test_gradient():
    check_gradient(block((2, 3)))


def test_gradient_adds_up_over_passes():
    run = make_layer(block((2,)))
    run.forward()
    run.backward([1.0, 2.0])
    run.backward([1.0, 2.0])
    np.testing.assert_array_equal(run.layer.blobs[0].diff, [2, 4])


def test_what_is_done_to_the_top_in_place_leaves_the_blob_alone():
    run = make_layer(block((2,)))
    run.forward()
    run.top[0].data[...] = 7
    assert not run.layer.blobs[0].data.any()
    assert not run.forward()[0].any()
