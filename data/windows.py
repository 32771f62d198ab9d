"""Windows of images: the files that R-CNN lists its region proposals in, and how a region is cut and warped."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from ..proto import read_text
from .images import resize
from .sources import missing

Array = npt.NDArray[Any]


class Window(NamedTuple):
    """A region of image number *image*: its class, its overlap with a true object, and its corners, both included."""

    image: int
    label: int
    overlap: float
    x1: int
    y1: int
    x2: int
    y2: int


@dataclass
class WindowFile:
    """The images of a window file (path, channels, height, width) and their windows in order."""

    images: list[tuple[str, int, int, int]] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)


def read_window_file(path: Path) -> WindowFile:
    """Read a window file: for each image

    ::

        # INDEX
        PATH
        CHANNELS
        HEIGHT
        WIDTH
        NUMBER_OF_WINDOWS
        CLASS OVERLAP X1 Y1 X2 Y2          (as many lines as windows)

    Errors: FileError for a file that is not there; DataError with the line for one that is not of this form.
    """
    if not os.path.isfile(path):
        raise missing(path, "window file")
    found = WindowFile()
    lines = ((n, line.strip()) for n, line in enumerate(read_text(path).splitlines(), 1) if line.strip())
    for number, line in lines:
        if not line.startswith("#") or line[1:].strip() != str(len(found.images)):
            rule = f"a line '# {len(found.images)}' must begin the next image of a window file"
            raise DataError(rule, where=f"{path}:{number}", got=repr(line))
        _read_image(lines, found, path)
    if not found.images:
        raise DataError("a window file must list at least one image", where=str(path))
    return found


def _read_image(lines: Iterator[tuple[int, str]], found: WindowFile, path: Path) -> None:
    name = next(lines, (0, ""))[1]
    channels, height, width, count = (int(_numbers(lines, 1, path)[0]) for _ in range(4))
    for _ in range(count):
        label, overlap, *corners = _numbers(lines, 6, path)
        found.windows.append(Window(len(found.images), int(label), overlap, *map(int, corners)))
    found.images.append((name, channels, height, width))


def _numbers(lines: Iterator[tuple[int, str]], count: int, path: Path) -> list[float]:
    number, line = next(lines, (0, "the end of the file"))
    try:
        values = [float(part) for part in line.split()]
    except ValueError:
        values = []
    if len(values) != count:
        rule = (
            "a line of a window file must hold the class, overlap and four corners"
            if count > 1
            else "a number must follow"
        )
        raise DataError(rule, where=f"{path}:{number}" if number else str(path), got=repr(line))
    return values


class Cut(NamedTuple):
    """Where a window comes from and goes to: the *rows* and *columns* of the image, the size they are warped to, and
    the place of that in the output."""

    rows: slice
    columns: slice
    height: int
    width: int
    top: int
    left: int


def place(window: Window, rows: int, columns: int, crop: int, padding: int, square: bool, mirror: bool) -> Cut:
    """How *window* of an image of *rows* x *columns* fills a square of *crop* pixels.

    Without *padding* and *square* the window is warped to the whole square. Otherwise it is widened first so that
    *padding* pixels of the square lie on each side of it (with *square*, after the shorter side has been made as long
    as the longer one), and what then lies outside the image stays empty in the square.
    Errors: DataError for a window that is empty, or outside of the image.
    """
    x1, y1, x2, y2 = window[3:]
    inside = min(x1, y1) >= 0 and x2 < columns and y2 < rows
    if x1 > x2 or y1 > y2 or not (inside or padding or square):
        rule = f"windows must lie in their image of {columns}x{rows} pixels, (x1, y1) before (x2, y2)"
        raise DataError(rule, got=str(window[3:]))
    if not padding and not square:
        return Cut(slice(y1, y2 + 1), slice(x1, x2 + 1), crop, crop, 0, 0)
    half_height, half_width = np.float32(y2 - y1 + 1) / 2, np.float32(x2 - x1 + 1) / 2
    middle_y, middle_x = y1 + half_height, x1 + half_width
    if square:
        half_height = half_width = max(half_height, half_width)
    scale = np.float32(crop) / np.float32(crop - 2 * padding)
    vertical = _span(middle_y, half_height * scale, rows, crop, mirror=False)
    across = _span(middle_x, half_width * scale, columns, crop, mirror=mirror)
    return Cut(vertical[0], across[0], vertical[1], across[1], vertical[2], across[2])


def _span(middle: Any, half: Any, size: int, crop: int, mirror: bool) -> tuple[slice, int, int]:
    """Along one axis: what part of the image is used, how many pixels it is warped to, and where they begin."""
    low, high = _round(middle - half), _round(middle + half)
    before, after = max(0, -low), max(0, high - size + 1)
    scale = np.float32(crop) / np.float32(high - low + 1)
    low, high = low + before, high - after
    if low > high:
        raise DataError("windows must touch their image")
    length = _round((high - low + 1) * scale)
    start = _round((after if mirror else before) * scale)
    return slice(low, high + 1), min(length, crop - start), start


def warp(image: Array, cut: Cut, mirror: bool) -> Array:
    """The pixels (H x W x C) of *image* that *cut* takes, at their new size."""
    warped = resize(image[cut.rows, cut.columns], cut.height, cut.width)
    return warped[:, ::-1] if mirror else warped


def _round(value: Any) -> int:
    """To the nearest whole number, halves away from zero."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def subtract_at(pixels: Array, mean: Array | None, cut: Cut, crop: int) -> Array:
    """*pixels* as C x H x W floats, less the *mean*: per channel, or of its middle the part where the pixels go."""
    planes = pixels.transpose(2, 0, 1).astype(np.float32)
    if mean is None:
        return planes
    if mean.shape[1:] == (1, 1):
        return planes - mean
    top, left = ((size - crop) // 2 for size in mean.shape[1:])
    top, left = top + cut.top, left + cut.left
    return planes - mean[:, top : top + planes.shape[1], left : left + planes.shape[2]]
