"""C3D: convolution and pooling over time, in the files and weights of both its versions."""

import struct

import numpy as np
import pytest

from cortado.errors import ShapeError
from cortado.netdef import Net
from cortado.testing import check_gradient, make_layer

RNG = np.random.default_rng(10)
X = RNG.normal(size=(2, 4, 5, 6, 7))
CONVOLUTION = """type: "Convolution3D" convolution3d_param { num_output: 6 kernel_size: 3 kernel_depth: 2 stride: 2
    temporal_stride: 3 pad: 1 temporal_pad: 1 group: 2 }"""


def test_convolution_over_time_is_the_stock_layer_with_three_sizes():
    run = make_layer(CONVOLUTION, [X])
    stock = make_layer(
        """type: "Convolution" convolution_param { num_output: 6 kernel_size: 2 kernel_size: 3 kernel_size: 3 group: 2
        stride: 3 stride: 2 stride: 2 pad: 1 pad: 1 pad: 1 }""",
        [X],
    )
    assert run.layer.blobs[0].shape == (6, 2, 2, 3, 3)
    for ours, theirs in zip(run.layer.blobs, stock.layer.blobs, strict=True):
        ours.data[...] = theirs.data[...] = RNG.normal(size=ours.shape)
    np.testing.assert_array_equal(run.forward()[0], stock.forward()[0])


def test_its_gradients():
    text = 'type: "Convolution3D" convolution3d_param { num_output: 2 kernel_size: 2 kernel_depth: 3 }'
    check_gradient(text, [X[:1, :2, :4, :3, :4]])


def pooled(x, kernel, stride, pad, how):
    sizes = [-(-(n + 2 * p - k) // s) + 1 for n, k, s, p in zip(x.shape[2:], kernel, stride, pad, strict=True)]
    y = np.zeros((*x.shape[:2], *sizes))
    for at in np.ndindex(*sizes):
        begin = [i * s - p for i, s, p in zip(at, stride, pad, strict=True)]
        end = [min(b + k, n + p) for b, k, n, p in zip(begin, kernel, x.shape[2:], pad, strict=True)]
        window = x[(..., *(slice(max(0, b), e) for b, e in zip(begin, end, strict=True)))]
        area = np.prod([e - b for b, e in zip(begin, end, strict=True)])
        y[(..., *at)] = window.max((2, 3, 4)) if how == "MAX" else window.sum((2, 3, 4)) / area
    return y


@pytest.mark.parametrize("how", ["MAX", "AVE"])
def test_pooling_over_time(how):
    text = f"""type: "Pooling3D" pooling3d_param {{ pool: {how} kernel_size: 2 kernel_depth: 3 stride: 2
        temporal_stride: 2 temporal_pad: 1 }}"""
    np.testing.assert_allclose(make_layer(text, [X]).forward()[0], pooled(X, (3, 2, 2), (2, 2, 2), (1, 0, 0), how))
    check_gradient(text, [X[:1, :1, :4, :4, :4]])


def test_no_mask_where_no_backward_comes():
    text = 'type: "Pooling3D" pooling3d_param { kernel_size: 2 kernel_depth: 3 stride: 2 }'
    run, lean = make_layer(text, [X]), make_layer(text, [X])
    lean.layer.runs_backward = False
    np.testing.assert_array_equal(lean.forward()[0], run.forward()[0])
    assert lean.layer.mask.nbytes == 0


def test_five_axes_are_needed():
    with pytest.raises(ShapeError, match="5 axes"):
        make_layer(CONVOLUTION, [X[0]])


NET = """
layers { name: "data" type: DUMMY_DATA top: "data"
         dummy_data_param { shape { dim: 1 dim: 2 dim: 3 dim: 4 dim: 4 } data_filler { value: 1 } } }
layers { name: "conv" type: CONVOLUTION3D bottom: "data" top: "conv"
         convolution_param { num_output: 3 kernel_size: 3 kernel_depth: 2 stride: 1 } }
layers { name: "pool" type: POOLING3D bottom: "conv" top: "pool"
         pooling_param { pool: MAX kernel_size: 2 kernel_depth: 1 stride: 2 temporal_stride: 1 } }
layers { name: "fc" type: INNER_PRODUCT bottom: "pool" top: "fc" inner_product_param { num_output: 1 } }
"""


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def bytes_field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def blob(values):
    """A blob as C3D v1.0 writes it: five sizes in fields 1 to 5, values in 6."""
    sizes = (1,) * (5 - values.ndim) + values.shape
    head = b"".join(varint(i << 3) + varint(n) for i, n in enumerate(sizes, 1))
    return head + bytes_field(6, struct.pack(f"<{values.size}f", *values.ravel()))


def layer(name, kind, *blobs):
    content = bytes_field(4, name.encode()) + varint(5 << 3) + varint(kind)
    return bytes_field(2, content + b"".join(bytes_field(6, blob(b)) for b in blobs))


def test_version_one_with_its_weights(tmp_path):
    weights = [RNG.normal(size=s).astype("f4") for s in ((3, 2, 2, 3, 3), (3,), (1, 6), (1,))]
    data = layer("conv", 30, *weights[:2]) + layer("fc", 14, *weights[2:])
    (tmp_path / "c3d.caffemodel").write_bytes(data)
    (tmp_path / "net.prototxt").write_text(NET)
    net = Net(tmp_path / "net.prototxt", weights=tmp_path / "c3d.caffemodel")
    assert [type(one).__name__ for one in net.layers] == ["DummyData", "Convolution3D", "Pooling3D", "InnerProduct"]
    assert net.blobs["pool"].shape == (1, 3, 2, 1, 1)
    stored = [*net.params["conv"], *net.params["fc"]]
    for got, want in zip(stored, weights, strict=True):
        np.testing.assert_array_equal(got.data, want)
    net.save(tmp_path / "again.caffemodel")
    again = Net(tmp_path / "net.prototxt", weights=tmp_path / "again.caffemodel")
    for got, want in zip([*again.params["conv"], *again.params["fc"]], weights, strict=True):
        np.testing.assert_array_equal(got.data, want)
