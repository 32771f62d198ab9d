"""Hints for mistakes that are often made in Caffe's files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .plan import MessagePlan

MOST_PLACES = 3


def wrong_level(plan: MessagePlan, name: str) -> str | None:
    """Where *name* belongs, if it is a field of something inside *plan*: ``num_output`` in ``convolution_param``."""
    places = [f.name for f in plan.fields.values() if f.is_message and name in f.sub.fields and _own(f.name)]
    if not 0 < len(places) <= MOST_PLACES:
        return None
    return f"it belongs in {' or '.join(f'{place} {{ }}' for place in places)}"


def _own(field: str) -> bool:
    """Whether the field belongs to one kind of layer, rather than to the frame of the file."""
    return field.endswith("_param")


def value_hint(message: str, field: str, word: str) -> str | None:
    """The way out for values of the wrong kind that come from mixing the old and the new format."""
    if (message, field) == ("V1LayerParameter", "type") and word[0] in "\"'":
        return f"type: {word} is the new format, which is written 'layer', not 'layers'"
    if (message, field) == ("LayerParameter", "type") and word.isupper():
        return "a type in capitals is the old format, which is written 'layers'; here it is in quotes"
    return None
