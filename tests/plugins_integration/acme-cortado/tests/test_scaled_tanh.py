import numpy as np
import pytest

from cortado.testing import LayerCase


@pytest.mark.layer_cases(
    LayerCase('type: "ScaledTanH"', [(2, 3, 4)]),
    LayerCase('type: "ScaledTanH" scaled_tanh_param { height: 2 slope: 0.5 }', [(2, 3)], id="ScaledTanH-wide"),
    LayerCase('type: "ScaledTanH" scaled_tanh_param { shape: HARD }', [(2, 3, 4)], id="ScaledTanH-hard"),
)
def test_conformance(layer_check):
    layer_check()


def test_values(run_layer):
    (y,) = run_layer('type: "ScaledTanH"', [np.array([-1.0, 0.0, 1.0])]).forward()
    np.testing.assert_allclose(y, [-1, 0, 1], atol=2e-4)
