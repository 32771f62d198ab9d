"""What all losses share: the normalizer, the label checks, and refusing gradients to labels."""

from __future__ import annotations

import numpy as np
import pytest

from cortado.errors import DataError, NetError
from cortado.layers.loss import BATCH_SIZE, FULL, NONE, VALID, Normalizer
from cortado.proto import Schema
from cortado.testing import make_layer


def normalizer(default: int = VALID, **fields: object) -> Normalizer:
    return Normalizer.of(Schema.stock().message("LayerParameter")(loss_param=fields), default)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("fields", "default", "mode"),
    [
        ({}, VALID, VALID),
        ({}, BATCH_SIZE, BATCH_SIZE),
        ({"normalize": True}, BATCH_SIZE, VALID),
        ({"normalize": False}, VALID, BATCH_SIZE),
        ({"normalization": FULL}, VALID, FULL),
        ({"normalization": NONE, "normalize": True}, VALID, NONE),
    ],
)
def test_mode(fields, default, mode):
    assert normalizer(default, **fields).mode == mode


def test_divisor():
    counts = {mode: normalizer(normalization=mode)(items=3, positions=12, valid=7) for mode in range(4)}
    assert counts == {FULL: 12, VALID: 7, BATCH_SIZE: 3, NONE: 1}
    assert {normalizer(normalization=mode)(0, 0, 0) for mode in range(4)} == {1}


def test_ignore_label():
    assert normalizer().ignore_label is None
    assert normalizer(ignore_label=0).ignore_label == 0


SCORES = np.zeros((2, 3, 2, 2))
LOSSES = ["SoftmaxWithLoss", "HingeLoss", "MultinomialLogisticLoss", "Accuracy"]


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("wrong", [3, -1, 1e9, np.nan, -0.5])
def test_a_label_out_of_range_is_named(kind, wrong):
    labels = np.array([2, wrong])
    run = make_layer(f'layer {{ name: "n" type: "{kind}" bottom: "x" bottom: "lab" }}', [SCORES[:, :, 0, 0], labels])
    rule = rf"layer 'n' \({kind}\): labels must be from 0 to 2, as there are 3 classes; got {wrong:g} at 'lab'\[1\]"
    with pytest.raises(DataError, match=rule.replace("+", r"\+")):
        run.forward()


def test_the_place_of_a_wrong_label_is_its_index():
    labels = np.zeros((2, 1, 2, 2))
    labels[1, 0, 1, 0] = 7
    with pytest.raises(DataError, match=r"got 7 at 'x1'\[1, 0, 1, 0\]"):
        make_layer('type: "SoftmaxWithLoss"', [SCORES, labels]).forward()


def test_ignored_labels_may_be_anything():
    labels = np.array([[[255.0, 0], [1, 2]], [[0, 255], [255, 2.9]]])
    run = make_layer('type: "SoftmaxWithLoss" loss_param { ignore_label: 255 }', [SCORES, labels])
    np.testing.assert_allclose(run.forward()[0], np.log(3))
    with pytest.raises(DataError, match="got 254"):
        run.forward(SCORES, np.where(labels == 255, 254, labels))


@pytest.mark.parametrize("kind", ["SoftmaxWithLoss", "HingeLoss", "SigmoidCrossEntropyLoss", "MultinomialLogisticLoss"])
def test_labels_have_no_gradient(kind):
    inputs = [np.full((2, 3), 0.5), np.zeros((2, 3) if kind.startswith("Sig") else 2)]
    text = f'name: "n" type: "{kind}" bottom: "x" bottom: "label"'
    with pytest.raises(NetError, match=r"layer\.prototxt:1:\d+: layer 'n' .*bottom 1 \('label'\) can have no gradient"):
        make_layer(f"{text} propagate_down: true propagate_down: true", inputs)
    run = make_layer(text, inputs)
    run.forward()
    with pytest.raises(NetError, match="can have no gradient"):
        run.backward(1.0, propagate_down=[True, True])


@pytest.mark.parametrize("kind", ["SoftmaxWithLoss", "EuclideanLoss", "HingeLoss"])
def test_the_weight_scales_the_gradient(rng, kind):
    labels = rng.normal(size=(4, 3)) if kind == "EuclideanLoss" else rng.integers(0, 3, size=4)
    run = make_layer(f'type: "{kind}"', [rng.normal(size=(4, 3)), labels])
    (loss,) = run.forward()
    assert loss.shape == ()
    np.testing.assert_allclose(run.backward(3.0)[0], 3 * run.backward(1.0)[0])
