from __future__ import annotations

from itertools import product

import pytest

from cortado.engines import ConvGeometry, PoolGeometry


def test_tuples_left_out_get_one_entry_per_axis():
    assert ConvGeometry((3, 2, 1)) == ConvGeometry((3, 2, 1), (1, 1, 1), (0, 0, 0), (1, 1, 1), 1)
    assert PoolGeometry((3,)) == PoolGeometry((3,), (1,), (0,), True)


def test_geometries_can_be_keys_and_cannot_be_changed():
    geometry = ConvGeometry((3, 3), pad=(1, 1))
    assert {geometry: 1}[ConvGeometry((3, 3), (1, 1), (1, 1))] == 1
    with pytest.raises(AttributeError, match="groups"):
        geometry.groups = 2


def test_tuples_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="shorter"):
        ConvGeometry((3, 3), stride=(1,)).output_size((5, 5))


def test_pointwise_means_that_the_columns_are_the_image():
    assert ConvGeometry((1, 1), groups=2, dilation=(3, 3)).pointwise
    assert not ConvGeometry((2, 1)).pointwise
    assert not ConvGeometry((1, 1), stride=(1, 2)).pointwise
    assert not ConvGeometry((1, 1), pad=(0, 1)).pointwise


def test_conv_output_counts_the_windows_that_fit():
    for size, kernel, stride, pad, dilation in product(range(1, 12), (1, 2, 3), (1, 2, 3), (0, 1, 2), (1, 2)):
        geometry = ConvGeometry((kernel,), (stride,), (pad,), (dilation,))
        last = size + 2 * pad - (dilation * (kernel - 1) + 1)
        fitting = len(range(0, last + 1, stride))
        assert max(0, *geometry.output_size((size,))) == fitting


def test_deconv_output_is_undone_by_the_convolution():
    for size, kernel, stride, pad, dilation in product(range(1, 9), (1, 2, 3), (1, 2, 3), (0, 1), (1, 2)):
        geometry = ConvGeometry((kernel,), (stride,), (pad,), (dilation,))
        grown = geometry.deconv_output_size((size,))
        if grown[0] >= 1:
            assert geometry.output_size(grown) == (size,)


def windows(size, kernel, stride, pad, ceil, padded):
    """Lay windows until one reaches the far end of the padding; without ceil it has to fit, too."""
    starts = [-pad]
    while starts[-1] + kernel < size + pad:
        starts.append(starts[-1] + stride)
    if not ceil and starts[-1] + kernel > size + pad:
        starts.pop()
    if padded and starts and starts[-1] >= size:
        starts.pop()
    return len(starts)


@pytest.mark.parametrize("ceil", [True, False])
def test_pool_output_counts_the_windows(ceil):
    for size, kernel, stride, pad, other in product(range(1, 12), (1, 2, 3, 4), (1, 2, 3), (0, 1, 2), (0, 1)):
        if pad < kernel <= size + 2 * pad:
            geometry = PoolGeometry((kernel, 2), (stride, 1), (pad, other), ceil)
            want = windows(size, kernel, stride, pad, ceil, pad + other > 0)
            assert geometry.output_size((size, 5))[0] == want, geometry


@pytest.mark.parametrize(
    ("size", "geometry", "out"),
    [
        (55, PoolGeometry((3,), (2,)), 27),
        (112, PoolGeometry((3,), (2,)), 56),
        (112, PoolGeometry((3,), (2,), ceil=False), 55),
        (24, PoolGeometry((2,), (2,)), 12),
        (4, PoolGeometry((2,), (2,), (1,)), 3),
        (6, PoolGeometry((1,), (2,)), 4),
    ],
)
def test_pool_output_of_known_layers(size, geometry, out):
    assert geometry.output_size((size,)) == (out,)
