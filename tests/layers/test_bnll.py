import numpy as np

from cortado.testing import check_gradient, make_layer


def test_forward_is_softplus_without_overflow():
    run = make_layer('type: "BNLL"', [[-1000.0, 0.0, 1.0, 1000.0]])
    np.testing.assert_allclose(run.forward()[0], [0, np.log(2), np.log1p(np.e), 1000], rtol=1e-12)


def test_gradient_at_the_ends():
    run = make_layer('type: "BNLL"', [[-1000.0, 0.0, 1000.0]])
    run.forward()
    np.testing.assert_allclose(run.backward([2.0, 2.0, 2.0])[0], [0, 1, 2])


def test_gradient():
    check_gradient('type: "BNLL"', [np.random.default_rng(0).normal(size=(2, 3, 4, 5))])
