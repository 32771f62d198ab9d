"""Records: from a fault in a blob back to the record of the database that it came from."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import DataError
from .step import Step


def name_record(steps: Sequence[Step], error: DataError) -> DataError:
    """*error* with the name of the record, where it says which item of a blob is at fault and the data layer that read
    that item has names for its records (``record '00000017'``)."""
    name = _record_of(steps, *error.item) if error.item is not None else None
    if name is not None:
        error.got = f"{error.got}, {name}" if error.got else name
        error.item = None
    return error


def _record_of(steps: Sequence[Step], blob: str, index: int) -> str | None:
    """Follow *blob* back, through layers that keep the number of items, to the layer that read it."""
    for step in reversed(steps):
        top = next((t for t in step.top if t.name == blob), None)
        if top is None:
            continue
        names: Sequence[str] = getattr(step.layer, "record_names", ())
        if not step.bottom:
            return names[index] if index < len(names) else None
        if step.bottom[0].shape[:1] != top.shape[:1]:
            return None
        blob = step.bottom[0].name
    return None
