"""MulticlassHingeLoss: its values by hand, its first value, its gradient."""

from __future__ import annotations

import numpy as np
import pytest

from cortado.errors import DataError
from cortado.testing import check_gradient, make_layer

LABELS = np.array([2.0, 0.0, 3.0])


def test_by_hand():
    scores = np.array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])
    (loss,) = make_layer('type: "MulticlassHingeLoss"', [scores, np.array([0.0, 1.0, 2.0])]).forward()
    assert float(loss) == pytest.approx((2.9 + 0 + 12.9) / 3)


@pytest.mark.parametrize(("classes", "margin"), [(2, 1), (10, 1), (10, 0.5), (1000, 3)])
def test_with_scores_alike_it_is_classes_less_one_times_margin(classes, margin):
    text = f'type: "MulticlassHingeLoss" multiclass_hinge_loss_param {{ margin: {margin} }}'
    (loss,) = make_layer(text, [np.full((4, classes), 7.0), np.zeros(4)]).forward()
    assert float(loss) == pytest.approx((classes - 1) * margin)


@pytest.mark.parametrize("norm", ["L1", "L2"])
@pytest.mark.parametrize("shape", [(3, 4), (3, 2, 2)])
def test_gradient(norm, shape, rng):
    text = f'type: "MulticlassHingeLoss" multiclass_hinge_loss_param {{ norm: {norm} margin: 0.5 }}'
    check_gradient(text, [rng.normal(size=shape), LABELS])


def test_labels_are_checked():
    with pytest.raises(DataError, match="labels must be from 0 to 3"):
        make_layer('type: "MulticlassHingeLoss"', [np.zeros((2, 4)), np.array([0.0, 4.0])]).forward()
