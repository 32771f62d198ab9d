import numpy as np
import pytest

from cortado.errors import ParameterError, PluginError
from cortado.testing import make_layer


def text(options: str, tops: int = 1) -> str:
    names = " ".join(f'top: "y{i}"' for i in range(tops))
    return f'type: "DummyData" {names} dummy_data_param {{ {options} }}'


def test_zeros_unless_told_otherwise():
    (y,) = make_layer(text("shape { dim: 2 dim: 3 }")).forward()
    np.testing.assert_array_equal(y, np.zeros((2, 3)))


def test_old_sizes():
    options = "num: 2 num: 4 channels: 3 height: 1 width: 5 width: 6"
    assert [y.shape for y in make_layer(text(options, 2)).forward()] == [(2, 3, 1, 5), (4, 3, 1, 6)]


def test_constants_stay_and_others_are_drawn_anew():
    options = 'shape { dim: 50 } data_filler { value: 3 } data_filler { type: "gaussian" }'
    run = make_layer(text(options, 2))
    constant, random = run.forward()
    assert (constant == 3).all()
    run.top[0].data[0] = 7
    again, other = run.forward()
    assert again[0] == 7
    assert (random != other).all()


def test_one_filler_for_all_tops_draws_different_numbers():
    a, b = make_layer(text('shape { dim: 9 } data_filler { type: "uniform" }', 2)).forward()
    assert (a != b).all()


def test_the_seed_decides():
    options = text('shape { dim: 9 } data_filler { type: "uniform" }')
    draws = [make_layer(options, seed=seed).forward()[0] for seed in (1, 1, 2)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).all()


def test_building_takes_no_memory():
    assert make_layer(text("shape { dim: 1000000 dim: 100000 }")).top[0].nbytes == 0


@pytest.mark.parametrize(
    ("options", "tops", "rule"),
    [
        ("", 1, "shape must be given once, or once per top"),
        ("shape { dim: 1 } shape { dim: 1 }", 3, r"shape must be given once, or once per top \(3\); got 2 times"),
        ("shape { dim: 1 } num: 2", 1, "shape and the old num must not both be given"),
        ("num: 1 channels: 1 height: 1", 1, "width must be given once, or once per top"),
        ("shape { dim: 1 } data_filler { } data_filler { }", 3, "data_filler must be given once"),
        ('shape { dim: 1 } data_filler { type: "bilinear" }', 1, "'bilinear' needs a blob of 4 axes"),
    ],
)
def test_refused(options, tops, rule):
    with pytest.raises(ParameterError, match=rule):
        make_layer(text(options, tops))


def test_unknown_filler():
    with pytest.raises(PluginError, match=r"unknown filler type 'gausian'.*did you mean 'gaussian'"):
        make_layer(text('shape { dim: 1 } data_filler { type: "gausian" }'))
