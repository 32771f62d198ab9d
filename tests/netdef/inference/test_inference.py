"""Inference against the net it is made from: patterns one by one, and nets drawn at random."""

from __future__ import annotations

import numpy as np
import pytest

from cortado import Net, NetError
from cortado.proto import parse_net

HEAD = 'name: "n" layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ {} }} }} }}'
CONV = (
    'layer {{ name: "{0}" type: "Convolution" bottom: "{1}" top: "{0}" convolution_param {{ num_output: {2} {3} }} }}'
)


def conv(name, bottom, outputs=6, more="kernel_size: 3 pad: 1"):
    filler = 'weight_filler { type: "xavier" } bias_filler { type: "gaussian" std: 1 }'
    return CONV.format(name, bottom, outputs, f"{more} {filler}")


def layer(kind, name, bottoms, top=None, more=""):
    read = " ".join(f'bottom: "{b}"' for b in bottoms.split())
    return f'layer {{ name: "{name}" type: "{kind}" {read} top: "{top or name}" {more} }}'


BATCH_NORM = layer("BatchNorm", "bn", "c", "c")
SCALE = layer("Scale", "s", "c", "c", "scale_param { bias_term: true }")
RELU = layer("ReLU", "r", "c", "c")


def net_of(*parts, shape=(2, 4, 7, 5), **options):
    sizes = " ".join(f"dim: {size}" for size in shape)
    return fill(Net(parse_net("\n".join([HEAD.format(sizes), *parts])), seed=1, **options))


def fill(net, seed=0):
    """Learned blobs that make a difference wherever they are left out."""
    rng = np.random.default_rng(seed)
    for owner in net.layers:
        for index, blob in enumerate(owner.blobs):
            if owner.type in ("BatchNorm", "Scale", "Bias"):
                blob.data[...] = rng.uniform(0.5, 2, blob.shape) * (-1 if owner.type == "Scale" and index == 0 else 1)
    net.blobs["x"].data[...] = rng.normal(size=net.blobs["x"].shape)
    return net


def agree(net, keep=()):
    """The Inference of *net*, whose outputs are those of the net. Twice, for what a first run leaves behind."""
    net.forward()
    want = {name: net.blobs[name].data.copy() for name in [*net.outputs, *keep]}
    fast = net.inference(keep)
    tolerance = 1e-10 if net.context.dtype == np.float64 else 2e-4
    for _ in range(2):
        fast.forward()
        for name, expected in want.items():
            scale = max(1.0, float(np.abs(expected).max(initial=0)))
            np.testing.assert_allclose(fast.blobs[name].data, expected, rtol=0, atol=tolerance * scale, err_msg=name)
    return fast


ENGINES = pytest.mark.parametrize("engine", ["reference", "auto"])


@ENGINES
def test_batch_norm_scale_and_relu_become_part_of_the_convolution(engine):
    fast = agree(net_of(conv("c", "x"), BATCH_NORM, SCALE, RELU, engine=engine))
    assert [str(step) for step in fast.steps] == ["Convolution 'c' + 'bn' + 's' + 'r'"]


@ENGINES
def test_a_convolution_without_bias_gets_one(engine):
    assert (
        len(agree(net_of(conv("c", "x", more="bias_term: false kernel_size: 1"), BATCH_NORM, engine=engine)).steps) == 1
    )


def test_scale_behind_relu_stays_behind_it():
    assert len(agree(net_of(conv("c", "x"), RELU, SCALE)).steps) == 2


def test_a_leaky_relu_keeps_its_slope():
    leaky = layer("ReLU", "r", "c", "c", "relu_param { negative_slope: 0.3 }")
    assert len(agree(net_of(conv("c", "x"), leaky)).steps) == 1


def test_bias_and_scale_over_other_axes_are_left_alone():
    wide = layer("Scale", "s", "c", "c", "scale_param { axis: 2 num_axes: 2 }")
    assert len(agree(net_of(conv("c", "x"), wide)).steps) == 2
    one = layer("Scale", "s", "c", "c", "scale_param { num_axes: 0 }")
    assert len(agree(net_of(conv("c", "x"), one)).steps) == 2


def test_batch_norm_with_the_statistics_of_the_batch_stays():
    own = layer("BatchNorm", "bn", "c", "c", "batch_norm_param { use_global_stats: false }")
    fast = net_of(conv("c", "x"), own).inference()
    assert len(fast.steps) == 2


def test_batch_norm_without_a_convolution_is_one_step_with_scale_and_relu():
    parts = [layer("Pooling", "c", "x", more="pooling_param { kernel_size: 2 }"), BATCH_NORM, SCALE, RELU]
    fast = agree(net_of(*parts))
    assert [str(step) for step in fast.steps] == ["Pooling 'c'", "factor and shift 'bn' + 's' + 'r'"]


@ENGINES
def test_nothing_is_kept_for_a_backward_pass_and_the_net_keeps_its_own(engine):
    pool = layer("Pooling", "p", "x", more="pooling_param { kernel_size: 3 stride: 2 }")
    net = net_of(pool, layer("TanH", "t", "p", "p"), "force_backward: true", engine=engine)
    fast = agree(net)
    mask = net.layers[net.layer_index("p")].mask.data
    net.blobs["p"].diff[...] = 1
    net.backward()
    gradient = net.blobs["x"].diff.copy()
    mask.fill(-1)
    fast.forward()
    assert (mask == -1).all()
    net.forward()
    net.blobs["p"].diff[...] = 1
    net.backward()
    np.testing.assert_array_equal(net.blobs["x"].diff, gradient)


def residual(*more):
    return [conv("a", "x"), conv("b", "a"), conv("c", "b"), layer("Eltwise", "sum", "a c"), *more]


@ENGINES
def test_a_sum_is_made_in_the_place_of_its_other_term(engine):
    fast = agree(net_of(*residual(layer("ReLU", "r", "sum", "sum")), engine=engine))
    assert str(fast.steps[-1]) == "Convolution 'c' + 'sum' + 'r', added to 'a'"
    assert len(fast.steps) == 3


def test_a_term_that_is_read_later_is_not_overwritten():
    fast = agree(net_of(*residual(conv("later", "a")), layer("Concat", "all", "sum later")))
    assert not any("added" in str(step) for step in fast.steps)


def test_a_term_that_is_to_be_seen_is_not_overwritten():
    agree(net_of(*residual()), keep=["a"])


def test_a_sum_of_a_convolution_and_its_own_input_stays():
    agree(net_of(conv("a", "x", 4), conv("c", "a", 4), layer("Eltwise", "sum", "a c")))


def test_sums_with_coefficients_and_maxima_stay():
    for param in ("coeff: 1 coeff: -1", "operation: MAX"):
        parts = [conv("a", "x"), conv("c", "x"), layer("Eltwise", "sum", "a c", more=f"eltwise_param {{ {param} }}")]
        assert len(agree(net_of(*parts)).steps) == 3


DEPTHWISE = "kernel_size: 3 pad: 1 group: 4"


@ENGINES
@pytest.mark.parametrize("size", [(7, 5), (14, 14), (3, 40)])
@pytest.mark.parametrize("window", [DEPTHWISE, DEPTHWISE + " stride: 2", "kernel_size: 5 pad: 2 group: 4"])
def test_a_depthwise_convolution_is_computed_where_a_pointwise_one_reads_it(engine, size, window):
    parts = [conv("c", "x", 4, window), BATCH_NORM, SCALE, RELU, conv("p", "c", 9, "kernel_size: 1")]
    fast = agree(net_of(*parts, layer("ReLU", "q", "p", "p"), shape=(2, 4, *size), engine=engine))
    assert [str(step) for step in fast.steps] == ["Convolution 'c' + 'bn' + 's' + 'r' + 'p' + 'q'"]


def test_a_bottleneck_with_a_depthwise_convolution_adds_to_its_input():
    parts = [
        conv("a", "x", 4),
        conv("e", "a", 8, "kernel_size: 1"),
        conv("c", "e", 8, "kernel_size: 3 pad: 1 group: 8"),
    ]
    fast = agree(net_of(*parts, conv("p", "c", 4, "kernel_size: 1"), layer("Eltwise", "sum", "a p")))
    assert str(fast.steps[-1]) == "Convolution 'c' + 'p' + 'sum', added to 'a'"


def test_a_sum_is_not_made_in_what_a_depthwise_convolution_still_reads():
    parts = [conv("a", "x", 4), conv("c", "a", 4, DEPTHWISE), conv("p", "c", 4, "kernel_size: 1")]
    assert len(agree(net_of(*parts, layer("Eltwise", "sum", "a p"), layer("TanH", "t", "sum"))).steps) == 4


def test_a_depthwise_convolution_that_others_read_is_stored():
    point = conv("p", "c", 4, "kernel_size: 1")
    for more in (layer("TanH", "t", "c"), conv("q", "c", 4, "kernel_size: 1")):
        assert len(agree(net_of(conv("c", "x", 4, DEPTHWISE), point, more)).steps) == 3
    assert len(agree(net_of(conv("c", "x", 4, DEPTHWISE), point), keep=["c"]).steps) == 2
    assert len(agree(net_of(conv("c", "x", 8, DEPTHWISE), point)).steps) == 2
    assert len(agree(net_of(conv("c", "x", 4, DEPTHWISE), conv("p", "c", 4, "kernel_size: 3"))).steps) == 2


def test_a_net_with_depthwise_convolutions_takes_other_sizes():
    fast = net_of(conv("c", "x", 4, DEPTHWISE), conv("p", "c", 3, "kernel_size: 1")).inference()
    for size in ((2, 4, 9, 20), (1, 4, 3, 3)):
        x = np.random.default_rng(0).normal(size=size)
        want = fast.net(x=x)["p"].copy()
        np.testing.assert_allclose(fast(x=x)["p"], want, rtol=1e-4, atol=1e-5)


@ENGINES
def test_convolutions_write_where_a_concat_joins_them(engine):
    pool = layer("Pooling", "p", "x", more="pooling_param { kernel_size: 3 stride: 1 pad: 1 }")
    parts = [conv("a", "x", 3), layer("ReLU", "ra", "a", "a"), pool, conv("c", "x", 5, "kernel_size: 1")]
    fast = agree(net_of(*parts, layer("Concat", "all", "a p c"), engine=engine))
    assert str(fast.steps[-1]) == "Concat 'all', 1 of 3 parts copied"


def test_a_part_of_a_concat_that_is_read_elsewhere_is_copied():
    parts = [conv("a", "x", 3), conv("b", "a", 3), layer("Concat", "all", "a b"), layer("TanH", "t", "a")]
    agree(net_of(*parts))
    agree(net_of(conv("a", "x", 3), layer("Concat", "all", "a a")))


def test_in_place_layers_keep_values_that_others_read():
    parts = [layer("Dropout", "d", "x"), layer("TanH", "t", "d", "d"), layer("Sigmoid", "s", "x")]
    agree(net_of(*parts, layer("Concat", "all", "d s")))


def test_inputs_and_outputs_keep_their_memory():
    net = net_of(conv("a", "x"), layer("TanH", "t", "a"), layer("TanH", "u", "t"))
    fast = agree(net)
    first = fast.blobs["u"].data.copy()
    fast.forward()
    np.testing.assert_array_equal(fast.blobs["u"].data, first)
    assert fast.blobs["x"] is net.blobs["x"]


def test_values_in_between_share_memory():
    parts = [conv(str(i), str(i - 1) if i else "x", 4) for i in range(12)]
    fast = agree(net_of(*parts))
    assert fast.nbytes < 3 * (4 * 2 * 4 * 7 * 5 + 64)


def test_another_shape_of_the_input():
    net = net_of(conv("c", "x"), BATCH_NORM, SCALE, RELU, conv("d", "c"), layer("Concat", "all", "d x"))
    fast = net.inference()
    x = np.random.default_rng(3).normal(size=(3, 4, 9, 8)).astype(np.float32)
    found = fast(x=x)["all"]
    np.testing.assert_allclose(found, net(x=x)["all"], atol=1e-4 * np.abs(found).max())
    assert found.shape == (3, 10, 9, 8)


def test_refresh_takes_over_new_weights():
    net = net_of(conv("c", "x"), BATCH_NORM)
    fast = net.inference()
    net.params["c"][0].data[...] *= 2
    fast.refresh()
    fast.forward()
    net.forward()
    np.testing.assert_allclose(fast.blobs["c"].data, net.blobs["c"].data, atol=1e-4)


def test_unknown_names_are_refused_with_the_nearest():
    net = net_of(conv("conv", "x"))
    with pytest.raises(NetError, match=r"no blob 'cnv'.*conv"):
        net.inference(keep=["cnv"])
    with pytest.raises(NetError, match=r"no input 'X'.*x"):
        net.inference()(X=0)


def test_the_net_itself_takes_no_memory_for_values():
    net = net_of(conv("c", "x"), RELU, conv("d", "c"))
    net.inference().forward()
    assert net.blobs["c"].nbytes == 0


KINDS = [
    "conv",
    "conv",
    "conv",
    "bn",
    "scale",
    "relu",
    "relu",
    "sum",
    "sum",
    "concat",
    "pool",
    "tanh",
    "dropout",
    "bias",
]


def random_net(seed):
    """A chain of layers that read what any earlier one wrote, in place or not, so that some values live long."""
    rng = np.random.default_rng(seed)
    blobs, parts, read = {"x": 4}, [], {"x"}
    for index in range(int(rng.integers(4, 16))):
        kind, name = rng.choice(KINDS), f"l{index}"
        recent = list(blobs)[-3:]
        bottom = str(rng.choice(recent))
        top = bottom if bottom not in read and rng.random() < 0.5 else name
        read.add(bottom)
        channels = blobs[bottom]
        if kind == "conv":
            outputs = int(rng.choice([4, 4, 4, 3]))
            parts.append(conv(name, bottom, outputs, str(rng.choice(["kernel_size: 1", "kernel_size: 3 pad: 1"]))))
            top, channels = name, outputs
        elif kind in ("sum", "concat"):
            fits = [b for b in recent if kind == "concat" or blobs[b] == channels]
            other = str(rng.choice(fits))
            read.add(other)
            channels = channels if kind == "sum" else channels + blobs[other]
            if channels > 16:
                continue
            parts.append(layer({"sum": "Eltwise", "concat": "Concat"}[kind], name, f"{bottom} {other}"))
            top = name
        elif kind == "pool":
            parts.append(layer("Pooling", name, bottom, more="pooling_param { kernel_size: 3 stride: 1 pad: 1 }"))
            top = name
        else:
            types = {"bn": "BatchNorm", "scale": "Scale", "relu": "ReLU", "tanh": "TanH", "dropout": "Dropout"}
            parts.append(layer(types.get(kind, "Bias"), name, bottom, top))
        blobs.pop(top, None)
        blobs[top] = channels
        read.discard(top)
    return parts


@pytest.mark.parametrize("seed", range(150))
def test_random_nets_agree(seed):
    parts = random_net(seed)
    agree(net_of(*parts, shape=(2, 4, 4, 5), engine="reference", dtype=np.float64))
    if seed % 5 == 0:
        agree(net_of(*parts, shape=(2, 4, 4, 5)))
