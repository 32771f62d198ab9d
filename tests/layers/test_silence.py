import numpy as np

from cortado.testing import make_layer


def test_gradients_become_zero_where_wanted():
    run = make_layer('type: "Silence"', [np.ones(3), np.ones((2, 2))])
    assert run.forward() == []
    for blob in run.bottom:
        blob.diff[...] = 7
    first, second = run.backward(propagate_down=[True, False])
    assert not first.any()
    assert (second == 7).all()
