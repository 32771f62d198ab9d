"""BatchNorm, Scale and ReLU computed in one go leave what they leave one after the other, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from cortado import Net, Phase
from cortado.proto import parse_net

DATA = """
layer {{ name: "x" type: "DummyData" top: "x" dummy_data_param {{ shape {{ {} }}
  data_filler {{ type: "gaussian" }} }} }}
layer {{ name: "c" type: "Convolution" bottom: "x" top: "c" convolution_param {{ num_output: 6 kernel_size: 1
  weight_filler {{ type: "gaussian" std: 1 }} }} }}
"""
NORM = 'layer { name: "bn" type: "BatchNorm" bottom: "c" top: "c" }'
SCALE = """layer { name: "scale" type: "Scale" bottom: "c" top: "c" scale_param { bias_term: true
  filler { type: "gaussian" std: 1 } bias_filler { type: "gaussian" std: 1 } } }"""
PLAIN = SCALE.replace("bias_term: true", "").replace('bias_filler { type: "gaussian" std: 1 }', "")
RELU = 'layer { name: "r" type: "ReLU" bottom: "c" top: "c" }'
LEAKY = RELU.replace("}", "relu_param { negative_slope: 0.1 } }")
LOSS = """
layer { name: "sum" type: "Reduction" bottom: "c" top: "sum" loss_weight: 1 reduction_param { operation: SUMSQ } }
"""
ENGINES = pytest.mark.parametrize("engine", ["reference", "auto"])


def net_of(*parts, shape=(4, 3, 7, 5), **options):
    sizes = " ".join(f"dim: {size}" for size in shape)
    text = "\n".join([DATA.format(sizes), *parts, LOSS])
    return Net(parse_net(text), Phase.TRAIN, seed=3, **options)


def steps_of(net, times=2):
    """What some steps leave: the loss, blobs, learned blobs, statistics, and the gradients of all."""
    for _ in range(times):
        net.clear_param_diffs()
        loss = net.forward()
        net.backward()
    blobs = [*net.blobs.values(), *(blob for layer in net.layers for blob in layer.blobs)]
    return [np.float64(loss), *(array.copy() for blob in blobs for array in (blob.data, blob.diff))]


def joined(net):
    return [step.layer.name for step in net.steps if step.forward_instead is not None]


def assert_same(net, other):
    for got, want in zip(steps_of(net), steps_of(other), strict=True):
        np.testing.assert_array_equal(got, want)


def look_on(index):
    pass


@ENGINES
@pytest.mark.parametrize("shape", [(4, 3, 7, 5), (1, 3, 40, 70), (9, 3, 1, 1), (2, 3, 17, 1)])
@pytest.mark.parametrize(
    "parts", [(NORM, SCALE), (NORM, SCALE, RELU), (NORM, PLAIN, LEAKY)], ids=["scale", "relu", "leaky without bias"]
)
def test_a_chain_leaves_what_its_layers_leave(engine, shape, parts):
    net, other = net_of(*parts, shape=shape, engine=engine), net_of(*parts, shape=shape, engine=engine)
    other.before_forward.append(look_on)
    other.before_backward.append(look_on)
    assert_same(net, other)
    assert len(joined(net)) == len(parts)
    assert not joined(other)


@ENGINES
def test_a_chain_goes_back_layer_by_layer_where_somebody_looks_on(engine):
    net, other = (net_of(NORM, SCALE, RELU, engine=engine) for _ in range(2))
    other.after_backward.append(look_on)
    assert_same(net, other)
    other.after_backward.clear()
    other.after_forward.append(look_on)
    assert_same(net, other)


def test_passes_over_some_layers_are_not_joined():
    net, other = net_of(NORM, SCALE, RELU), net_of(NORM, SCALE, RELU)
    for each in (net, other):
        each.clear_param_diffs()
    at = net.layer_index("scale")
    net.forward(0, at - 1)
    net.forward(at)
    assert not joined(net)
    net.backward(None, at)
    net.backward(at - 1)
    other.forward()
    other.backward()
    for blob, same in zip(net.blobs.values(), other.blobs.values(), strict=True):
        np.testing.assert_array_equal(blob.diff, same.diff)


def test_what_is_changed_between_the_layers_counts():
    net, other = net_of(NORM, SCALE), net_of(NORM, SCALE)
    steps_of(net), steps_of(other)

    def change(index):
        if net.layer_names[index] == "bn":
            net.blobs["c"].data[...] *= 2

    net.after_forward.append(change)
    for each in (net, other):
        each.clear_param_diffs()
        each.forward()
        each.backward()
    scale = net.layer_index("scale")
    assert not np.array_equal(net.blobs["c"].data, other.blobs["c"].data)
    assert not np.array_equal(net.layers[scale].blobs[0].diff, other.layers[scale].blobs[0].diff)


@pytest.mark.parametrize(
    "parts",
    [
        (NORM.replace("}", "batch_norm_param { use_global_stats: true } }"), SCALE, RELU),
        (NORM, SCALE.replace("scale_param {", "scale_param { axis: 2"), RELU),
        (NORM, SCALE.replace("scale_param {", "scale_param { num_axes: 0"), RELU),
        (NORM, SCALE.replace('top: "c"', 'top: "c" param { lr_mult: 0 } param { lr_mult: 0 }'), RELU),
        (NORM, RELU, SCALE),
        (NORM.replace('bottom: "c" top: "c"', 'bottom: "x" top: "c"').replace('"c" }', '"c2" }'), SCALE),
    ],
    ids=["global", "other axis", "one factor", "frozen", "other order", "not in place"],
)
def test_other_layers_are_no_chain(parts):
    net = net_of(*parts)
    net.forward()
    assert not joined(net)


def test_a_chain_follows_other_shapes():
    net, other = net_of(NORM, SCALE, RELU), net_of(NORM, SCALE, RELU)
    other.before_forward.append(look_on)
    for shape in ((2, 3, 9, 9), (5, 3, 2, 2)):
        for each in (net, other):
            del each.layers[0].param.shape[0].dim[:]
            each.layers[0].param.shape[0].dim.extend(shape)
            each.reshape()
        assert_same(net, other)
