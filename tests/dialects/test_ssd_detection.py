"""DetectionOutput and MultiBoxLoss against formulas written as loops over boxes."""

import math

import numpy as np
import pytest

from cortado.dialects.ssd import average_precision
from cortado.errors import DataError, ParameterError
from cortado.testing import check_gradient, make_layer

VARIANCE = (0.1, 0.1, 0.2, 0.2)


def iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if w < 0 or h < 0:
        return 0.0
    area = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return w * h / (area[0] + area[1] - w * h)


def make_priors(rng, count):
    centre, size = rng.uniform(0.2, 0.8, (count, 2)), rng.uniform(0.1, 0.4, (count, 2))
    boxes = np.concatenate([centre - size / 2, centre + size / 2], 1)
    return np.stack([boxes.ravel(), np.tile(VARIANCE, count)])[None], boxes


def decoded(prior, offset):
    w, h = prior[2] - prior[0], prior[3] - prior[1]
    x = (prior[0] + prior[2]) / 2 + offset[0] * 0.1 * w
    y = (prior[1] + prior[3]) / 2 + offset[1] * 0.1 * h
    w, h = math.exp(offset[2] * 0.2) * w, math.exp(offset[3] * 0.2) * h
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]


def detections(loc, conf, priors, threshold=0.45, least=0.01, top_k=400, keep=200):
    rows = []
    for image in range(len(loc)):
        found = []
        for label in range(1, conf.shape[2]):
            boxes = [(conf[image, p, label], decoded(priors[p], loc[image, p])) for p in range(len(priors))]
            boxes = sorted((b for b in boxes if b[0] > least), key=lambda b: -b[0])[:top_k]
            kept = []
            for score, box in boxes:
                if all(iou(box, other) <= threshold for _, other in kept):
                    kept.append((score, box))
            found += [[image, label, score, *box] for score, box in kept]
        found = sorted(found, key=lambda row: -row[2])[:keep]
        rows += sorted(found, key=lambda row: row[1])
    return np.array(rows)


def test_detections_are_those_of_the_loops():
    rng = np.random.default_rng(3)
    prior, boxes = make_priors(rng, 40)
    loc, conf = rng.normal(size=(2, 40, 4)), rng.dirichlet([0.4] * 4, (2, 40))
    text = """type: "DetectionOutput" detection_output_param { num_classes: 4 code_type: CENTER_SIZE keep_top_k: 20
        confidence_threshold: 0.01 nms_param { nms_threshold: 0.45 top_k: 30 } }"""
    (top,) = make_layer(text, [loc.reshape(2, -1), conf.reshape(2, -1), prior]).forward()
    want = detections(loc, conf, boxes, top_k=30, keep=20)
    assert top.shape == (1, 1, len(want), 7)
    np.testing.assert_allclose(top[0, 0], want, atol=1e-9)


def test_without_a_detection_each_image_gets_a_row_of_minus_ones():
    prior, _ = make_priors(np.random.default_rng(3), 5)
    text = 'type: "DetectionOutput" detection_output_param { num_classes: 2 confidence_threshold: 0.5 }'
    (top,) = make_layer(text, [np.zeros((2, 20)), np.zeros((2, 10)), prior]).forward()
    np.testing.assert_array_equal(top[0, 0], [[0, -1, -1, -1, -1, -1, -1], [1, -1, -1, -1, -1, -1, -1]])


def test_a_first_step_refines_the_priors_and_turns_poor_ones_into_background():
    rng = np.random.default_rng(3)
    prior, boxes = make_priors(rng, 6)
    loc, conf = rng.normal(size=(1, 6, 4)), np.full((1, 6, 2), 0.5)
    first = rng.normal(size=(1, 6, 4))
    sure = np.array([1, 1, 0, 1, 0, 1.0])
    objectness = np.stack([1 - sure, sure], 1)[None]
    text = """type: "DetectionOutput" detection_output_param { num_classes: 2 code_type: CENTER_SIZE
        confidence_threshold: 0.1 objectness_score: 0.5 nms_param { nms_threshold: 1 } }"""
    bottoms = [loc.reshape(1, -1), conf.reshape(1, -1), prior, objectness.reshape(1, -1), first.reshape(1, -1)]
    (top,) = make_layer(text, bottoms).forward()
    want = [decoded(decoded(boxes[p], first[0, p]), loc[0, p]) for p in np.flatnonzero(sure)]
    np.testing.assert_allclose(top[0, 0, :, 3:], want, atol=1e-9)


def encoded(prior, box):
    w, h = prior[2] - prior[0], prior[3] - prior[1]
    x = ((box[0] + box[2]) - (prior[0] + prior[2])) / 2 / w
    y = ((box[1] + box[3]) - (prior[1] + prior[3])) / 2 / h
    return np.array([x, y, math.log((box[2] - box[0]) / w), math.log((box[3] - box[1]) / h)]) / VARIANCE


def multibox_loss(loc, conf, priors, truth, ratio=3.0, below=0.5, overlap=0.5, may=None):
    """The loss of SSD with bipartite and threshold matching and the hardest negatives, step by step."""
    loss, matches = 0.0, 0
    for image in range(len(loc)):
        objects = truth[truth[:, 0] == image]
        of_prior, best = {}, np.zeros(len(priors))
        ious = np.array([[iou(p, o[3:7]) for o in objects] for p in priors]).reshape(len(priors), len(objects))
        best = ious.max(1) if len(objects) else best
        left = ious.copy()
        for _ in range(len(objects)):
            p, o = np.unravel_index(left.argmax(), left.shape)
            if left[p, o] > 1e-6:
                of_prior[p], best[p] = o, ious[p, o]
                left[p], left[:, o] = 0, 0
        for p in range(len(priors)):
            if p not in of_prior and len(objects) and ious[p].max() >= overlap:
                of_prior[p] = int(ious[p].argmax())
        logs = conf[image] - np.log(np.exp(conf[image]).sum(1, keepdims=True))
        others = [p for p in range(len(priors)) if p not in of_prior and best[p] < below]
        others = [p for p in others if may is None or may[p]]
        others = sorted(others, key=lambda p: logs[p, 0])[: int(len(of_prior) * ratio)]
        for p, o in of_prior.items():
            d = loc[image, p] - encoded(priors[p], objects[o, 3:7])
            loss += np.where(abs(d) < 1, d * d / 2, abs(d) - 0.5).sum() - logs[p, int(objects[o, 1])]
        loss -= sum(logs[p, 0] for p in others)
        matches += len(of_prior)
    return loss / max(1, matches)


def batch(seed=5, count=24, classes=3):
    rng = np.random.default_rng(seed)
    prior, boxes = make_priors(rng, count)
    near = boxes[[2, 7, 11]] + rng.normal(size=(3, 4)) * 0.01
    truth = np.zeros((3, 8))
    truth[:, 0], truth[:, 1], truth[:, 3:7] = [0, 0, 1], [1, 2, 1], near
    return rng.normal(size=(2, count, 4)), rng.normal(size=(2, count, classes)) * 2, prior, boxes, truth


LOSS = 'type: "MultiBoxLoss" multibox_loss_param { num_classes: 3 code_type: CENTER_SIZE %s }'


def run(param, loc, conf, prior, truth):
    bottoms = [loc.reshape(2, -1), conf.reshape(2, -1), prior, truth[None, None]]
    return make_layer(LOSS % param, bottoms).forward()[0], bottoms


def test_the_loss_is_that_of_the_loops():
    loc, conf, prior, boxes, truth = batch()
    got, _ = run("mining_type: MAX_NEGATIVE neg_pos_ratio: 2", loc, conf, prior, truth)
    np.testing.assert_allclose(got, multibox_loss(loc, conf, boxes, truth, ratio=2))


def test_a_first_step_moves_the_priors_and_spares_poor_ones():
    loc, conf, prior, boxes, truth = batch()
    rng = np.random.default_rng(8)
    moves = 0.1 * rng.normal(size=(2, 24, 4))
    object_ = rng.uniform(size=(2, 24))
    object_[:, ::3] = 0.3
    first = np.stack([1 - object_, object_], -1)
    bottoms = [loc.reshape(2, -1), conf.reshape(2, -1), prior, truth[None, None]]
    bottoms += [first.reshape(2, -1), moves.reshape(2, -1)]
    text = LOSS % "objectness_score: 0.5 neg_pos_ratio: 1"
    schema_of_refinedet = make_layer(text, bottoms)
    (got,) = schema_of_refinedet.forward()
    expected = matches = 0.0
    for image in range(2):
        moved = [decoded(p, m) for p, m in zip(boxes, moves[image], strict=True)]
        rows = truth[truth[:, 0] == image] * ([0] + [1] * 7)
        one = multibox_loss(loc[image][None], conf[image][None], moved, rows, 1.0, may=object_[image] >= 0.5)
        plain = [max(iou(p, o[3:7]) for o in rows) for p in moved]
        count = max(len(rows), sum(x >= 0.5 for x in plain))
        expected, matches = expected + one * count, matches + count
    np.testing.assert_allclose(got, expected / matches)
    check_gradient(text, bottoms, skip_kinks=True)
    with pytest.raises(ParameterError, match="must be given together"):
        make_layer(LOSS % "", bottoms[:5])


EVALUATE = 'type: "DetectionEvaluate" detection_evaluate_param { num_classes: 3 %s }'


def test_evaluation_of_detections():
    box, other = [0.1, 0.1, 0.4, 0.5], [0.5, 0.5, 0.9, 0.9]
    truth = np.array([[0, 1, 0, *box, 0], [0, 1, 0, *other, 1], [1, 2, 0, *box, 0]])
    found = np.array(
        [
            [0, 1, 0.3, *box],
            [0, 1, 0.9, *box],
            [0, 1, 0.5, *other],
            [0, 1, 0.4, 0.1, 0.1, 0.2, 0.2],
            [0, 2, 0.8, *box],
            [1, 2, 0.7, *box],
            [2, 1, 0.6, *box],
            [3, -1, -1, -1, -1, -1, -1],
        ]
    )
    heads = [[-1, 1, 2, -1, -1], [-1, 2, 1, -1, -1]]
    rows = [[0, 1, 0.9, 1, 0], [0, 1, 0.5, 1, 0], [0, 1, 0.4, 0, 1], [0, 1, 0.3, 0, 1], [0, 2, 0.8, 0, 1]]
    rows += [[1, 2, 0.7, 1, 0], [2, 1, 0.6, 0, 1]]
    (got,) = make_layer(EVALUATE % "", [found[None, None], truth[None, None]]).forward()
    np.testing.assert_allclose(got[0, 0], heads + rows)
    (got,) = make_layer(EVALUATE % "evaluate_difficult_gt: false", [found[None, None], truth[None, None]]).forward()
    heads[0][2], rows[1] = 1, [0, 1, 0.5, 0, 0]
    np.testing.assert_allclose(got[0, 0], heads + rows)
    assert average_precision(got) == {1: 1.0, 2: 0.5}


def test_evaluation_in_pixels(tmp_path):
    (tmp_path / "sizes.txt").write_text("a 10 20\nb 10 20\n")
    truth = np.array([[0, 1, 0, 0.0, 0.0, 0.5, 0.5, 0], [1, 1, 0, 0.0, 0.0, 0.5, 0.5, 0]])
    found = np.array([[0, 1, 0.5, 0.0, 0.0, 0.5, 0.2], [1, 1, 0.5, 0.0, 0.25, 0.5, 0.75]])
    # 11 x 3 of 11 x 6 pixels; with 0.5 it is not less than the threshold
    param = f'name_size_file: "{tmp_path}/sizes.txt" '
    (got,) = make_layer(EVALUATE % param, [found[None, None], truth[None, None]]).forward()
    assert got[0, 0, 2:, 3].tolist() == [1, 0]
    # the upper and lower quarter of what the net saw were not of the image: 0.25 to 0.5 is its upper half
    param += "resize_param { height: 40 width: 40 resize_mode: FIT_LARGE_SIZE_AND_PAD }"
    truth[:, 4], truth[:, 6] = 0.25, 0.5
    (got,) = make_layer(EVALUATE % param, [found[None, None], truth[None, None]]).forward()
    assert got[0, 0, 2:, 3].tolist() == [0, 1]
    (tmp_path / "sizes.txt").write_text("a 10\n")
    with pytest.raises(DataError, match="name height width"):
        make_layer(EVALUATE % param, [found[None, None], truth[None, None]])


def test_average_precision():
    right = np.array([1, 0, 1, 1, 0, 0, 1, 0])
    rows = [[-1, 4, 5, -1, -1], *([0, 4, 1 - i / 10, r, 1 - r] for i, r in enumerate(right))]
    precision = np.array([1, 2 / 3, 3 / 4, 4 / 7])
    assert average_precision(rows)[4] == pytest.approx(precision.sum() / 5)
    assert average_precision(rows, "MaxIntegral")[4] == pytest.approx((1 + 3 / 4 + 3 / 4 + 4 / 7) / 5)
    # recalls 0 to 0.2, to 0.6, to 0.8
    assert average_precision(rows, "11point")[4] == pytest.approx((3 * 1 + 4 * 3 / 4 + 2 * 4 / 7) / 11)


def test_images_without_objects_cost_nothing():
    loc, conf, prior, _, _ = batch()
    got, _ = run("", loc, conf, prior, np.full((1, 8), -1.0))
    assert got == 0


@pytest.mark.parametrize(
    "param",
    [
        "",
        "loc_loss_type: L2 loc_weight: 2",
        "conf_loss_type: LOGISTIC",
        "mining_type: NONE",
        "mining_type: HARD_EXAMPLE sample_size: 9",
        "mining_type: HARD_EXAMPLE sample_size: 9 nms_param { nms_threshold: 0.5 } use_prior_for_nms: true",
        "match_type: BIPARTITE code_type: CORNER bp_inside: true",
        "code_type: CORNER_SIZE encode_variance_in_target: true map_object_to_agnostic: true",
    ],
)
def test_gradients(param):
    loc, conf, prior, _, truth = batch()
    text = (LOSS % param).replace("code_type: CENTER_SIZE", "" if "code_type" in param else "code_type: CENTER_SIZE")
    bottoms = [loc.reshape(2, -1), conf.reshape(2, -1), prior, truth[None, None]]
    check_gradient(text, bottoms, skip_kinks=True)


def test_unshared_locations_learn_the_row_of_the_objects_class():
    _, conf, prior, _, truth = batch()
    loc = np.random.default_rng(0).normal(size=(2, 24, 3, 4))
    bottoms = [loc.reshape(2, -1), conf.reshape(2, -1), prior, truth[None, None]]
    text = LOSS % "share_location: false"
    check_gradient(text, bottoms, skip_kinks=True)
    layer = make_layer(text, bottoms)
    layer.forward()
    gradient = layer.backward(1.0)[0].reshape(2, 24, 3, 4)
    assert not gradient[:, :, 0].any()
    assert gradient[0, :, 2].any()
