"""Choosing: which dialects a text is read with."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

import cortado
from cortado.dialects import Dialect, Table
from cortado.errors import CortadoError, ParseError, PluginError, UnknownLayerError
from cortado.layers import Layer, LayerContext, Phase, choose_engine
from cortado.netdef import Net
from cortado.plugins import PluginManager, plugin_manager
from cortado.plugins.dialects import layer_class, parse_net_text, text_schema
from cortado.proto import Schema
from cortado.solver.check import check_net_or_solver
from cortado.testing import make_layer


@pytest.fixture
def plugins():
    return PluginManager()


def net(text, plugins=None):
    return parse_net_text(text, "net.prototxt", plugins or plugin_manager())


def chosen(text, plugins=None):
    """The dialects, by name, whose fields are in the schema of *text*."""
    schema = text_schema(text, "NetParameter", plugins or plugin_manager())
    return {a.provider.removeprefix("dialect ").split("/")[0] for a in schema.additions if "dialect" in a.provider}


@pytest.mark.parametrize(
    ("text", "owner"),
    [
        ('layer { name: "a" type: "ReLU" }', None),
        ('layer { name: "a" type: "PriorBox" prior_box_param { min_size: 1 } }', "ssd"),
        ('layer { name: "a" type: "Permute" permute_param { order: 1 } }', "ssd"),
        ('layer { name: "a" type: "ROIPooling" roi_pooling_param { pooled_w: 7 pooled_h: 7 } }', "fast_rcnn"),
        ('layer { name: "a" type: "Reorg" reorg_param { stride: 2 } }', "mobilenet_yolo"),
        ('layer { name: "bn" type: "BN" bn_param { slope_filler { value: 1 } frozen: true } }', "pspnet"),
        ('layer { name: "bn" type: "BN" bn_param { scale_filler { value: 1 } bn_mode: INFERENCE } }', "segnet"),
        (
            'layer { name: "p" type: "Pooling" pooling_param { pool: MAX kernel_size: 2 ceil_mode: false } }',
            "ceil_mode",
        ),
        ('layer { name: "c" type: "Convolution3D" convolution3d_param { num_output: 2 kernel_depth: 3 } }', "c3d"),
        ('layers { name: "c" type: CONVOLUTION3D convolution_param { num_output: 2 kernel_depth: 3 } }', "c3d_v10"),
        ('layer { name: "s" type: "ShuffleChannel" shuffle_channel_param { group: 3 } }', "shufflenet"),
        ('layer { name: "n" type: "BatchNorm" batch_norm_param { scale_bias: true } }', "nvcaffe"),
    ],
)
def test_fields_tell_the_dialect(text, owner):
    found = chosen(text)
    assert owner in found if owner else not found


def test_one_dialect_is_enough_for_a_net_of_one_fork():
    text = """layer { name: "a" type: "PriorBox" prior_box_param { min_size: 3 } }
        layer { name: "b" type: "Normalize" norm_param { across_spatial: false } }"""
    assert chosen(text) == {"ssd"}


def test_a_net_of_two_forks_gets_both():
    text = """layer { name: "a" type: "PriorBox" prior_box_param { min_size: 3 } }
        layer { name: "b" type: "ROIPooling" roi_pooling_param { pooled_w: 7 } }
        layer { name: "c" type: "Interp" interp_param { zoom_factor: 2 } }"""
    document = net(text)
    layers = document.message.layer
    assert (layers[0].prior_box_param.min_size[0], layers[1].roi_pooling_param.pooled_w) == (3, 7)
    assert layers[2].interp_param.zoom_factor == 2
    assert "dialect" in document.notes[0]


def test_dialects_by_name(plugins):
    text = 'layer { name: "a" type: "Permute" permute_param { order: 0 } }'
    plugins.dialect = "intel"
    assert "intel" in chosen(text, plugins)
    plugins.dialect = "stock"
    with pytest.raises(ParseError, match="permute_param") as error:
        net(text, plugins)
    assert "'ssd'" in str(error.value)
    plugins.dialect = "sdd"
    with pytest.raises(PluginError, match="there is no dialect 'sdd'") as error:
        net(text, plugins)
    assert "'ssd'" in str(error.value)
    plugins.dialect = "ssd, fast_rcnn"
    assert {"ssd", "fast_rcnn"} <= chosen(text, plugins)


def test_an_unknown_field_names_its_line_and_the_nearest():
    text = 'layer {\n  name: "a"\n  type: "Permute"\n  permute_parm { order: 1 }\n}'
    with pytest.raises(ParseError) as error:
        net(text)
    assert "net.prototxt:4:3" in str(error.value)
    assert "permute_parm" in str(error.value)


def test_a_layer_of_a_fork_without_implementation_is_named():
    document = net('layer { name: "crf" type: "DenseCRF" bottom: "a" top: "b" dense_crf_param { max_iter: 10 } }')
    with pytest.raises(UnknownLayerError) as error:
        layer_class(document.message.layer[0], plugin_manager())
    assert "a known layer type of the dialect" in str(error.value)
    assert "without an implementation here" in str(error.value)


def test_a_type_by_which_a_fork_means_another_layer_is_not_taken_for_it():
    text = """layer { name: "n" type: "Normalize" bottom: "a" top: "b" }
        layer { name: "t" type: "TripletLoss" triplet_loss_param { margin: 3 } }
        layer { name: "l" type: "Local" local_param { } }"""
    layer = net(text).message.layer[0]
    with pytest.raises(UnknownLayerError, match="'happynear"):
        layer_class(layer, plugin_manager())


def test_messages_with_fields_that_nobody_knows_are_passed_over():
    text = 'layer { name: "a" type: "Insanity" insanity_param { never_heard_of: 3 } }'
    assert net(text).message.layer[0].HasField("insanity_param")


def test_a_text_that_is_none_is_refused_by_the_parser():
    with pytest.raises(ParseError, match=r"net\.prototxt"):
        net("layer { name: }")
    with pytest.raises(ParseError):
        net(b"\xff\xfe\x00")


class Twist(Layer):
    type = "Twist"


class Ours(Dialect):
    """Ours."""

    type = "ours"
    fork = "the fork of our company"
    tables = (
        Table(
            "ours",
            """message TwistParameter { float angle = 1 [default = 3]; }
            extend LayerParameter { TwistParameter twist_param = 147; } layer Twist twist_param;""",
        ),
    )
    layers: ClassVar[dict[str, type[Layer]]] = {"Twist": Twist}


class Provider:
    @cortado.hookimpl
    def cortado_dialects(self):
        return [Ours]


def test_a_plugins_dialect_takes_its_turn(plugins):
    plugins.register(Provider())
    text = 'layer { name: "a" type: "Twist" twist_param { angle: 2 } }'
    layer = net(text, plugins).message.layer[0]
    assert (layer.twist_param.angle, layer_class(layer, plugins)) == (2, Twist)
    assert chosen(text, plugins) == {"ours"}
    # 147 is the number of another field in another fork; one net may have both
    both = text + ' layer { name: "r" type: "Reorg" reorg_param { stride: 2 } }'
    document = net(both, plugins)
    assert (document.message.layer[0].twist_param.angle, document.message.layer[1].reorg_param.stride) == (2, 2)


def test_fields_without_effect_are_named():
    text = """layer { name: "d" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 dim: 4 dim: 4 } } }
        layer { name: "c1" type: "Convolution" bottom: "x" top: "y"
                convolution_param { num_output: 1 kernel_size: 1 relu: true conv_algorithm: "direct" } }
        layer { name: "c2" type: "Convolution" bottom: "y" top: "z"
                convolution_param { num_output: 1 kernel_size: 1 relu: true } }"""
    notes = [note for note in net(text).notes if "no effect" in note]
    assert len(notes) == 1
    assert "convolution_param { relu }" in notes[0]
    assert "Intel" in notes[0]
    assert "layer 'c1' and 1 more" in notes[0]


@pytest.mark.parametrize(
    "text",
    [
        'layer { name: "p" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 2 ceil_mode: false } }',
        'layer { name: "d" type: "Dropout" bottom: "x" top: "y" dropout_param { scale_train: false } }',
        'layer { name: "n" type: "BatchNorm" bottom: "x" top: "y" batch_norm_param { scale_bias: true } }',
        'layer { name: "a" type: "AnnotatedData" top: "x" transform_param { resize_param { height: 3 width: 3 } } }',
    ],
)
def test_fields_with_an_effect_are_not(text):
    assert not [note for note in net(text).notes if "no effect" in note]


def test_check_and_net_use_what_was_chosen(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text(
        """input: "data" input_shape { dim: 1 dim: 2 dim: 3 dim: 4 }
        layer { name: "p" type: "Permute" bottom: "data" top: "out"
                permute_param { order: 0 order: 2 order: 3 order: 1 } }"""
    )
    assert check_net_or_solver(path).ok
    assert Net(path, Phase.TEST).blobs["out"].shape == (1, 3, 4, 2)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ('type: "Normalize"', "a Normalize layer needs norm_param"),
        (
            'type: "Proposal" proposal_param { something_else: 1 }',
            "unknown layer type 'Proposal' .a known",
        ),
        ('type: "PriorBox" prior_box_param { min_size: 3 width: 4 }', "width is read and not implemented"),
        ('type: "BN" bn_param { never_heard_of: 3 }', "unknown layer type 'BN' .a known"),
    ],
)
def test_blocks_of_forks_that_mean_another_layer_are_refused(text, rule, plugins):
    bottoms = [np.ones((1, 2, 3, 4)), np.ones((1, 2, 3, 4)), np.ones((1, 3))]
    many = {"Proposal": 3, "PriorBox": 2}
    with pytest.raises(CortadoError, match=rule):
        make_layer(text, bottoms[: many.get(text.split('"')[1], 1)])


def test_every_layer_of_a_fork_has_its_parameters_in_a_net_that_mentions_none(plugins):
    for entry in plugins.registry("layers").all():
        layer = entry.item
        if layer.__module__.startswith("cortado.dialects.") and layer.param_field:
            config = Schema.stock().LayerParameter(name="x", type=entry.name)
            context = LayerContext(Phase.TRAIN, choose_engine("reference", plugins), plugins)
            assert layer(config, context).param is not None
