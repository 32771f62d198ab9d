"""Layers that need what the layer before them keeps make no copy of it, and compute the same."""

from __future__ import annotations

import numpy as np
import pytest

from cortado import Net, Phase
from cortado.layers.batch_norm import BatchNorm
from cortado.proto import parse_net

TEXT = """
layer {{ name: "x" type: "DummyData" top: "x" dummy_data_param {{ shape {{ dim: 4 dim: 3 dim: 5 }}
  data_filler {{ type: "gaussian" }} }} }}
layer {{ name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param {{ num_output: 6 axis: 2
  weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "bn" type: "BatchNorm" bottom: "ip" top: "ip" }}
{between}
layer {{ name: "scale" type: "Scale" bottom: "ip" top: "ip" scale_param {{ bias_term: true
  filler {{ type: "gaussian" std: 1 }} }} }}
layer {{ name: "sum" type: "Reduction" bottom: "ip" top: "sum" loss_weight: 1 reduction_param {{ operation: SUMSQ }} }}
"""


def net_of(between="", **options):
    return Net(parse_net(TEXT.format(between=between)), Phase.TRAIN, seed=3, dtype=np.float64, **options)


def gradients(net, *ranges):
    net.clear_param_diffs()
    for start, end in ranges or [(0, None)]:
        net.forward(start, end)
    net.backward()
    return [p.blob.diff.copy() for p in net.learnable]


def copies(net):
    return net.layers[net.layer_index("scale")]._kept.nbytes


@pytest.mark.parametrize("engine", ["reference", "auto"])
def test_scale_borrows_from_batch_norm(engine):
    net, other = net_of(engine=engine), net_of(engine=engine)
    other.after_forward.append(lambda index: None)  # somebody looks on: it copies
    expected = gradients(other)
    for got, want in zip(gradients(net), expected, strict=True):
        np.testing.assert_array_equal(got, want)
    assert copies(net) == 0
    assert copies(other) > 0


def test_a_forward_in_two_parts_copies():
    net, expected = net_of(), gradients(net_of())
    at = net.layer_index("scale")
    for got, want in zip(gradients(net, (0, at - 1), (at, None)), expected, strict=True):
        np.testing.assert_array_equal(got, want)
    assert copies(net) > 0


def test_what_was_changed_in_between_counts():
    net = net_of()
    at = net.layer_index("scale")
    net.forward(0, at - 1)
    net.blobs["ip"].data[...] = 1
    net.clear_param_diffs()
    net.forward(at)
    net.backward(start=len(net.steps) - 1, end=at)
    scale = net.params["scale"]
    y = scale[0].data + scale[1].data
    np.testing.assert_allclose(scale[0].diff, 4 * 6 * 2 * y, rtol=1e-12)


def test_a_layer_in_between_that_writes_the_blob_ends_the_loan():
    net = net_of('layer { name: "t" type: "Bias" bottom: "ip" top: "ip" }')
    gradients(net)
    assert copies(net) > 0


def test_a_subclass_with_another_forward_lends_nothing():
    class Other(BatchNorm):
        type = "Other"

        def forward(self, bottom, top):
            super().forward(bottom, top)
            top[0].data[...] *= 2

    layer = net_of().layers[2]
    assert layer.speaks_for_forward("kept_output")
    layer.__class__ = Other
    assert not layer.speaks_for_forward("kept_output")


def test_global_statistics_keep_nothing_to_lend():
    net = net_of()
    assert net.layers[2].kept_output() is not None
    text = TEXT.replace(
        'top: "ip" }}\n{between}', 'top: "ip" batch_norm_param {{ use_global_stats: true }} }}\n{between}'
    )
    fixed = Net(parse_net(text.format(between="")), Phase.TRAIN, seed=3)
    assert fixed.layers[2].kept_output() is None
