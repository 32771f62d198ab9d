import numpy as np
import pytest

from cortado.errors import NetError, ParameterError, ShapeError
from cortado.layers import Phase
from cortado.testing import check_gradient, make_layer


def text(options: str, tops: str = "") -> str:
    return f'type: "Pooling" {tops} pooling_param {{ {options} }}'


def windows(x, kernel, stride, pad):
    """For each output: the pixels of its window inside the image, and the area that a mean divides by."""
    (height, width), out = x.shape[2:], []
    for n, s, k, p in zip((height, width), stride, kernel, pad, strict=True):
        count = -(-(n + 2 * p - k) // s) + 1
        out.append(count - 1 if any(pad) and (count - 1) * s >= n + p else count)
    for h, w in np.ndindex(*out):
        top, left = h * stride[0] - pad[0], w * stride[1] - pad[1]
        bottom, right = min(top + kernel[0], height + pad[0]), min(left + kernel[1], width + pad[1])
        yield h, w, x[:, :, max(top, 0) : bottom, max(left, 0) : right], (bottom - top) * (right - left)


CASES = [
    ("kernel_size: 2", (2, 2), (1, 1), (0, 0)),
    ("kernel_size: 2 stride: 2", (2, 2), (2, 2), (0, 0)),
    ("kernel_size: 3 stride: 2", (3, 3), (2, 2), (0, 0)),
    ("kernel_size: 3 stride: 2 pad: 1", (3, 3), (2, 2), (1, 1)),
    ("kernel_size: 2 stride: 3 pad: 1", (2, 2), (3, 3), (1, 1)),
    ("kernel_h: 3 kernel_w: 2 stride_h: 1 stride_w: 2 pad_h: 2 pad_w: 0", (3, 2), (1, 2), (2, 0)),
    ("global_pooling: true", (5, 6), (1, 1), (0, 0)),
]


@pytest.mark.parametrize(("options", "kernel", "stride", "pad"), CASES)
def test_forward_is_the_definition(rng, options, kernel, stride, pad):
    x = rng.normal(size=(2, 3, 5, 6))
    (most,) = make_layer(text(options), [x]).forward()
    (mean,) = make_layer(text(f"pool: AVE {options}"), [x]).forward()
    count = 0
    for h, w, pixels, area in windows(x, kernel, stride, pad):
        np.testing.assert_array_equal(most[:, :, h, w], pixels.max(axis=(2, 3)))
        np.testing.assert_allclose(mean[:, :, h, w], pixels.sum(axis=(2, 3)) / area)
        count += 1
    assert most.shape[2] * most.shape[3] == count


@pytest.mark.parametrize("pool", ["MAX", "AVE"])
@pytest.mark.parametrize("options", [case[0] for case in CASES])
def test_gradient(rng, pool, options):
    check_gradient(text(f"pool: {pool} {options}"), [rng.normal(size=(2, 2, 5, 6))])


def test_round_mode():
    x = np.ones((1, 1, 6, 6))
    assert make_layer(text("kernel_size: 3 stride: 2"), [x]).top[0].shape == (1, 1, 3, 3)
    assert make_layer(text("kernel_size: 3 stride: 2 round_mode: FLOOR"), [x]).top[0].shape == (1, 1, 2, 2)


def test_mask_names_the_first_maximum(rng):
    x = np.array([[[[1.0, 5, 5], [5, 2, 3]]], [[[0, -1, -1], [-1, -1, 7]]]])
    run = make_layer(text("kernel_size: 2", 'top: "y" top: "mask"'), [x])
    y, mask = run.forward()
    np.testing.assert_array_equal(y[:, 0, 0], [[5, 5], [0, 7]])
    np.testing.assert_array_equal(mask[:, 0, 0], [[1, 1], [0, 5]])
    (dx,) = run.backward(np.ones_like(y), np.full_like(mask, 100))
    np.testing.assert_array_equal(dx[0, 0], [[0, 2, 0], [0, 0, 0]])
    check_gradient(text("kernel_size: 2", 'top: "y" top: "mask"'), [rng.normal(size=(1, 2, 3, 3))], ignore_tops=[1])


def test_global_pooling_follows_the_image(rng):
    run = make_layer(text("pool: AVE global_pooling: true"), [rng.normal(size=(1, 2, 3, 4))])
    x = rng.normal(size=(2, 2, 7, 5))
    np.testing.assert_allclose(run.forward(x)[0][..., 0, 0], x.mean(axis=(2, 3)))


class TestStochastic:
    OPTIONS = "pool: STOCHASTIC kernel_size: 2 stride: 2"

    def test_training_draws_pixels_by_their_value(self):
        x = np.broadcast_to([[1.0, 2.0], [0.0, 5.0]], (4000, 1, 2, 2))
        (y,) = make_layer(text(self.OPTIONS), [x]).forward()
        for value, share in ((1, 1 / 8), (2, 2 / 8), (5, 5 / 8)):
            assert abs((y == value).mean() - share) < 5 * np.sqrt(share * (1 - share) / 4000)
        assert not (y == 0).any()

    def test_testing_gives_the_expected_value(self, rng):
        x = rng.uniform(size=(2, 3, 4, 4))
        (y,) = make_layer(text(self.OPTIONS), [x], phase=Phase.TEST).forward()
        for h, w, pixels, _ in windows(x, (2, 2), (2, 2), (0, 0)):
            np.testing.assert_allclose(y[:, :, h, w], (pixels**2).sum(axis=(2, 3)) / pixels.sum(axis=(2, 3)))
        (dark,) = make_layer(text(self.OPTIONS), [np.zeros((1, 1, 2, 2))], phase=Phase.TEST).forward()
        assert dark == 0

    def test_gradient(self, rng):
        check_gradient(text(self.OPTIONS), [rng.uniform(1, 2, size=(2, 2, 4, 4))])

    def test_backward_is_for_training(self, rng):
        run = make_layer(text(self.OPTIONS), [rng.uniform(size=(1, 1, 4, 4))], phase=Phase.TEST)
        y = run.forward()
        with pytest.raises(NetError, match="backward pass in the TRAIN phase only"):
            run.backward(*y)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ("", "kernel_size, or kernel_h and kernel_w, must be given"),
        ("kernel_size: 0", "kernel_size must be at least 1; got 0"),
        ("kernel_size: 2 kernel_h: 2 kernel_w: 2", "kernel_size and kernel_h, kernel_w must not both be given"),
        ("kernel_h: 2", "kernel_h and kernel_w must be given together"),
        ("kernel_size: 2 stride: 0", "stride must be at least 1; got 0"),
        ("kernel_size: 2 stride: 2 stride_h: 2 stride_w: 2", "stride and stride_h, stride_w must not both be given"),
        ("kernel_size: 2 pad_w: 1", "pad_h and pad_w must be given together"),
        ("kernel_size: 2 pad: 2", r"pad must be less than the kernel \(2\); got 2"),
        ("kernel_h: 3 kernel_w: 2 pad_h: 2 pad_w: 2", r"pad_w must be less than the kernel \(2\); got 2"),
        ("kernel_size: 2 pad: 1 pool: STOCHASTIC", "pad must be 0 with STOCHASTIC pooling; got 1"),
        ("global_pooling: true kernel_size: 2", "kernel_size must be left out with global_pooling"),
        ("global_pooling: true stride: 2", "stride must be 1 with global_pooling"),
        ("global_pooling: true pad: 1", "pad must be 0 with global_pooling"),
    ],
)
def test_refused_parameters(options, rule):
    with pytest.raises(ParameterError, match=rule) as caught:
        make_layer(text(options), [np.ones((1, 1, 4, 4))])
    assert str(caught.value).startswith("layer.prototxt:1:")


def test_the_mask_is_left_out_where_nobody_reads_it(rng):
    x = rng.normal(size=(2, 3, 9, 8))
    run, lean = (make_layer(text("kernel_size: 3 stride: 2"), [x]) for _ in range(2))
    lean.layer.runs_backward = False
    np.testing.assert_array_equal(lean.forward()[0], run.forward()[0])
    assert (lean.layer.mask.nbytes, run.layer.mask.nbytes) == (0, 4 * run.top[0].count)
    shown = make_layer(text("kernel_size: 3 stride: 2", 'top: "y" top: "mask"'), [x])
    shown.layer.runs_backward = False
    np.testing.assert_array_equal(shown.forward()[1], run.layer.mask.data)


def test_only_max_has_a_mask():
    with pytest.raises(ParameterError, match="only MAX pooling has a second top"):
        make_layer(text("pool: AVE kernel_size: 2", 'top: "y" top: "mask"'), [np.ones((1, 1, 4, 4))])


@pytest.mark.parametrize("shape", [(2, 3, 4), (1, 2, 3, 4, 5)])
def test_four_axes(shape):
    with pytest.raises(ShapeError, match="must have 4 axes"):
        make_layer(text("kernel_size: 2"), [np.ones(shape)])


def test_shaping_takes_no_memory():
    run = make_layer(text("kernel_size: 2"), [np.ones((1, 1, 4, 4))])
    assert run.top[0].nbytes == run.layer.mask.nbytes == run.layer.uniform.nbytes == 0
