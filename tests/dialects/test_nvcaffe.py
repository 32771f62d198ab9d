"""NVCaffe: blobs in half precision, and BatchNorm with its own scale and bias."""

import numpy as np
import pytest

from cortado.errors import FormatError, ParameterError
from cortado.layers import Phase
from cortado.netdef import Net
from cortado.plugins import plugin_manager
from cortado.plugins.dialects import read_weights, text_schema
from cortado.testing import check_gradient, make_layer

TEXT = 'type: "BatchNorm" batch_norm_param { scale_bias: true eps: 0.001 }'


def test_batch_norm_scales_and_shifts_what_it_has_normalized():
    x = np.random.default_rng(0).normal(2, 3, size=(4, 3, 5, 2))
    run = make_layer(TEXT, [x])
    assert [blob.shape for blob in run.layer.blobs] == [(3,), (3,), (1,), (3,), (3,)]
    run.layer.blobs[3].data[...], run.layer.blobs[4].data[...] = [1, 2, 3], [4, 5, 6]
    (y,) = run.forward()
    z = (x - x.mean((0, 2, 3), keepdims=True)) / np.sqrt(x.var((0, 2, 3), keepdims=True) + 0.001)
    np.testing.assert_allclose(y, z * np.array([1, 2, 3])[:, None, None] + np.array([4, 5, 6])[:, None, None])


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("phase", list(Phase))
def test_its_gradients(phase, in_place):
    x = np.random.default_rng(0).normal(2, 3, size=(4, 3, 5, 2))
    text = f'layer {{ bottom: "x" top: "{"x" if in_place else "y"}" {TEXT} }}'
    statistics = [np.array([1.0, 2, 3]), np.array([1.0, 2, 3]), np.ones(1), None, None]
    check_gradient(text, [x], phase=phase, params=statistics)


def test_without_scale_bias_it_is_the_stock_layer():
    x = np.random.default_rng(0).normal(size=(4, 3, 5, 2))
    ours = make_layer('type: "BatchNorm" batch_norm_param { scale_bias: false }', [x])
    stock = make_layer('type: "BatchNorm"', [x])
    assert type(ours.layer) is not type(stock.layer)
    np.testing.assert_array_equal(ours.forward()[0], stock.forward()[0])


def weights(tmp_path, values, kind):
    text = "default_forward_type: FLOAT16"
    net = text_schema(text, "NetParameter", plugin_manager()).NetParameter(name="half")
    layer = net.layer.add(name="ip", type="InnerProduct", forward_type=2, forward_math=1, backward_type=2)
    blob = layer.blobs.add(raw_data_type=kind, raw_data=values.tobytes())
    blob.shape.dim.extend(values.shape)
    path = tmp_path / "half.caffemodel"
    path.write_bytes(net.SerializeToString())
    return path


@pytest.mark.parametrize(("kind", "dtype"), [(0, "f8"), (1, "f4"), (2, "f2")])
def test_raw_blobs_are_read_as_numbers(tmp_path, kind, dtype):
    values = np.array([[0.5, -2, 3], [1, 65504, 0]], dtype)
    net = read_weights(weights(tmp_path, values, kind), plugin_manager())
    stored = net.layer[0].blobs[0]
    assert not stored.raw_data
    np.testing.assert_array_equal(list(stored.double_data or stored.data), values.ravel())


def test_they_go_into_a_net(tmp_path):
    values = np.array([[0.5, -2, 3], [1, 8, 0]], "f2")
    text = """layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 } } }
        layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
                inner_product_param { num_output: 2 bias_term: false } }"""
    (tmp_path / "net.prototxt").write_text(text)
    net = Net(tmp_path / "net.prototxt", weights=weights(tmp_path, values, 2))
    np.testing.assert_array_equal(net.params["ip"][0].data, values)


def test_a_raw_blob_of_the_wrong_length_is_refused(tmp_path):
    path = weights(tmp_path, np.ones(4, "f2"), 1)
    with pytest.raises(FormatError, match=r"layer 'ip', blob 0: a blob of shape .4,. in float32 has 16 bytes"):
        read_weights(path, plugin_manager())


def test_l1_loss():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 3, 4, 5))
    (loss,) = make_layer('type: "L1Loss"', [a, b]).forward()
    np.testing.assert_allclose(loss, abs(a - b).sum() / 3)
    check_gradient('type: "L1Loss"', [a, b], skip_kinks=True)
    (loss,) = make_layer('type: "L1Loss" l1_loss_param { }', [a, b]).forward()
    np.testing.assert_allclose(loss, abs(a - b).sum() / 3)
    with pytest.raises(ParameterError, match="l2_per_location"):
        make_layer('type: "L1Loss" l1_loss_param { l2_per_location: true }', [a, b])
