import numpy as np
import pytest

from cortado.errors import ShapeError
from cortado.testing import check_gradient, make_layer


def text(options: str = "") -> str:
    return f'type: "ContrastiveLoss" contrastive_loss_param {{ {options} }}'


@pytest.mark.parametrize(("margin", "legacy"), [(1, False), (2.5, False), (1, True), (8, True)])
def test_forward(rng, margin, legacy):
    a, b, similar = rng.normal(size=(6, 3)), rng.normal(size=(6, 3)), np.array([1, 0, 0, 1, 0, 0])
    squared = ((a - b) ** 2).sum(axis=1)
    apart = np.maximum(margin - squared, 0) if legacy else np.maximum(margin - np.sqrt(squared), 0) ** 2
    run = make_layer(text(f"margin: {margin} legacy_version: {str(legacy).lower()}"), [a, b, similar])
    np.testing.assert_allclose(run.forward()[0], np.where(similar, squared, apart).sum() / 12)


@pytest.mark.parametrize("options", ["margin: 3", "margin: 9 legacy_version: true", "margin: 0.1"])
def test_gradient(rng, options):
    a, b = rng.normal(size=(6, 3, 1, 1)), rng.normal(size=(6, 3, 1, 1))
    # the 1e-4 that guards against a distance of 0 is an error of that order, relative to the distance
    check_gradient(text(options), [a, b, [1, 0, 0, 1, 0, 0]], rtol=1e-3, skip_kinks=True)


def test_identical_pairs_have_no_gradient():
    a = np.ones((2, 3))
    run = make_layer(text(), [a, a, [0, 1]])
    np.testing.assert_allclose(run.forward()[0], 1 / 4)
    for diff in run.backward(1.0)[:2]:
        assert not diff.any()


def test_shapes_must_fit():
    with pytest.raises(ShapeError, match="as many elements; got 'x0' 2x3, 'x1' 2x4"):
        make_layer(text(), [np.ones((2, 3)), np.ones((2, 4)), np.ones(2)])
    with pytest.raises(ShapeError, match="one number for each of 2 pairs; got 'x2' 2x3"):
        make_layer(text(), [np.ones((2, 3)), np.ones((2, 3)), np.ones((2, 3))])
