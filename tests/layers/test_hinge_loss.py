import numpy as np
import pytest

from cortado.errors import ShapeError
from cortado.testing import check_gradient, make_layer


@pytest.mark.parametrize(
    ("norm", "power"), [("", 1), ("hinge_loss_param { norm: L1 }", 1), ("hinge_loss_param { norm: L2 }", 2)]
)
def test_forward(rng, norm, power):
    x, labels = rng.normal(size=(5, 4)), rng.integers(0, 4, size=5)
    signs = np.where(np.arange(4) == labels[:, None], -1, 1)
    (loss,) = make_layer(f'type: "HingeLoss" {norm}', [x, labels]).forward()
    np.testing.assert_allclose(loss, (np.maximum(0, 1 + signs * x) ** power).sum() / 5)


@pytest.mark.parametrize("norm", ["L1", "L2"])
@pytest.mark.parametrize("shape", [(5, 4), (3, 2, 2, 1)])
def test_gradient(rng, norm, shape):
    text = f'type: "HingeLoss" hinge_loss_param {{ norm: {norm} }}'
    check_gradient(text, [rng.normal(size=shape), rng.integers(0, 4, size=shape[0])], skip_kinks=True)


def test_on_the_margin_the_gradient_is_zero():
    run = make_layer('type: "HingeLoss"', [[[1.0, -1.0, 0.0]], [0.0]])
    assert run.forward()[0] == 1
    np.testing.assert_array_equal(run.backward(1.0)[0], [[0, 0, 1]])


def test_one_label_per_item():
    with pytest.raises(ShapeError, match="one label for each of 2 items; got 'x1' 2x3"):
        make_layer('type: "HingeLoss"', [np.ones((2, 3)), np.zeros((2, 3))])
