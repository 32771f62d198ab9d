import numpy as np
import pytest

from cortado.errors import ParameterError
from cortado.layers import Phase
from cortado.testing import check_gradient, make_layer


@pytest.mark.parametrize(("text", "ratio"), [("", 0.5), ("dropout_param { dropout_ratio: 0.3 }", 0.3)])
def test_training_drops_that_share_and_scales_the_rest(rng, text, ratio):
    x = rng.uniform(1, 2, size=(50, 400))
    run = make_layer(f'type: "Dropout" {text}', [x])
    (y,) = run.forward()
    kept = y != 0
    assert abs(kept.mean() - (1 - ratio)) < 5 * np.sqrt(ratio * (1 - ratio) / x.size)
    np.testing.assert_allclose(y[kept], x[kept] / (1 - np.float32(ratio)))
    (dx,) = run.backward(np.ones_like(x))
    np.testing.assert_array_equal(dx != 0, kept)
    again = run.forward()[0] != 0
    assert (again != kept).mean() > 0.3, "the mask is drawn anew each time"


def test_the_seed_decides():
    masks = [make_layer('type: "Dropout"', [np.ones(100)], seed=seed).forward()[0] for seed in (1, 1, 2)]
    np.testing.assert_array_equal(masks[0], masks[1])
    assert (masks[0] != masks[2]).any()


@pytest.mark.parametrize("top", ["x", "y"])
def test_testing_changes_nothing(rng, top):
    x = rng.normal(size=(3, 4))
    run = make_layer(f'layer {{ type: "Dropout" bottom: "x" top: "{top}" }}', [x], phase=Phase.TEST)
    np.testing.assert_array_equal(run.forward()[0], x)
    np.testing.assert_array_equal(run.backward(2 * x)[0], 2 * x)


def test_ratio_zero_keeps_everything(rng):
    x = rng.normal(size=(3, 4))
    run = make_layer('type: "Dropout" dropout_param { dropout_ratio: 0 }', [x])
    np.testing.assert_array_equal(run.forward()[0], x)


@pytest.mark.parametrize("top", ["x", "y"])
@pytest.mark.parametrize("phase", [Phase.TRAIN, Phase.TEST])
def test_gradient(rng, top, phase):
    check_gradient(f'layer {{ type: "Dropout" bottom: "x" top: "{top}" }}', [rng.normal(size=(4, 5))], phase=phase)


@pytest.mark.parametrize("ratio", ["1", "1.5", "-0.1", "nan"])
def test_other_ratios_are_refused(ratio):
    text = f'type: "Dropout" dropout_param {{ dropout_ratio: {ratio} }}'
    with pytest.raises(ParameterError, match=f"dropout_ratio must be from 0 up to, but not including, 1; got {ratio}"):
        make_layer(text, [[1.0]])


def test_nothing_is_allocated_before_the_first_forward():
    run = make_layer('layer { type: "Dropout" bottom: "x" top: "x" }', [np.ones(4)])
    assert run.layer.mask.nbytes == 0
    run.forward()
    held = run.layer.mask.data
    run.forward()
    assert run.layer.mask.data is held
