"""Reorg and the layers of YOLO against formulas written as loops over cells."""

import numpy as np
import pytest

from cortado.errors import ParameterError, ShapeError
from cortado.testing import check_gradient, make_layer

RNG = np.random.default_rng(9)


def darknet_reorg(x, s):
    """The loops of darknet, over flat indices."""
    n, c, h, w = x.shape
    flat, out, depth = x.ravel(), np.empty(x.size), c // s**2
    for b, k, j, i in np.ndindex(x.shape):
        inside = i + w * (j + h * (k + c * b))
        down, right = j * s + k // depth // s, i * s + k // depth % s
        out[inside] = flat[right + w * s * (down + h * s * (k % depth + depth * b))]
    return out.reshape(n, c * s**2, h // s, w // s)


def test_reorg_is_that_of_darknet():
    x = RNG.normal(size=(2, 8, 4, 6))
    text = 'type: "Reorg" reorg_param { stride: 2 %s }'
    (y,) = make_layer(text % "", [x]).forward()
    np.testing.assert_array_equal(y, darknet_reorg(x, 2))
    (back,) = make_layer(text % "reverse: true", [y.reshape(2, 8, 4, 6)]).forward()
    np.testing.assert_array_equal(back.ravel(), x.ravel())
    check_gradient(text % "", [x])
    check_gradient(text % "reverse: true", [x])
    with pytest.raises(ShapeError, match=r"stride² .4. must divide the channels"):
        make_layer(text % "", [x[:, :6]])


def sig(x):
    return 1 / (1 + np.exp(-x))


def iou(a, b):
    w = min(a[0] + a[2] / 2, b[0] + b[2] / 2) - max(a[0] - a[2] / 2, b[0] - b[2] / 2)
    h = min(a[1] + a[3] / 2, b[1] + b[3] / 2) - max(a[1] - a[3] / 2, b[1] - b[3] / 2)
    return 0 if w < 0 or h < 0 else w * h / (a[2] * a[3] + b[2] * b[3] - w * h)


def box(t, i, j, size, anchor, extent):
    return [(j + sig(t[0])) / size[1], (i + sig(t[1])) / size[0],
            np.exp(t[2]) * anchor[0] / extent[0], np.exp(t[3]) * anchor[1] / extent[1]]  # fmt: skip


def left(candidates, threshold):
    kept = []
    for one in sorted(candidates, key=lambda c: -c[1]):
        if all(iou(one[2], other[2]) < threshold for other in kept):
            kept.append(one)
    return [[label + 1, c, b[0] - b[2] / 2, b[1] - b[3] / 2, b[0] + b[2] / 2, b[1] + b[3] / 2] for label, c, b in kept]


ANCHORS = [(10, 14), (23, 27), (60, 40)]
BIASES = " ".join(f"biases: {v}" for pair in ANCHORS for v in pair)


def test_the_boxes_of_yolo_v3():
    maps = [RNG.normal(size=(2, 2 * 8, 3, 3)), RNG.normal(size=(2, 2 * 8, 6, 6))]
    text = f"""type: "Yolov3DetectionOutput" yolov3_detection_output_param {{ num_classes: 3 num_box: 2 {BIASES}
        mask: 1 mask: 2 mask: 0 mask: 1 anchors_scale: 32 anchors_scale: 16 confidence_threshold: 0.4 }}"""
    (top,) = make_layer(text, maps).forward()
    want = []
    for n in range(2):
        found = []
        for data, mask, scale in zip(maps, ((1, 2), (0, 1)), (32, 16), strict=True):
            parts = data[n].reshape(2, 8, *data.shape[2:])
            for i, j, k in np.ndindex(*data.shape[2:], 2):
                t = parts[k, :, i, j]
                b = box(t, i, j, data.shape[2:], ANCHORS[mask[k]], (data.shape[3] * scale, data.shape[2] * scale))
                found += [(c, sig(t[4]) * sig(t[5 + c]), b) for c in range(3) if sig(t[4]) * sig(t[5 + c]) > 0.4]
        want += [[n, *row] for row in left(found, np.float32(0.45))]
    assert len(want) > 10
    np.testing.assert_allclose(top[0, 0], want, atol=1e-9)


def test_the_boxes_of_yolo_v2():
    data = RNG.normal(size=(1, 2 * 8, 5, 5))
    text = """type: "YoloDetectionOutput" yolo_detection_output_param { num_classes: 3 num_box: 2 nms_threshold: 0.3
        biases: 1 biases: 2 biases: 3 biases: 1.5 confidence_threshold: 0.3 }"""
    (top,) = make_layer(text, [data]).forward()
    found = []
    for k, i, j in np.ndindex(2, 5, 5):
        t = data[0].reshape(2, 8, 5, 5)[k, :, i, j]
        prob = np.exp(t[5:]) / np.exp(t[5:]).sum()
        if sig(t[4]) * prob.max() >= 0.3:
            found.append(
                (int(prob.argmax()), sig(t[4]) * prob.max(), box(t, i, j, (5, 5), [(1, 2), (3, 1.5)][k], (5, 5)))
            )
    np.testing.assert_allclose(top[0, 0], [[0, *row] for row in left(found, np.float32(0.3))], atol=1e-9)


def test_nothing_found():
    text = """type: "YoloDetectionOutput" yolo_detection_output_param { num_classes: 1 num_box: 1 biases: 1 biases: 1
        confidence_threshold: 1 }"""
    (top,) = make_layer(text, [np.zeros((2, 6, 3, 3))]).forward()
    np.testing.assert_array_equal(top[0, 0], [[0] + [-1] * 6, [1] + [-1] * 6])


LOSS = f"""type: "Yolov3" yolov3_param {{ num: 2 num_class: 3 {BIASES} mask: 2 mask: 1 anchors_scale: 16 thresh: 0.3
    coord_scale: 1.5 class_scale: 2 object_scale: 3 %s }}"""
OBJECTS = np.zeros((2, 4, 5))
OBJECTS[0, :2] = [[2, 0.3, 0.6, 0.9, 0.7], [0, 0.9, 0.1, 0.35, 0.4]]
OBJECTS[1, :1] = [[1, 0.5, 0.5, 0.1, 0.15]]


def differences(data, objects):
    """What MobileNet-YOLO calls diff."""
    n, _, h, w = data.shape
    d = np.zeros((n, 2, 8, h, w))
    for b in range(n):
        truth = [o for o in objects[b] if o[3]]
        parts = data[b].reshape(2, 8, h, w)
        for k, i, j in np.ndindex(2, h, w):
            t, anchor = parts[k, :, i, j], ANCHORS[(2, 1)[k]]
            if all(iou(box(t, i, j, (h, w), anchor, (w * 16, h * 16)), o[1:]) <= np.float32(0.3) for o in truth):
                d[b, k, 4, i, j] = sig(t[4])
        for o in truth:
            shapes = [(0, 0, a / (w * 16), c / (h * 16)) for a, c in ANCHORS]
            best = int(np.argmax([iou((0, 0, *o[3:]), s) for s in shapes]))
            if best == 0:
                continue
            k, i, j = (2, 1).index(best), int(o[2] * h), int(o[1] * w)
            t, weight = parts[k, :, i, j], 1.5 * (2 - o[3] * o[4])
            d[b, k, :2, i, j] = weight * (sig(t[:2]) - [o[1] * w - j, o[2] * h - i])
            d[b, k, 2:4, i, j] = weight * (t[2:4] - np.log(o[3:] * [w * 16, h * 16] / ANCHORS[best]))
            d[b, k, 4, i, j] = sig(t[4]) - 1
            d[b, k, 5:, i, j] = 2 * (sig(t[5:]) - (np.arange(3) == o[0]))
    return d


def test_the_loss_of_yolo_v3_and_what_it_teaches():
    data = RNG.normal(size=(2, 16, 4, 5))
    run = make_layer(LOSS % "", [data, OBJECTS])
    (loss,) = run.forward()
    want = differences(data, OBJECTS)
    assert (want[:, :, 5:] != 0).any()
    np.testing.assert_allclose(loss, (want**2).sum() / 2)
    np.testing.assert_allclose(run.backward(3.0)[0], 3 / 2 * want.reshape(data.shape), atol=1e-12)


def test_the_logic_gradient_takes_the_slope_of_the_sigmoid_along():
    data = RNG.normal(size=(2, 16, 4, 5))
    run = make_layer(LOSS % "use_logic_gradient: true", [data, OBJECTS])
    run.forward()
    want = differences(data, OBJECTS)
    want[:, :, 4][want[:, :, 4] < 0] *= 3
    said = sig(data.reshape(want.shape))
    slope = said * (1 - said)
    slope[:, :, 2:4] = 1
    np.testing.assert_allclose(run.backward(1.0)[0], (want * slope / 2).reshape(data.shape), atol=1e-12)


def test_what_they_refuse():
    with pytest.raises(ParameterError, match=r"mask must name anchors, of which biases gives 3; got 5"):
        make_layer((LOSS % "").replace("mask: 2", "mask: 5"), [np.zeros((2, 16, 4, 5)), OBJECTS])
    with pytest.raises(ShapeError, match=r"2 · .5 . 3. = 16 channels"):
        make_layer(LOSS % "", [np.zeros((2, 15, 4, 5)), OBJECTS])
