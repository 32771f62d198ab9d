"""V1 layers (``layers { type: CONVOLUTION ... }``, 2014 to 2015) as new ones.

The type becomes a string, the lists of learning rates and decay become ``param`` messages, and the transform fields
inside the parameters of data layers move to ``transform_param``.
"""

from __future__ import annotations

from typing import Any

from ..document import Positions
from ..schema import Schema
from .draft import Draft, LayerDraft, copy_value, set_fields
from .params import LISTS, move_params

TYPES = {
    "NONE": "",
    "ABSVAL": "AbsVal",
    "ACCURACY": "Accuracy",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "CONCAT": "Concat",
    "CONTRASTIVE_LOSS": "ContrastiveLoss",
    "CONVOLUTION": "Convolution",
    "DATA": "Data",
    "DECONVOLUTION": "Deconvolution",
    "DROPOUT": "Dropout",
    "DUMMY_DATA": "DummyData",
    "EUCLIDEAN_LOSS": "EuclideanLoss",
    "ELTWISE": "Eltwise",
    "EXP": "Exp",
    "FLATTEN": "Flatten",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "HINGE_LOSS": "HingeLoss",
    "IM2COL": "Im2col",
    "IMAGE_DATA": "ImageData",
    "INFOGAIN_LOSS": "InfogainLoss",
    "INNER_PRODUCT": "InnerProduct",
    "LRN": "LRN",
    "MEMORY_DATA": "MemoryData",
    "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss",
    "MVN": "MVN",
    "POOLING": "Pooling",
    "POWER": "Power",
    "RELU": "ReLU",
    "SIGMOID": "Sigmoid",
    "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss",
    "SILENCE": "Silence",
    "SOFTMAX": "Softmax",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "SPLIT": "Split",
    "SLICE": "Slice",
    "TANH": "TanH",
    "WINDOW_DATA": "WindowData",
    "THRESHOLD": "Threshold",
}
TRANSFORM_FIELDS = ("scale", "mean_file", "crop_size", "mirror")
TRANSFORMED = {"Data": "data_param", "ImageData": "image_data_param", "WindowData": "window_data_param"}


def is_v1(net: Any) -> bool:
    """Whether *net* has V1 layers."""
    return len(net.layers) > 0


def upgrade_v1(draft: Draft) -> None:
    """Replace all ``layers`` by ``layer`` entries."""
    nodes: list[Positions | int] = []
    for index, old in enumerate(draft.net.layers):
        at = draft.positions.child("layers", index)
        new = LayerDraft(draft.net.layer.add(), Positions(at.source, at.offset))
        _convert(draft, new, old, at, index)
        nodes.append(new.positions)
    draft.notes.append(f"layers of the V1 format ('layers', types in capitals), upgraded: {len(nodes)}")
    draft.net.ClearField("layers")
    draft.positions.fields.pop("layers", None)
    draft.positions.fields["layer"] = nodes


def convert_v1_layer(draft: Draft, message: Any, old: Any) -> None:
    """Fill one new layer from one V1 layer that stands alone, as weights do."""
    _convert(draft, LayerDraft(message, draft.positions), old, draft.positions, 0)


def _convert(draft: Draft, new: LayerDraft, old: Any, at: Positions, index: int) -> None:
    known = new.message.DESCRIPTOR.fields_by_name
    for field in set_fields(old):
        if field == "type":
            new.message.type = _type_name(draft, old, index)
            new.positions.fields["type"] = list(at.fields.get("type", ()))
        elif field in LISTS:
            continue
        elif field in known and known[field].message_type == old.DESCRIPTOR.fields_by_name[field].message_type:
            new.take(old, field, at)
        else:
            rule = f"layer '{old.name}': the V1 field '{field}' has no place in the new format"
            draft.refuse(rule, "layers", index, field)
    move_params(new, old, at)
    _move_transform(draft, new)


def _type_name(draft: Draft, old: Any, index: int) -> str:
    schema = Schema.of(old)
    value = old.DESCRIPTOR.fields_by_name["type"].enum_type.values_by_number[old.type].name
    name = (schema.type_names if schema else {}).get(value, TYPES.get(value))
    if name is None:
        rule = f"layer '{old.name}': no new type is known for the V1 type {value}"
        hint = "the addition that brings a V1 type names its new type in 'type_names'"
        draft.refuse(rule, "layers", index, "type", hint=hint)
    return value if name is None else name


def _move_transform(draft: Draft, new: LayerDraft) -> None:
    """Move the transform fields out of the parameters of a data layer."""
    param = TRANSFORMED.get(new.message.type)
    if param is None or not new.message.HasField(param):
        return
    old, at = getattr(new.message, param), new.positions.child(param)
    moved = [name for name in TRANSFORM_FIELDS if old.HasField(name)]
    for name in moved:
        transform, transform_at = new.sub("transform_param", at.child(name).offset)
        copy_value(getattr(old, name), transform, name)
        transform_at.fields[name] = list(at.fields.get(name, ()))
        old.ClearField(name)
    if moved:
        draft.notes.append(f"layer '{new.message.name}': {', '.join(moved)} moved from {param} to transform_param")
