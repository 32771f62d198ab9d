"""HardSigmoid: its values and slope."""

from __future__ import annotations

import numpy as np
import pytest

from cortado.errors import ParameterError, ParseError
from cortado.testing import check_gradient, make_layer


@pytest.mark.parametrize(("alpha", "beta"), [(0.2, 0.5), (0.5, 0.25)])
def test_forward(alpha, beta):
    x = np.linspace(-5, 5, 41)
    text = f'type: "HardSigmoid" hard_sigmoid_param {{ alpha: {alpha} beta: {beta} }}'
    np.testing.assert_allclose(make_layer(text, [x]).forward()[0], np.clip(alpha * x + beta, 0, 1), rtol=1e-6)


@pytest.mark.parametrize("top", ["x", "y"])
def test_gradient(top):
    text = f'layer {{ type: "HardSigmoid" bottom: "x" top: "{top}" }}'
    check_gradient(text, [np.array([-4, -2.4, -1, 0, 1.3, 2.4, 2.6, 9])])


@pytest.mark.parametrize(("text", "message"), [("alpha: 0", "alpha: must be greater than 0"), ("beta: 2", "at most 1")])
def test_rules(text, message):
    with pytest.raises((ParseError, ParameterError), match=message):
        make_layer(f'type: "HardSigmoid" hard_sigmoid_param {{ {text} }}', [np.zeros(1)])
