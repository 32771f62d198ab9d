"""V0 layers (``layers { layer { type: "conv" ... } }``, before 2014) as new ones.

All parameters of a V0 layer stand side by side in one message; the table says where each goes. ``padding`` layers
disappear: their ``pad`` goes into the convolution or pooling that reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ...errors import nearest
from ..document import Positions
from .draft import Draft, LayerDraft, set_fields
from .params import LISTS, move_params

PADDING = "padding"


class V0Type(NamedTuple):
    """The new type, and per V0 field the new place."""

    name: str
    places: Mapping[str, str] = MappingProxyType({})


def _inside(param: str, **fields: str) -> dict[str, str]:
    """Places in one parameter message: same name, or renamed by keyword."""
    return {old: f"{param}.{new}" for old, new in fields.items()}


_WEIGHTS = {"num_output": "num_output", "biasterm": "bias_term"}
_WEIGHTS |= {"weight_filler": "weight_filler", "bias_filler": "bias_filler"}
_WINDOW = {"pad": "pad", "kernelsize": "kernel_size", "stride": "stride"}
_READ = {"source": "source", "batchsize": "batch_size"}
_IMAGES = {"rand_skip": "rand_skip", "shuffle_images": "shuffle", "new_height": "new_height", "new_width": "new_width"}
_LRN = ("local_size", "alpha", "beta", "k")
_DETECT = ("fg_threshold", "bg_threshold", "fg_fraction", "context_pad", "crop_mode")

TYPES = {
    "accuracy": V0Type("Accuracy"),
    "bnll": V0Type("BNLL"),
    "concat": V0Type("Concat", _inside("concat_param", concat_dim="concat_dim")),
    "conv": V0Type("Convolution", _inside("convolution_param", group="group", **_WEIGHTS, **_WINDOW)),
    "data": V0Type("Data", _inside("data_param", rand_skip="rand_skip", **_READ)),
    "dropout": V0Type("Dropout", _inside("dropout_param", dropout_ratio="dropout_ratio")),
    "euclidean_loss": V0Type("EuclideanLoss"),
    "flatten": V0Type("Flatten"),
    "hdf5_data": V0Type("HDF5Data", _inside("hdf5_data_param", **_READ)),
    "hdf5_output": V0Type("HDF5Output", {"hdf5_output_param": "hdf5_output_param"}),
    "im2col": V0Type("Im2col"),
    "images": V0Type("ImageData", _inside("image_data_param", **_READ, **_IMAGES)),
    "infogain_loss": V0Type("InfogainLoss", _inside("infogain_loss_param", source="source")),
    "innerproduct": V0Type("InnerProduct", _inside("inner_product_param", **_WEIGHTS)),
    "lrn": V0Type("LRN", _inside("lrn_param", **{name: name for name in _LRN})),
    "multinomial_logistic_loss": V0Type("MultinomialLogisticLoss"),
    "pool": V0Type("Pooling", _inside("pooling_param", pool="pool", **_WINDOW)),
    "relu": V0Type("ReLU"),
    "sigmoid": V0Type("Sigmoid"),
    "softmax": V0Type("Softmax"),
    "softmax_loss": V0Type("SoftmaxWithLoss"),
    "split": V0Type("Split"),
    "tanh": V0Type("TanH"),
    "window_data": V0Type("WindowData", _inside("window_data_param", **_READ, **{f"det_{n}": n for n in _DETECT})),
}
ANY_TYPE = _inside("transform_param", scale="scale", meanfile="mean_file", cropsize="crop_size", mirror="mirror")
ANY_TYPE |= _inside("transform_param", subtraction="mean_value")
FRAME = {"name", "type", "blobs"}


def is_v0(net: Any) -> bool:
    """Whether *net* has V0 layers."""
    return any(layer.HasField("layer") for layer in net.layers)


def upgrade_v0(draft: Draft) -> None:
    """Replace all ``layers`` by ``layer`` entries."""
    pads = _padding_readers(draft)
    nodes: list[Positions | int] = []
    for index, old in enumerate(draft.net.layers):
        if not old.HasField("layer"):
            rule = "a file has layers of one format"
            draft.refuse(rule, "layers", index, got="a V1 layer among V0 layers ('layers { layer { } }')")
        if old.layer.type == PADDING:
            continue
        at = draft.positions.child("layers", index)
        new = LayerDraft(draft.net.layer.add(), Positions(at.source, at.offset))
        _convert(draft, new, old, at, index)
        if index in pads:
            _merge_padding(draft, new, *pads[index])
        nodes.append(new.positions)
    draft.notes.append(f"layers of the V0 format ('layers {{ layer {{ }} }}'), upgraded: {len(draft.net.layers)}")
    draft.net.ClearField("layers")
    draft.positions.fields.pop("layers", None)
    draft.positions.fields["layer"] = nodes


def convert_v0_layer(draft: Draft, message: Any, old: Any) -> None:
    """Fill one new layer from one V0 layer that stands alone, as weights do."""
    _convert(draft, LayerDraft(message, draft.positions), old, draft.positions, 0)


def _convert(draft: Draft, new: LayerDraft, old: Any, at: Positions, index: int) -> None:
    inner, inner_at = old.layer, at.child("layer")
    for name in ("bottom", "top"):
        new.take(old, name, at)
    kind = TYPES.get(inner.type)
    if kind is None:
        draft.refuse(
            f"layer '{inner.name}' has a type of the V0 format",
            *("layers", index, "layer", "type"),
            got=f"'{inner.type}'",
            hint=nearest(inner.type, [*TYPES, PADDING]),
        )
        kind = V0Type(inner.type)
    places = {**ANY_TYPE, **kind.places}
    for field in set_fields(inner):
        if field in FRAME:
            new.take(inner, field, inner_at)
        elif field in places:
            new.take(inner, field, inner_at, places[field])
        elif field not in LISTS:
            rule = f"layer '{inner.name}' of type '{inner.type}' does not take '{field}'"
            draft.refuse(rule, "layers", index, "layer", field)
    new.message.type = kind.name
    move_params(new, inner, inner_at)


def _padding_readers(draft: Draft) -> dict[int, tuple[int, int]]:
    """For each layer that reads a padding layer: the index of that layer, and the index of the reading layer."""
    last_writer: dict[str, int] = {}
    readers: dict[int, tuple[int, int]] = {}
    layers = draft.net.layers
    for index, old in enumerate(layers):
        for bottom in old.bottom:
            source = last_writer.get(bottom)
            if source is not None and layers[source].layer.type == PADDING:
                _check_padding(draft, source, index)
                readers[index] = (source, index)
        last_writer.update(dict.fromkeys(old.top, index))
    return readers


def _check_padding(draft: Draft, source: int, reader: int) -> None:
    padding, reads = draft.net.layers[source], draft.net.layers[reader]
    if reads.layer.type not in ("conv", "pool") or len(reads.bottom) != 1:
        rule = f"padding layer '{padding.layer.name}' is read by convolution or pooling layers with one bottom"
        draft.refuse(rule, "layers", reader, got=f"'{reads.layer.name}' of type '{reads.layer.type}'")
    if len(padding.bottom) != 1 or len(padding.top) != 1:
        rule = f"padding layer '{padding.layer.name}' has one bottom and one top"
        draft.refuse(rule, "layers", source, got=f"{len(padding.bottom)} and {len(padding.top)}")


def _merge_padding(draft: Draft, new: LayerDraft, source: int, reader: int) -> None:
    padding, at = draft.net.layers[source], draft.positions.child("layers", source)
    param = "convolution_param" if new.message.type == "Convolution" else "pooling_param"
    message, param_at = new.sub(param, new.positions.offset)
    message.ClearField("pad")
    if param == "convolution_param":
        message.pad.append(padding.layer.pad)
    else:
        message.pad = padding.layer.pad
    param_at.fields["pad"] = [at.child("layer", 0, "pad").offset]
    new.message.bottom[0] = padding.bottom[0]
    new.positions.fields["bottom"] = [at.child("bottom").offset]
    draft.notes.append(f"padding layer '{padding.layer.name}' was merged into '{new.message.name}'")
