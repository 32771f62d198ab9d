"""The window of C3D's layers: one size for space, another for time."""

from __future__ import annotations

from typing import Any

from ...layers import Blobs, Layer


def is_set(config: Any, field: str) -> bool:
    """Whether *config* has the *field* at all, and it is given."""
    return field in config.DESCRIPTOR.fields_by_name and bool(config.HasField(field))


def three(param: Any, space: str, time: str, default: int | None) -> tuple[int, int, int] | None:
    """(time, height, width) from the fields *space* and *time*; None where there is no value and no *default*.

    A file that gives a stock layer's list of three sizes means that.
    """
    given = getattr(param, space)
    sizes = [int(given)] if isinstance(given, int) else [int(v) for v in given]
    if isinstance(given, int) and not param.HasField(space):
        sizes = []
    if len(sizes) == 3:
        return sizes[0], sizes[1], sizes[2]
    size = sizes[0] if sizes else default
    known = time in param.DESCRIPTOR.fields_by_name and param.HasField(time)
    depth = getattr(param, time) if known else (default if default is not None else size)
    return None if size is None or depth is None else (int(depth), size, size)


def check_video(layer: Layer, bottom: Blobs) -> None:
    """Errors: ShapeError for a bottom that is not N × C × L × H × W."""
    for blob in bottom:
        if blob.num_axes != 5:
            layer.fail_shape("the bottom must have 5 axes (number, channels, length, height, width)", blob)
