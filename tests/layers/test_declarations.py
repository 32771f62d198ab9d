"""What layer classes declare and what their data sheets say: consistent, complete, and true when the layer runs."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from cortado.layers import Layer
from cortado.plugins import PluginManager
from cortado.proto import parse_text
from cortado.testing import LayerRun, make_layer

MANAGER = PluginManager(external=False)
SCHEMA = MANAGER.schema()
FIELDS = SCHEMA.message("LayerParameter").DESCRIPTOR.fields_by_name
LAYERS = [
    entry.item for entry in MANAGER.registry("layers").all() if entry.item.__module__.startswith("cortado.layers.")
]
WITHOUT_FORMULA = {
    "Concat": "copies",
    "Python": "computes what the user's class does",
    "Slice": "copies",
}
TRANSFORM = "scale mean_file crop_size mirror force_encoded_color"
NOT_IN_THE_SHEET = {
    "Data": TRANSFORM,  # old fields, which reading a file moves to transform_param
    "ImageData": TRANSFORM,
    "WindowData": TRANSFORM,
    "Im2col": "num_output bias_term group weight_filler bias_filler engine axis force_nd_im2col "
    "kernel_h kernel_w stride_h stride_w pad_h pad_w",  # those of a convolution, or named with it
    "SoftmaxWithLoss": "engine",  # of the Softmax layer
}
NO_DEFAULT_IN_THE_SHEET = {
    "pad_h pad_w stride_h stride_w kernel_h kernel_w concat_dim slice_dim": "another way to write a field",
    "new_height new_width": "one bracket for both",
    "engine debug_info force_nd_im2col share_in_parallel rand_skip": "read and without effect",
    "normalization": "another default than the schema's for one loss",
}
TYPES = pytest.mark.parametrize("layer", LAYERS, ids=[layer.type for layer in LAYERS])


def doc(layer: type[Layer]) -> str:
    return inspect.getdoc(layer) or ""


def fields(layer: type[Layer]) -> list[Any]:
    name = layer.parameters.field if layer.parameters else layer.param_field
    return list(FIELDS[name].message_type.fields) if name else []


def blocks(text: str) -> Iterator[str]:
    """Each ``layer { … }`` in *text*, up to the brace that closes it."""
    for match in re.finditer(r"\blayer \{", text):
        depth = 0
        for end in range(match.start(), len(text)):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            if text[end] == "}" and not depth:
                yield text[match.start() : end + 1]
                break


def test_all_of_caffes_layers_are_there():
    assert len(LAYERS) >= 61


@TYPES
def test_the_file_is_named_after_the_type(layer):
    assert layer.__module__.rpartition(".")[2].replace("_", "") == layer.type.lower()
    assert layer.__name__ == layer.type


@TYPES
def test_declarations_fit_each_other(layer):
    for arity in (layer.bottoms, layer.tops):
        assert 0 <= arity.minimum <= (arity.minimum if arity.maximum is None else arity.maximum)
    most = 99 if layer.bottoms.maximum is None else layer.bottoms.maximum
    assert all(-most <= index < most for index in layer.no_gradient_to)
    assert not (layer.param_field and layer.parameters)
    assert layer.param_field is None or layer.param_field in FIELDS
    if layer.in_place:
        assert layer.bottoms.maximum != 0
        assert layer.tops.maximum != 0
    if layer.paired:
        assert layer.bottoms == layer.tops
    if layer.is_loss:
        assert layer.auto_tops
        assert layer.tops.accepts(1)


@TYPES
def test_the_calls_are_implemented(layer):
    assert layer.reshape is not Layer.reshape
    assert layer.forward is not Layer.forward
    if layer.backward is Layer.backward:
        sources = layer.bottoms.maximum == 0
        assert sources or layer.tops.maximum == 0 or len(layer.no_gradient_to) == layer.bottoms.maximum


@TYPES
def test_the_sheet_has_all_its_parts(layer):
    text = doc(layer)
    assert text.split("\n\n")[0].rstrip().endswith("."), "a summary"
    assert "\n\nExample" in text
    assert "\n\nSource: " in text
    assert layer.bottoms.maximum == 0 or re.search(r"\bBottoms?\b", text)
    assert layer.tops.maximum == 0 or re.search(r"\b[Tt]ops?\b", text)
    if layer.bottoms.maximum != 0 and layer.tops.maximum != 0:
        assert re.search(r"\bforward\b", text, re.IGNORECASE)
        assert re.search(r"\bbackward\b", text, re.IGNORECASE)
        formula = re.search(r"``[^`]* = [^`]*``", text)
        assert bool(formula) != (layer.type in WITHOUT_FORMULA)


@TYPES
def test_the_example_parses_and_obeys_the_declarations(layer):
    examples = list(blocks(doc(layer)))
    assert examples
    for example in examples:
        message: Any = parse_text(example, SCHEMA.message("NetParameter"), "example").message
        (config,) = message.layer
        assert config.type == layer.type
        assert config.name
        assert layer.bottoms.accepts(len(config.bottom))
        assert layer.tops.accepts(len(config.top)) or layer.auto_tops
        assert layer.in_place or not set(config.bottom) & set(config.top)


@TYPES
def test_the_sheet_names_every_field(layer):
    text = doc(layer)
    left_out = NOT_IN_THE_SHEET.get(layer.type, "").split()
    names = [field.name for field in fields(layer) if field.name not in left_out]
    assert [name for name in names if not re.search(rf"``[^`]*\b{name}\b[^`]*``", text)] == []


def shown(field: Any) -> str:
    """The default of *field* as a sheet writes it."""
    if field.enum_type is not None:
        return str(field.enum_type.values_by_number[field.default_value].name)
    if isinstance(field.default_value, bool):
        return str(field.default_value).lower()
    return field.default_value if isinstance(field.default_value, str) else f"{field.default_value:.6g}"


def same(written: str, field: Any) -> bool:
    word = re.split(r"[\s,:;]", written)[0].strip('"').replace("empty", "")
    try:
        return np.float32(word) == np.float32(field.default_value)
    except ValueError:
        return word == shown(field)


@TYPES
def test_defaults_in_the_sheet_are_those_of_the_schema(layer):
    """Each stands in brackets behind the name of its field."""
    text = " ".join(doc(layer).split())
    left_out = [*NOT_IN_THE_SHEET.get(layer.type, "").split(), *" ".join(NO_DEFAULT_IN_THE_SHEET).split()]
    for field in fields(layer):
        if field.name in left_out or field.is_repeated or field.message_type or not field.has_default_value:
            continue
        written = re.search(rf"``(?:\w+ {{ )?{field.name}(?: }})?`` \(([^)]*)\)", text)
        assert written, f"{field.name} has no default in the sheet"
        assert written[1] == "required" or same(written[1], field), f"{field.name}: {written[1]}, not {shown(field)}"


# -- what the declarations promise, when the layers run ------------------------------------------------------------

RNG = np.random.default_rng(0)
IMAGE, ROWS, LABELS = RNG.uniform(0.1, 0.9, (2, 4, 6, 6)), RNG.uniform(0.1, 0.9, (3, 4)), np.array([2.0, 0.0, 3.0])
CASES: dict[str, tuple[str, list[Any]]] = {
    "AbsVal": ("", [ROWS]),
    "Accuracy": ("", [ROWS, LABELS]),
    "ArgMax": ("", [ROWS]),
    "BNLL": ("", [ROWS]),
    "BatchNorm": ("", [IMAGE]),
    "BatchReindex": ("", [ROWS, LABELS[:2]]),
    "Bias": ("", [IMAGE]),
    "Clip": ("clip_param { min: 0.2 max: 0.8 }", [ROWS]),
    "Concat": ("", [ROWS, ROWS]),
    "ContrastiveLoss": ("", [ROWS, ROWS[::-1], LABELS > 0]),
    "Convolution": ("convolution_param { num_output: 2 kernel_size: 3 }", [IMAGE]),
    "Crop": ("", [IMAGE, IMAGE[:, :, :3, :2]]),
    "Deconvolution": ("convolution_param { num_output: 2 kernel_size: 3 }", [IMAGE]),
    "Dropout": ("", [IMAGE]),
    "ELU": ("", [ROWS]),
    "Eltwise": ("", [ROWS, ROWS]),
    "Embed": ("embed_param { num_output: 2 input_dim: 4 }", [LABELS]),
    "EuclideanLoss": ("", [ROWS, ROWS[::-1]]),
    "Exp": ("", [ROWS]),
    "Expression": ('expression_param { formula: "tanh(a * x)" scalar { name: "a" value: 1 } }', [ROWS]),
    "Filter": ("", [ROWS, LABELS]),
    "Flatten": ("", [IMAGE]),
    "GELU": ("", [ROWS]),
    "HardSigmoid": ("", [ROWS]),
    "HardSwish": ("", [ROWS]),
    "HingeLoss": ("", [ROWS, LABELS]),
    "Im2col": ("convolution_param { kernel_size: 3 }", [IMAGE]),
    "InfogainLoss": ("", [ROWS, LABELS, np.eye(4)]),
    "InnerProduct": ("inner_product_param { num_output: 2 }", [ROWS]),
    "LRN": ("", [IMAGE]),
    "LSTM": ("recurrent_param { num_output: 2 weight_filler { value: 1 } }", [IMAGE, np.ones((2, 4))]),
    "LSTMUnit": ('top: "c" top: "h"', [IMAGE[:1, :, 0], np.ones((1, 4, 24)), np.ones((1, 4))]),
    "Log": ("", [ROWS]),
    "LearnedSwish": ("", [IMAGE]),
    "MVN": ("", [IMAGE]),
    "Maxout": ("", [IMAGE]),
    "Mish": ("", [ROWS]),
    "MulticlassHingeLoss": ("", [ROWS, LABELS]),
    "MultinomialLogisticLoss": ("", [ROWS, LABELS]),
    "PReLU": ("", [IMAGE]),
    "Parameter": ("parameter_param { shape { dim: 3 } }", []),
    "Pooling": ("pooling_param { pool: STOCHASTIC kernel_size: 2 }", [IMAGE]),
    "Power": ("power_param { power: 2 }", [ROWS]),
    "RReLU": ("", [-ROWS]),
    "RNN": ("recurrent_param { num_output: 2 weight_filler { value: 1 } }", [IMAGE, np.ones((2, 4))]),
    "ReLU": ("", [ROWS]),
    "Reduction": ("", [ROWS]),
    "Reshape": ("reshape_param { shape { dim: -1 } }", [ROWS]),
    "SELU": ("", [ROWS]),
    "SPP": ("spp_param { pyramid_height: 2 }", [IMAGE]),
    "Scale": ("", [IMAGE]),
    "Sigmoid": ("", [ROWS]),
    "SigmoidCrossEntropyLoss": ("", [ROWS, ROWS]),
    "Silence": ("", [ROWS]),
    "Slice": ('top: "a" top: "b"', [ROWS]),
    "Softmax": ("", [ROWS]),
    "SoftmaxWithLoss": ("", [ROWS, LABELS]),
    "Split": ("", [ROWS]),
    "Swish": ("", [ROWS]),
    "TanH": ("", [ROWS]),
    "Threshold": ("", [ROWS]),
    "Tile": ("tile_param { tiles: 2 }", [ROWS]),
}
"""For each type a text and bottoms to run it with."""

NOT_RUN = {
    "Data": "reads files",
    "DummyData": "makes data",
    "HDF5Data": "reads files",
    "HDF5Output": "writes a file",
    "ImageData": "reads files",
    "Input": "has nothing to run",
    "MemoryData": "is fed by calls",
    "Python": "runs the user's class",
    "WindowData": "reads files",
}
BY_TYPE = {layer.type: layer for layer in LAYERS}
RUNS = pytest.mark.parametrize("name", CASES)


def run_of(name: str) -> LayerRun:
    text, bottoms = CASES[name]
    return make_layer(f'type: "{name}" {text}', bottoms)


def backward(run: LayerRun, wanted: list[bool]) -> list[Any]:
    diffs = [np.linspace(1, 2, blob.count).reshape(blob.shape) for blob in run.top]
    for blob in run.bottom:
        blob.diff[...] = np.nan
    return run.backward(*diffs, propagate_down=wanted)


def test_every_layer_is_run_or_excused():
    assert set(CASES) | set(NOT_RUN) == set(BY_TYPE)


@RUNS
def test_forward_repeats_itself_unless_declared_otherwise(name):
    run, layer = run_of(name), BY_TYPE[name]
    first, second = run.forward(), run.forward()
    same_again = all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert same_again != (layer.stochastic or layer.stateful)


@RUNS
def test_backward_overwrites_what_is_wanted_and_leaves_the_rest(name):
    layer = BY_TYPE[name]
    if layer.backward is Layer.backward:
        pytest.skip("has no backward")
    run = run_of(name)
    run.forward()
    allowed = run.differentiable()
    for index, can in enumerate(allowed):
        if can:
            wanted = [i == index for i in range(len(allowed))]
            written = [not np.isnan(diff).any() for diff in backward(run, wanted)]
            assert written == wanted
    diffs = backward(run, [False] * len(allowed))
    for blob, diff in zip(run.bottom, diffs, strict=True):
        shared = any(np.shares_memory(blob.diff, top.diff) for top in run.top)
        assert shared or np.isnan(diff).all()


@RUNS
def test_gradients_of_learned_blobs_add_up_and_those_of_bottoms_do_not(name):
    run, layer = run_of(name), BY_TYPE[name]
    if layer.backward is Layer.backward:
        pytest.skip("has no backward")
    run.forward()
    first = backward(run, run.differentiable())
    once = [blob.diff.copy() for blob in run.layer.blobs]
    second = backward(run, run.differentiable())
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    for blob, diff in zip(run.layer.blobs, once, strict=True):
        np.testing.assert_allclose(blob.diff, 2 * diff)
