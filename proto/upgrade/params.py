"""Learning rates, decay and sharing of a layer's parameters, which older formats keep in lists side by side."""

from __future__ import annotations

from typing import Any

from ..document import Positions
from .draft import LayerDraft

LISTS = {"param": "name", "blob_share_mode": "share_mode", "blobs_lr": "lr_mult", "weight_decay": "decay_mult"}
"""Old list of the layer, and the field of ``param`` that each of its values becomes."""


def move_params(new: LayerDraft, old: Any, old_at: Positions) -> None:
    """Turn value *i* of every old list into a field of the new ``param`` *i*."""
    nodes: list[Positions | int] = []
    for source, target in LISTS.items():
        if source not in old.DESCRIPTOR.fields_by_name:
            continue
        for index, value in enumerate(getattr(old, source)):
            offset = old_at.child(source, index).offset
            if index == len(new.message.param):
                new.message.param.add()
                nodes.append(Positions(old_at.source, offset))
            setattr(new.message.param[index], target, value)
            node = nodes[index]
            if isinstance(node, Positions):
                node.fields[target] = [offset]
    if nodes:
        new.positions.fields["param"] = nodes
