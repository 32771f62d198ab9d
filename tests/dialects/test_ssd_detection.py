"""DetectionOutput and MultiBoxLoss against formulas written as loops over boxes."""

import math

import numpy as np
import pytest

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


def multibox_loss(loc, conf, priors, truth, ratio=3.0, below=0.5, overlap=0.5):
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
