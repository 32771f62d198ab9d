"""PriorBox, PriorBoxClustered, Normalize and Permute against formulas written as loops."""

import math

import numpy as np
import pytest

from cortado.errors import ParameterError
from cortado.testing import check_gradient, make_layer

FEATURES, IMAGE = np.zeros((1, 2, 3, 5)), np.zeros((1, 3, 60, 100))


def priors(text, features=FEATURES, image=IMAGE):
    (top,) = make_layer(f'type: "PriorBox" prior_box_param {{ {text} }}', [features, image]).forward()
    return top


def by_loops(sizes, height, width, img_h, img_w, offset=0.5):
    rows = []
    for i in range(height):
        for j in range(width):
            x, y = (j + offset) * img_w / width, (i + offset) * img_h / height
            for w, h in sizes:
                rows.append([(x - w / 2) / img_w, (y - h / 2) / img_h, (x + w / 2) / img_w, (y + h / 2) / img_h])
    return np.array(rows)


def test_prior_boxes_are_square_geometric_mean_then_each_ratio_and_its_inverse():
    top = priors("min_size: 20.9 max_size: 45.9 aspect_ratio: 2 aspect_ratio: 1 aspect_ratio: 2 variance: 0.2")
    r = math.sqrt(2)
    sizes = [(20, 20), (30, 30), (20 * r, 20 / r), (20 / r, 20 * r)]
    assert top.shape == (1, 2, 3 * 5 * 4 * 4)
    np.testing.assert_allclose(top[0, 0].reshape(-1, 4), by_loops(sizes, 3, 5, 60, 100), atol=1e-12)
    assert (top[0, 1] == np.float32(0.2)).all()


def test_no_flip_clip_step_offset_and_the_size_of_the_image():
    top = priors(
        "min_size: 40 aspect_ratio: 4 flip: false clip: true step: 10 img_size: 50 offset: 0"
        " variance: 0.1 variance: 0.2 variance: 0.3 variance: 0.4"
    )
    boxes = top[0, 0].reshape(3, 5, 2, 4)
    np.testing.assert_allclose(boxes[0, 0, 0], [0, 0, 0.4, 0.4])
    np.testing.assert_allclose(boxes[1, 2, 0], [0, 0, 0.8, 0.6])
    np.testing.assert_allclose(boxes[1, 2, 1], [0, 0, 1, 0.4])
    np.testing.assert_allclose(top[0, 1].reshape(-1, 4)[7], [0.1, 0.2, 0.3, 0.4])


def test_an_image_of_another_size_makes_other_boxes():
    run = make_layer('type: "PriorBox" prior_box_param { min_size: 20 }', [FEATURES, IMAGE])
    (first,) = run.forward()
    (second,) = run.forward(FEATURES, np.zeros((1, 3, 120, 200)))
    assert not np.allclose(first, second)
    np.testing.assert_allclose(second[0, 0].reshape(-1, 4), by_loops([(20, 20)], 3, 5, 120, 200))


def test_textboxes_has_several_centres_in_a_cell():
    top = priors("min_size: 10 aspect_ratio: 4 flip: false offset_h: 0.5 offset_w: 0.5 offset_h: 1 offset_w: 0.5")
    centre = by_loops([(10, 10), (20, 5)], 3, 5, 60, 100).reshape(15, 2, 4)
    lower = centre + np.array([0, 0.5 / 3, 0, 0.5 / 3])
    np.testing.assert_allclose(top[0, 0].reshape(15, 4, 4), np.concatenate([centre, lower], 1), atol=1e-12)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "min_size must be given"),
        ("min_size: -1", "min_size must be greater than 0"),
        ("min_size: 4 max_size: 4", "max_size must be greater than min_size"),
        ("min_size: 4 variance: 1 variance: 1", "variance must be given once, or four times"),
        ("min_size: 4 step: 2 step_h: 2", "step and step_h, step_w must not both be given"),
    ],
)
def test_what_prior_box_refuses(text, rule):
    with pytest.raises(ParameterError, match=rule):
        priors(text)


def test_clustered_boxes_have_the_given_sizes():
    text = 'type: "PriorBoxClustered" prior_box_param { width: 10 width: 20 height: 30 height: 5 }'
    (top,) = make_layer(text, [FEATURES, IMAGE]).forward()
    np.testing.assert_allclose(top[0, 0].reshape(-1, 4), by_loops([(10, 30), (20, 5)], 3, 5, 60, 100), atol=1e-12)


@pytest.mark.parametrize("across", [True, False])
@pytest.mark.parametrize("shared", [True, False])
def test_normalize(across, shared):
    x = np.random.default_rng(1).normal(size=(2, 3, 4, 5))
    text = f'type: "Normalize" norm_param {{ across_spatial: {across} channel_shared: {shared} }}'
    text = text.replace("True", "true").replace("False", "false")
    run = make_layer(text, [x])
    scale = np.arange(2.0, 5.0) if not shared else np.array(3.0)
    run.layer.blobs[0].data[...] = scale
    (y,) = run.forward()
    length = np.sqrt((x * x).sum(axis=(1, 2, 3) if across else 1, keepdims=True))
    np.testing.assert_allclose(y, x / length * (scale if shared else scale[:, None, None]))
    check_gradient(text, [x])


def test_permute_moves_axes_and_gradients_back():
    x = np.random.default_rng(1).normal(size=(2, 3, 4, 5))
    run = make_layer('type: "Permute" permute_param { order: 0 order: 2 order: 3 }', [x])
    (y,) = run.forward()
    np.testing.assert_array_equal(y, x.transpose(0, 2, 3, 1))
    check_gradient('type: "Permute" permute_param { order: 3 order: 1 }', [x])


@pytest.mark.parametrize("order", ["order: 4", "order: 1 order: 1"])
def test_permute_refuses_what_is_no_order(order):
    with pytest.raises(ParameterError, match="order must"):
        make_layer(f'type: "Permute" permute_param {{ {order} }}', [np.zeros((2, 3, 4, 5))])
