"""Evidence: which dialect a binary file was written with."""

from __future__ import annotations

import numpy as np
import pytest

from cortado.dialects import choose_for_binary, combine
from cortado.errors import PluginError
from cortado.plugins import PluginManager, plugin_manager
from cortado.plugins.dialects import read_weights
from cortado.proto import Schema, parse_text

STOCK = Schema.stock()


def dialect(name):
    return plugin_manager().get("dialects", name).item


def write(path, name, text, shape=(2, 3)):
    """A weight file of the net *text*, as the fork *name* would write it."""
    schema = combine(STOCK, dialect(name).tables) if name else STOCK
    net = parse_text(text, schema.NetParameter, "net.prototxt").message
    for layer in net.layer:
        blob = layer.blobs.add()
        blob.shape.dim.extend(shape)
        blob.data.extend(range(int(np.prod(shape))))
    path.write_bytes(net.SerializeToString())
    return path


def chosen(path, wanted=None):
    dialects = [entry.item for entry in plugin_manager().registry("dialects").all()]
    return {d.type for d in choose_for_binary(dialects, path, STOCK, wanted).dialects}


@pytest.mark.parametrize(
    ("name", "text", "acceptable"),
    [
        (None, 'layer { name: "c" type: "Convolution" convolution_param { num_output: 2 kernel_size: 3 } }', set()),
        ("ssd", 'layer { name: "n" type: "Normalize" norm_param { across_spatial: false } }', {"ssd"}),
        ("segnet", 'layer { name: "u" type: "Upsample" upsample_param { scale: 2 upsample_h: 5 } }', {"segnet"}),
        ("pspnet", 'layer { name: "b" type: "BN" bn_param { slope_filler { value: 1 } } }', {"pspnet"}),
        ("fast_rcnn", 'layer { name: "r" type: "ROIPooling" roi_pooling_param { pooled_h: 3 } }', {"fast_rcnn"}),
        ("mobilenet_yolo", 'layer { name: "y" type: "Yolov3" yolov3_param { num: 3 side: 13 } }', {"mobilenet_yolo"}),
    ],
)
def test_bytes_tell_the_dialect(tmp_path, name, text, acceptable):
    path = write(tmp_path / "x.caffemodel", name, text)
    found = chosen(path)
    assert found == acceptable or (acceptable and len(found) == 1 and _means_the_same(found, name, path))
    net = read_weights(path, plugin_manager())
    np.testing.assert_array_equal(net.layer[0].blobs[0].data, range(6))


def _means_the_same(found, name, path):
    """Whether the dialect *found* reads the file as *name* does: forks that copied each other cannot be told apart."""
    (other,) = found
    read = [combine(STOCK, dialect(d).tables).NetParameter.FromString(path.read_bytes()) for d in (other, name)]
    return str(read[0]) == str(read[1])


def test_a_number_with_another_wire_type_is_never_misread(tmp_path):
    """NVCaffe's forward_type and the swish_param of stock Caffe: both are number 145 or near; one is no message."""
    numbers = {f.number: f for f in combine(STOCK, dialect("nvcaffe").tables).LayerParameter.DESCRIPTOR.fields}
    scalar = numbers[145]
    assert scalar.message_type is None
    text = f'layer {{ name: "c" type: "ReLU" {scalar.name}: {_value(scalar)} }}'
    path = write(tmp_path / "x.caffemodel", "nvcaffe", text)
    plain = STOCK.NetParameter.FromString(path.read_bytes())
    assert [f.name for f, _ in plain.layer[0].ListFields()] == ["name", "type", "blobs"]
    assert "nvcaffe" in chosen(path)


def _value(field):
    return field.enum_type.values[1].name if field.enum_type is not None else 1


def test_by_name(tmp_path):
    path = write(tmp_path / "x.caffemodel", None, 'layer { name: "c" type: "ReLU" }')
    assert chosen(path, "ssd") == {"ssd"}
    assert chosen(path, "stock") == set()
    with pytest.raises(PluginError, match="no dialect 'sssd'"):
        chosen(path, "sssd")
    plugins = PluginManager()
    plugins.dialect = "segnet"
    assert read_weights(path, plugins).layer[0].name == "c"


def test_files_that_are_no_nets_are_left_to_the_reader(tmp_path):
    path = tmp_path / "x.caffemodel"
    for content in (b"", b"\x00\x01", b"no weights at all"):
        path.write_bytes(content)
        assert chosen(path) == set()
    assert chosen(tmp_path / "not there") == set()
