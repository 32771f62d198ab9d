"""Proposal and the layers of online hard example mining."""

import numpy as np
import pytest

from cortado.testing import check_gradient, make_layer

RNG = np.random.default_rng(6)

FIXED = "loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 8 }"


def test_smooth_l1_with_the_loss_of_each_region():
    a, b, weights = RNG.normal(size=(3, 5, 4, 1, 1)) * 2
    text = f'layer {{ type: "SmoothL1LossOHEM" top: "loss" top: "each" {FIXED} }}'
    loss, each = make_layer(text, [a, b, weights]).forward()
    d = weights * (a - b)
    slow = np.where(abs(d) < 1, d * d / 2, abs(d) - 0.5)
    np.testing.assert_allclose(each, slow.sum(1, keepdims=True))
    np.testing.assert_allclose(loss, slow.sum() / 8)
    check_gradient(text, [a, b, weights], skip_kinks=True, ignore_tops=[1])


def test_softmax_with_probabilities_and_the_loss_of_each_region():
    scores, labels = RNG.normal(size=(5, 4)), np.array([0, 3, -1, 2, 1.0])
    loss_param = FIXED.replace("{ n", "{ ignore_label: -1 n")
    text = f'layer {{ type: "SoftmaxWithLossOHEM" top: "loss" top: "prob" top: "each" {loss_param} }}'
    loss, prob, each = make_layer(text, [scores, labels]).forward()
    want = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    np.testing.assert_allclose(prob, want)
    slow = [0 if label < 0 else -np.log(p[int(label)]) for p, label in zip(want, labels, strict=True)]
    np.testing.assert_allclose(each, slow)
    np.testing.assert_allclose(loss, sum(slow) / 8)
    check_gradient(text, [scores, labels], ignore_tops=[1, 2])


def test_none_still_means_none_where_a_fork_gives_it_another_number():
    scores, labels = RNG.normal(size=(5, 4)), np.array([0, 3, 1, 2, 1.0])
    none = "loss_param { normalization: NONE %s }"
    (plain,) = make_layer('type: "SoftmaxWithLoss" ' + none % "", [scores, labels]).forward()
    (forked,) = make_layer('type: "SoftmaxWithLoss" ' + none % "pre_fixed_normalizer: 3", [scores, labels]).forward()
    assert plain == forked


def test_the_annotator_keeps_the_hardest_of_each_image():
    regions = np.array([[0, 0, 0, 1, 1]] * 3 + [[1, 0, 0, 1, 1]] * 2, float)
    losses = np.array([0.5, 2, 1, 0.1, 0.2]).reshape(5, 1, 1, 1)
    labels, weights = np.arange(1.0, 6), np.ones((5, 8, 1, 1))
    text = 'type: "BoxAnnotatorOHEM" box_annotator_ohem_param { roi_per_img: 1 }'
    chosen, left = make_layer(text, [regions, losses, labels, weights]).forward()
    np.testing.assert_array_equal(chosen, [-1, 2, -1, -1, 5])
    np.testing.assert_array_equal(left[:, :, 0, 0], np.array([0, 1, 0, 0, 1])[:, None] * np.ones(8))


def overlap(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]) + 1, min(a[3], b[3]) - max(a[1], b[1]) + 1
    area = [(c[2] - c[0] + 1) * (c[3] - c[1] + 1) for c in (a, b)]
    return 0 if w <= 0 or h <= 0 else w * h / (area[0] + area[1] - w * h)


def proposals(prob, offsets, info, anchors, stride, least, before, after, threshold):
    boxes = []
    count = len(anchors)
    for y in range(prob.shape[2]):
        for x in range(prob.shape[3]):
            for a in range(count):
                x1, y1, x2, y2 = np.array(anchors[a]) + np.array([x, y, x, y]) * stride
                w, h = x2 - x1 + 1, y2 - y1 + 1
                dx, dy, dw, dh = offsets[0, 4 * a : 4 * a + 4, y, x]
                cx, cy, w, h = x1 + w / 2 + dx * w, y1 + h / 2 + dy * h, np.exp(dw) * w, np.exp(dh) * h
                box = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]
                box = [min(max(v, 0), info[1 - i % 2] - 1) for i, v in enumerate(box)]
                big = box[2] - box[0] + 1 >= least and box[3] - box[1] + 1 >= least
                boxes.append((prob[0, count + a, y, x] * big, box))
    boxes = sorted(boxes, key=lambda b: -b[0])[:before]
    kept = []
    for score, box in boxes:
        if all(overlap(box, other) <= threshold for _, other in kept):
            kept.append((score, box))
    return kept[:after]


@pytest.mark.parametrize("size", [16, 40])
def test_proposals(size):
    prob, offsets = RNG.uniform(size=(1, 4, 3, 4)), RNG.normal(size=(1, 8, 3, 4)) * 0.3
    info = np.array([[48, 64, 1.0]])
    text = f"""layer {{ type: "Proposal" top: "rois" top: "scores" proposal_param {{
        ratio: 0.5 ratio: 2 scale: 1.5 min_size: {size} pre_nms_topn: 20 post_nms_topn: 5 nms_thresh: 0.4 }} }}"""
    rois, scores = make_layer(text, [prob, offsets, info]).forward()
    anchors = [[7.5 - (23 * 1.5 - 1) / 2, 7.5 - (12 * 1.5 - 1) / 2, 7.5 + (23 * 1.5 - 1) / 2, 7.5 + (12 * 1.5 - 1) / 2]]
    anchors += [
        [7.5 - (11 * 1.5 - 1) / 2, 7.5 - (22 * 1.5 - 1) / 2, 7.5 + (11 * 1.5 - 1) / 2, 7.5 + (22 * 1.5 - 1) / 2]
    ]
    want = proposals(prob, offsets, info[0], anchors, 16, size, 20, 5, 0.4)
    np.testing.assert_allclose(rois, [[0, *box] for _, box in want], atol=1e-9)
    np.testing.assert_allclose(scores[:, 0], [score for score, _ in want], atol=1e-12)
