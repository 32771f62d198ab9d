"""ROIPooling and PSROIPooling against formulas written as loops over bins and pixels."""

import math

import numpy as np
import pytest

from cortado.errors import DataError, ParameterError, ShapeError
from cortado.testing import check_gradient, make_layer

RNG = np.random.default_rng(4)
X = RNG.normal(size=(2, 2, 9, 11))
REGIONS = np.array(
    [[0, 0, 0, 10, 8], [1, 2, 3, 7, 5], [0, 5, 5, 5, 5], [1, 8, 6, 30, 20], [0, 40, 40, 50, 50], [1, 3, 2, 1, 1.0]]
)


def near(value):
    return math.floor(value + 0.5)


def roi_pool(x, regions, high, wide, scale):
    out = np.zeros((len(regions), x.shape[1], high, wide))
    for r, (image, *corners) in enumerate(regions):
        x1, y1, x2, y2 = (near(c * scale) for c in corners)
        h, w = max(y2 - y1 + 1, 1) / high, max(x2 - x1 + 1, 1) / wide
        for i in range(high):
            for j in range(wide):
                rows = range(max(0, math.floor(i * h) + y1), min(x.shape[2], math.ceil((i + 1) * h) + y1))
                columns = range(max(0, math.floor(j * w) + x1), min(x.shape[3], math.ceil((j + 1) * w) + x1))
                if rows and columns:
                    out[r, :, i, j] = x[int(image)][:, rows.start : rows.stop, columns.start : columns.stop].max((1, 2))
    return out


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_roi_pooling(scale):
    text = f'type: "ROIPooling" roi_pooling_param {{ pooled_h: 3 pooled_w: 2 spatial_scale: {scale} }}'
    (top,) = make_layer(text, [X, REGIONS]).forward()
    np.testing.assert_array_equal(top, roi_pool(X, REGIONS, 3, 2, scale))
    check_gradient(text, [X, REGIONS])


def test_of_equal_maxima_the_first_gets_the_gradient():
    run = make_layer(
        'type: "ROIPooling" roi_pooling_param { pooled_h: 1 pooled_w: 1 }',
        [np.zeros((1, 1, 2, 3)), [[0, 0, 0, 2, 1.0]]],
    )
    run.forward()
    np.testing.assert_array_equal(run.backward([[[[5.0]]]])[0], [[[[5, 0, 0], [0, 0, 0]]]])


def psroi_pool(x, regions, outputs, k, scale):
    out = np.zeros((len(regions), outputs, k, k))
    for r, (image, *corners) in enumerate(regions):
        x1, y1, x2, y2 = (near(c) for c in corners)
        x1, y1, x2, y2 = x1 * scale, y1 * scale, (x2 + 1) * scale, (y2 + 1) * scale
        h, w = max(y2 - y1, 0.1) / k, max(x2 - x1, 0.1) / k
        for i in range(k):
            for j in range(k):
                rows = range(max(0, math.floor(i * h + y1)), min(x.shape[2], math.ceil((i + 1) * h + y1)))
                columns = range(max(0, math.floor(j * w + x1)), min(x.shape[3], math.ceil((j + 1) * w + x1)))
                for c in range(outputs):
                    part = x[int(image), (c * k + i) * k + j, rows.start : rows.stop, columns.start : columns.stop]
                    out[r, c, i, j] = part.mean() if part.size else 0
    return out


@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_psroi_pooling(scale):
    x = RNG.normal(size=(2, 2 * 4, 7, 8))
    text = f'type: "PSROIPooling" psroi_pooling_param {{ spatial_scale: {scale} output_dim: 2 group_size: 2 }}'
    (top,) = make_layer(text, [x, REGIONS]).forward()
    np.testing.assert_allclose(top, psroi_pool(x, REGIONS, 2, 2, scale), atol=1e-12)
    check_gradient(text, [x, REGIONS], atol=1e-6)


def test_no_regions_make_no_features():
    text = 'type: "ROIPooling" roi_pooling_param { pooled_h: 3 pooled_w: 2 }'
    run = make_layer(text, [X, np.zeros((0, 5))])
    assert run.forward()[0].shape == (0, 2, 3, 2)
    assert not run.backward(np.zeros((0, 2, 3, 2)))[0].any()


def test_what_they_refuse():
    with pytest.raises(ParameterError, match="pooled_h must be at least 1"):
        make_layer('type: "ROIPooling"', [X, REGIONS])
    text = 'type: "ROIPooling" roi_pooling_param { pooled_h: 2 pooled_w: 2 }'
    with pytest.raises(ShapeError, match="rows of 5 numbers"):
        make_layer(text, [X, REGIONS[:, :4]])
    with pytest.raises(DataError, match="its image, 0 to 1; got 2"):
        make_layer(text, [X, [[2, 0, 0, 1, 1.0]]]).forward()
    with pytest.raises(ShapeError, match="group_size² = 18 channels"):
        make_layer(
            'type: "PSROIPooling" psroi_pooling_param { spatial_scale: 1 output_dim: 2 group_size: 3 }', [X, REGIONS]
        )


def test_an_edge_that_is_a_whole_number_takes_no_further_column():
    """Thirds of two columns, in single precision: 3 · (2 / 3) must not be a little more than 2."""
    x = np.arange(9 * 8 * 10, dtype=np.float32).reshape(1, 9, 8, 10)
    region = np.array([[0, 6, 2, 9, 15]], np.float32)
    text = 'type: "PSROIPooling" psroi_pooling_param { spatial_scale: 0.5 output_dim: 1 group_size: 3 }'
    (y,) = make_layer(text, [x, region], dtype=np.float32).forward()
    np.testing.assert_allclose(y[0, 0, 0, 2], x[0, 2, 1:4, 4:5].mean())
