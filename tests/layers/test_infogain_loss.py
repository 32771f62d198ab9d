import numpy as np
import pytest

from cortado.errors import FileError, FormatError, ParameterError, ShapeError
from cortado.layers import LayerContext, Phase
from cortado.proto import Schema
from cortado.testing import check_gradient, make_layer


def by_hand(x, labels, matrix):
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    return -(matrix[labels] * np.moveaxis(np.log(p), 1, -1)).sum(axis=-1)


@pytest.fixture
def matrix(rng):
    return rng.uniform(size=(3, 3))


@pytest.fixture
def source(tmp_path, matrix):
    message = Schema.stock().message("BlobProto")(height=3, width=3, channels=1, num=1, data=matrix.ravel())  # type: ignore[call-arg]
    path = tmp_path / "h.binaryproto"
    path.write_bytes(message.SerializeToString())
    return path


def test_matrix_from_a_file(rng, matrix, source):
    x, labels = rng.normal(size=(4, 3)), rng.integers(0, 3, size=4)
    text = f'type: "InfogainLoss" infogain_loss_param {{ source: "{source}" }}'
    np.testing.assert_allclose(make_layer(text, [x, labels]).forward()[0], by_hand(x, labels, matrix).mean(), rtol=1e-6)
    check_gradient(text, [x, labels])


def test_the_file_may_lie_beside_the_net(rng, matrix, source):
    text = f'type: "InfogainLoss" infogain_loss_param {{ source: "{source.name}" }}'
    run = make_layer(text, [rng.normal(size=(4, 3)), np.zeros(4)], folder=source.parent)
    np.testing.assert_allclose(run.layer.matrix.reshape(3, 3), matrix, rtol=1e-6)


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 2, 2)])
def test_matrix_from_a_bottom(rng, matrix, shape):
    x, labels = rng.normal(size=shape), rng.integers(0, 3, size=shape[:1] + shape[2:])
    run = make_layer('type: "InfogainLoss"', [x, labels, matrix])
    np.testing.assert_allclose(run.forward()[0], by_hand(x, labels, matrix).mean())
    check_gradient('type: "InfogainLoss"', [x, labels, matrix])


def test_ignored_labels_and_normalization(rng, matrix):
    x, labels = rng.normal(size=(2, 3, 5)), rng.integers(0, 3, size=(2, 5))
    labels[0, :2] = 9
    valid = labels != 9
    for fields, divisor in (("", valid.sum()), ("normalization: FULL", 10), ("normalization: BATCH_SIZE", 2)):
        text = f'type: "InfogainLoss" loss_param {{ ignore_label: 9 {fields} }}'
        (loss,) = make_layer(text, [x, labels, matrix]).forward()
        want = by_hand(x, np.where(valid, labels, 0), matrix)[valid].sum() / divisor
        np.testing.assert_allclose(loss, want)
        check_gradient(text, [x, labels, matrix])


def test_the_unit_matrix_gives_the_softmax_loss(rng):
    x, labels = rng.normal(size=(4, 3)), rng.integers(0, 3, size=4)
    (infogain,) = make_layer('type: "InfogainLoss"', [x, labels, np.eye(3)]).forward()
    (softmax,) = make_layer('type: "SoftmaxWithLoss"', [x, labels]).forward()
    np.testing.assert_allclose(infogain, softmax)


def test_second_top_is_the_probabilities(rng, matrix):
    x = rng.normal(size=(2, 3))
    text = 'type: "InfogainLoss" top: "loss" top: "prob"'
    _, prob = make_layer(text, [x, [0, 1], matrix]).forward()
    np.testing.assert_allclose(prob, np.exp(x) / np.exp(x).sum(axis=1, keepdims=True))
    check_gradient(text, [x, [0, 1], matrix], ignore_tops=[1])


def test_refused(tmp_path, source):
    x, labels = np.ones((2, 4)), np.zeros(2)
    with pytest.raises(ParameterError, match="the matrix H must be given, as source or as a third bottom"):
        make_layer('type: "InfogainLoss"', [x, labels])
    with pytest.raises(ShapeError, match=r"H must have 4 x 4 elements.*got 'x2' 3x3"):
        make_layer('type: "InfogainLoss"', [x, labels, np.ones((3, 3))])
    with pytest.raises(ParameterError, match=r"layer\.prototxt:1:\d+: .*H must have 4 x 4 elements.*got 9"):
        make_layer(f'type: "InfogainLoss" infogain_loss_param {{ source: "{source}" }}', [x, labels])
    with pytest.raises(FileError, match="nowhere"):
        make_layer('type: "InfogainLoss" infogain_loss_param { source: "nowhere" }', [x, labels])
    broken = tmp_path / "broken"
    broken.write_bytes(b"\xff\xff")
    with pytest.raises(FormatError, match=r"source must be a binary BlobProto; got .*broken"):
        make_layer(f'type: "InfogainLoss" infogain_loss_param {{ source: "{broken}" }}', [x, labels])


def test_a_check_of_shapes_reads_no_file(rng):
    run = make_layer('type: "InfogainLoss"', [np.ones((2, 4)), np.zeros(2), np.ones((4, 4))])
    config = type(run.layer.config)()
    config.CopyFrom(run.layer.config)
    del config.bottom[2]
    config.infogain_loss_param.source = "nowhere"
    context = LayerContext(Phase.TRAIN, run.layer.engine, run.layer.context.plugins)
    layer = type(run.layer)(config, context)
    assert layer.infer_shapes(run.bottom[:2], run.top)
