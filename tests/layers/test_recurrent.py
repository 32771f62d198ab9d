"""What LSTM and RNN have in common: bottoms and tops, the state from forward to forward, its gradient, errors."""

import numpy as np
import pytest

from cortado.errors import ParameterError, ShapeError
from cortado.testing import check_gradient, make_layer

STEPS, N, FEATURES, SIZE, STATIC = 3, 2, 4, 3, 5
KINDS = {"LSTM": 2, "RNN": 1}
CONTS = {"all new": [[0, 0]] * 3, "all go on": [[1, 1]] * 3, "mixed": [[0, 1], [1, 0], [1, 1]]}


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def block(kind, static=False, exposed=False, param=""):
    states = KINDS[kind] if exposed else 0
    bottoms = ["x", "cont", *["static"] * static, *["h0", "c0"][:states]]
    tops = ["y", "hT", "cT"][: 1 + states]
    names = " ".join([f'bottom: "{b}"' for b in bottoms] + [f'top: "{t}"' for t in tops])
    exposes = "expose_hidden: true" if exposed else ""
    return f'layer {{ type: "{kind}" {names} recurrent_param {{ num_output: {SIZE} {exposes} {param} }} }}'


def arrays(kind, static=False, exposed=False, cont="mixed"):
    given = [draw(STEPS, N, FEATURES), np.array(CONTS[cont], float)]
    if static:
        given.append(draw(N, STATIC, seed=1))
    if exposed:
        given += [draw(1, N, SIZE, seed=2 + k) for k in range(KINDS[kind])]
    return given


def ready(kind, *args, **kwargs):
    run = make_layer(block(kind, *args), arrays(kind, *args, **kwargs))
    for seed, blob in enumerate(run.layer.blobs):
        blob.data = draw(*blob.shape, seed=seed)
    return run


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("exposed", [False, True])
@pytest.mark.parametrize("cont", CONTS)
def test_gradient(kind, static, exposed, cont):
    """Of x, x_static and all weights; hidden bottoms and tops are declared to pass none."""
    check_gradient(
        block(kind, static, exposed),
        arrays(kind, static, exposed, cont),
        check_bottoms=[0, 2] if static else [0],
        ignore_tops=range(1, 1 + KINDS[kind]),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_more_axes_count_as_features(kind):
    flat = ready(kind)
    spread = make_layer(block(kind), [draw(STEPS, N, 2, 2), CONTS["mixed"]])
    for blob, other in zip(spread.layer.blobs, flat.layer.blobs, strict=True):
        blob.data = other.data
    np.testing.assert_array_equal(spread.forward()[0], flat.forward()[0])
    assert spread.backward(draw(STEPS, N, SIZE))[0].shape == (STEPS, N, 2, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_one_long_forward_equals_short_ones(kind):
    x, cont = draw(6, N, FEATURES), np.array([[0, 0], [1, 1], [1, 0], [1, 1], [0, 1], [1, 1]], float)
    whole, parts = ready(kind), ready(kind)
    (expected,) = whole.forward(x, cont)
    got = [parts.forward(x[t : t + 2], cont[t : t + 2])[0] for t in (0, 2, 4)]
    np.testing.assert_allclose(np.concatenate(got), expected, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_exposed_states_carry_a_sequence_too(kind):
    x, cont = draw(4, N, FEATURES), np.ones((4, N))
    exposed, carried = ready(kind, False, True), ready(kind)
    zeros = [np.zeros((1, N, SIZE))] * KINDS[kind]
    _, *states = exposed.forward(x[:2], cont[:2], *zeros)
    y, *states = exposed.forward(x[2:], cont[2:], *states)
    carried.forward(x[:2], cont[:2])
    np.testing.assert_array_equal(carried.forward(x[2:], cont[2:])[0], y)
    for state, blob in zip(states, carried.layer.state, strict=True):
        np.testing.assert_array_equal(state[0], blob.data)


@pytest.mark.parametrize("kind", KINDS)
def test_reset_forgets(kind):
    run = ready(kind, cont="all go on")
    first, second = run.forward()[0], run.forward()[0]
    assert not np.allclose(first, second)
    run.layer.reset()
    np.testing.assert_array_equal(run.forward()[0], first)


@pytest.mark.parametrize("kind", KINDS)
def test_another_number_of_sequences_forgets(kind):
    run = ready(kind, cont="all go on")
    first = run.forward()[0]
    x, cont = draw(STEPS, N + 1, FEATURES), np.ones((STEPS, N + 1))
    x[:, :N] = draw(STEPS, N, FEATURES)
    np.testing.assert_allclose(run.forward(x, cont)[0][:, :N], first)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("steps", [1, 5])
def test_another_number_of_steps_goes_on(kind, steps):
    x, cont = draw(STEPS + steps, N, FEATURES), np.ones((STEPS + steps, N))
    (expected,) = ready(kind).forward(x, cont)
    run = ready(kind)
    run.forward(x[:STEPS], cont[:STEPS])
    np.testing.assert_allclose(run.forward(x[STEPS:], cont[STEPS:])[0], expected[STEPS:], rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_sequence_recovers_from_nan(kind):
    run = ready(kind, cont="all go on")
    run.forward(np.full((STEPS, N, FEATURES), np.nan), np.ones((STEPS, N)))
    assert np.isnan(run.layer.state[0].data).all()
    cont = np.ones((STEPS, N))
    cont[0] = 0
    assert np.isfinite(run.forward(draw(STEPS, N, FEATURES), cont)[0]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_cont_and_hidden_bottoms_get_zero_where_asked_for(kind):
    run = ready(kind, True, True)
    run.forward()
    for blob in run.bottom:
        blob.diff[...] = np.nan
    tops = [draw(*blob.shape) for blob in run.top]
    dx, dcont, dstatic, *hidden = run.backward(*tops, propagate_down=[True] * len(run.bottom))
    assert np.isfinite(dx).all()
    assert np.isfinite(dstatic).all()
    for diff in (dcont, *hidden):
        assert not diff.any()


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_single_blobs(kind):
    whole = ready(kind, True)
    whole.forward()
    whole.backward(draw(STEPS, N, SIZE))
    for index, blob in enumerate(whole.layer.blobs):
        one = ready(kind, True)
        one.layer.param_propagate_down = [i == index for i in range(len(whole.layer.blobs))]
        one.forward()
        one.backward(draw(STEPS, N, SIZE), propagate_down=[False] * 3)
        for i, other in enumerate(one.layer.blobs):
            np.testing.assert_array_equal(other.diff, blob.diff if i == index else 0)


@pytest.mark.parametrize("kind", KINDS)
def test_fillers(kind):
    param = 'weight_filler { type: "uniform" min: 1 max: 2 } bias_filler { value: 3 }'
    run = make_layer(block(kind, True, param=param), arrays(kind, True))
    for blob in run.layer.blobs:
        low, high = (3, 3) if blob.num_axes == 1 else (1, 2)
        assert (blob.data >= low).all()
        assert (blob.data <= high).all()


@pytest.mark.parametrize("kind", KINDS)
def test_errors(kind):
    x, cont = draw(STEPS, N, FEATURES), np.ones((STEPS, N))
    with pytest.raises(ParameterError, match="num_output must be set"):
        make_layer(f'type: "{kind}"', [x, cont])
    with pytest.raises(ParameterError, match="there must be 2 or 3 bottoms"):
        make_layer(block(kind).replace('bottom: "x"', 'bottom: "x" bottom: "a" bottom: "b"'), [x, x, x, cont])
    with pytest.raises(ParameterError, match="expose_hidden: true makes"):
        make_layer(block(kind).replace('top: "y"', 'top: "y" top: "h"'), [x, cont])
    with pytest.raises(ShapeError, match="cont, the second bottom"):
        make_layer(block(kind), [x, cont.T])
    with pytest.raises(ShapeError, match="steps, sequences, features"):
        make_layer(block(kind), [cont, cont])
    with pytest.raises(ShapeError, match="a step at least"):
        make_layer(block(kind), [x[:0], cont[:0]])
    with pytest.raises(ShapeError, match="x_static, the third bottom, must have 2 rows"):
        make_layer(block(kind, True), [x, cont, draw(N + 1, 3)])
    with pytest.raises(ShapeError, match="hidden states must have the shape 1 x 2 x 3"):
        make_layer(block(kind, False, True), [x, cont, *[draw(1, N, SIZE + 1)] * KINDS[kind]])
    with pytest.raises(ShapeError, match="must keep its 4 features"):
        make_layer(block(kind), [x, cont]).forward(draw(STEPS, N, FEATURES + 1), cont)
