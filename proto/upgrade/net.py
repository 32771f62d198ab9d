"""The upgrade of a whole net, step by step, each only where it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from ..document import Document, Positions
from .draft import Draft
from .inputs import has_inputs, upgrade_inputs
from .v0 import PADDING, convert_v0_layer, is_v0, upgrade_v0
from .v1 import TRANSFORM_FIELDS, TRANSFORMED, convert_v1_layer, is_v1, upgrade_v1

if TYPE_CHECKING:
    from .. import caffe_pb2

Net = TypeVar("Net", bound="caffe_pb2.NetParameter")
BATCH_NORM_PARAMS = 3


def upgrade_net(document: Document[Net]) -> Document[Net]:
    """The net in the newest format, with positions that still lead to the old text, and notes on what was done.

    The given document is left as it is; a net that needs nothing is returned itself. Raises NetError for a net that
    mixes formats, or says in an old format what has no meaning in the new one.
    """
    if not _needs_upgrade(document.message):
        return document
    message = type(document.message)()
    message.CopyFrom(document.message)
    positions = Positions(document.positions.source, document.positions.offset)
    positions.fields = {name: list(entries) for name, entries in document.positions.fields.items()}
    draft = Draft(message, positions)
    upgrade_draft(draft)
    return document.changed(message, positions, draft.notes)


def add_upgraded_layer(net: Any, old: Any) -> None:
    """Add to *net* the new form of one old layer (V0 or V1) that holds weights.

    Nothing is refused: only the layer's name and blobs matter, so what has no place in the new format is dropped.
    """
    if old.layer.type == PADDING:
        return
    draft = Draft(net, Positions.unknown("<weights>"), strict=False)
    convert = convert_v0_layer if old.HasField("layer") else convert_v1_layer
    convert(draft, net.layer.add(), old)


def upgrade_draft(draft: Draft) -> None:
    """All steps, in place."""
    net = draft.net
    if len(net.layers) and len(net.layer):
        rule = "the layers of a net are all written 'layer' (new format) or all 'layers' (old format)"
        draft.refuse(rule, "layers", got=f"{len(net.layer)} of the one and {len(net.layers)} of the other")
    if is_v0(net):
        upgrade_v0(draft)
    elif is_v1(net):
        upgrade_v1(draft)
    else:
        _note_dead_fields(draft)
    if has_inputs(net):
        upgrade_inputs(draft)
    for index, layer in enumerate(net.layer):
        if _freezes(layer):
            _freeze(draft, layer, index)


def _needs_upgrade(net: Any) -> bool:
    return is_v1(net) or has_inputs(net) or any(_freezes(layer) or _dead_fields(layer) for layer in net.layer)


def _freezes(layer: Any) -> bool:
    """Whether *layer* is a BatchNorm that names its three blobs of statistics as if they could be learned."""
    if layer.type != "BatchNorm" or len(layer.param) != BATCH_NORM_PARAMS:
        return False
    return any(rate for p in layer.param for rate in (p.lr_mult, p.decay_mult))


def _freeze(draft: Draft, layer: Any, index: int) -> None:
    """Statistics are not learned: with exactly three ``param``, as Caffe does, all rates become 0."""
    learned = any(p.lr_mult != 0 for p in layer.param)
    for param in layer.param:
        param.lr_mult = param.decay_mult = 0
    if learned:
        draft.notes.append(f"BatchNorm layer '{layer.name}': its statistics are not learned, lr_mult became 0")


def _dead_fields(layer: Any) -> list[str]:
    """Transform fields in the parameters of a new-format data layer, which Caffe ignores."""
    param = TRANSFORMED.get(layer.type)
    if param is None or not layer.HasField(param):
        return []
    message = getattr(layer, param)
    return [name for name in TRANSFORM_FIELDS if message.HasField(name)] if param != "window_data_param" else []


def _note_dead_fields(draft: Draft) -> None:
    for index, layer in enumerate(draft.net.layer):
        if dead := _dead_fields(layer):
            param = TRANSFORMED[layer.type]
            place = draft.positions.at("layer", index, param, dead[0])
            names = ", ".join(dead)
            draft.notes.append(f"{place}: {names} in {param} have no effect, write them in transform_param")
