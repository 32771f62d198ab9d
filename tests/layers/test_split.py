import numpy as np

from cortado.testing import check_gradient, make_layer


def test_tops_are_the_bottom(rng):
    x = rng.normal(size=(2, 3))
    run = make_layer('type: "Split" top: "a" top: "b"', [x])
    for top in run.top:
        assert np.shares_memory(top.data, run.bottom[0].data)
    assert [y.tolist() for y in run.forward()] == [x.tolist()] * 2


def test_gradients_add_up_and_stay():
    run = make_layer('type: "Split" top: "a" top: "b" top: "c"', [[0.0, 0.0]])
    (dx,) = run.backward([1.0, 2.0], [10.0, 20.0], [100.0, 200.0])
    np.testing.assert_array_equal(dx, [111, 222])
    np.testing.assert_array_equal(run.top[0].diff, [1, 2])


def test_gradient(rng):
    check_gradient('type: "Split" top: "a"', [rng.normal(size=(2, 3))])
    check_gradient('type: "Split" top: "a" top: "b" top: "c"', [rng.normal(size=(2, 3))])


def test_shape_follows(rng):
    run = make_layer('type: "Split" top: "a" top: "b"', [rng.normal(size=(2, 3))])
    x = rng.normal(size=(4, 5, 6))
    np.testing.assert_array_equal(run.forward(x)[1], x)
