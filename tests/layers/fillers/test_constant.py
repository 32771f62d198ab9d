import numpy as np


def test_value(fill):
    np.testing.assert_array_equal(fill('type: "constant" value: -0.75', (2, 3)), np.full((2, 3), -0.75))


def test_a_filler_is_constant_zero_unless_it_says_otherwise(fill):
    np.testing.assert_array_equal(fill("", (2, 3)), np.zeros((2, 3)))
    np.testing.assert_array_equal(fill("value: 2", ()), np.full((), 2))
