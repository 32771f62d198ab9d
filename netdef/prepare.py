"""Prepare: image files as the input of a net, with the preprocessing stored beside its weights.

The arithmetic is that of the data layers: decoding and resizing in the integers of OpenCV, then (pixel - mean) * scale.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..data import images, read_mean
from ..data.npy import parse_npy
from ..errors import DataError, FormatError, ParameterError
from ..layers import Array, Shape, find_path
from ..proto import read_bytes
from .preprocessing import Preprocessing

ROUND = 32
"""Crops are taken from images of the next multiple of this: 227 and 224 from 256, 28 from 32."""


class Preparation:
    """Makes arrays of the *shape* of an input (N, C, H, W; N is not looked at) from image files.

    *folder*: where a relative ``mean_file`` is looked for. Errors: ParameterError where the preprocessing does not fit
    the input; FileError and FormatError of the mean file.
    """

    def __init__(self, preprocessing: Preprocessing, shape: Shape, folder: Path | None = None) -> None:
        if len(shape) != 4:
            raise ParameterError("images go into an input of four axes", got=f"shape {shape}")
        self.preprocessing, self.shape = preprocessing, shape[1:]
        kind = preprocessing.channels or ("GRAY" if shape[1] == 1 else "BGR")
        if (1 if kind == "GRAY" else 3) != shape[1]:
            raise ParameterError(f"channels {kind} must fit the input", got=f"{shape[1]} channels")
        self.kind = kind
        self.crop = preprocessing.crop
        self.size = _size(preprocessing, shape)
        self.mean = self._mean(folder or Path())

    def _mean(self, folder: Path) -> Array | None:
        values = self.preprocessing.mean
        if values:
            if len(values) not in (1, self.shape[0]):
                rule = f"mean has one number, or one per channel ({self.shape[0]})"
                raise ParameterError(rule, got=str(values))
            return np.array(values, np.float32).reshape(-1, 1, 1)
        if not self.preprocessing.mean_file:
            return None
        mean = read_mean_file(find_path(self.preprocessing.mean_file, folder))
        if mean.ndim == 1 or mean.shape[1:] == (1, 1):
            return mean.reshape(-1, 1, 1)
        if mean.shape[1:] != self.shape[1:]:
            if not self.preprocessing.resize and self.preprocessing.crop:
                self.size = (mean.shape[1], mean.shape[2])
            if mean.shape[1:] != self.size:
                raise ParameterError(f"the mean must be of the images' size {self.size}", got=str(mean.shape))
            mean = _centre(mean, self.shape[1], self.shape[2])
        return mean

    def read(self, path: str | Path) -> Array:
        """The image in a file, C x H x W. Errors: DataError, MissingExtraError without Pillow."""
        return self.apply(images.read_image(path, self.kind != "GRAY"))

    def apply(self, pixels: Array) -> Array:
        """*pixels*, H x W x C in the order blue, green, red (uint8), as the input takes them."""
        planes = images.to_planes(images.resize(pixels, *self.size))
        if planes.shape[0] != self.shape[0]:
            raise DataError("an image has the channels of the input", got=f"{planes.shape[0]} for {self.shape[0]}")
        planes = _centre(planes, self.shape[1], self.shape[2])
        if self.kind == "RGB":
            planes = planes[::-1]
        values = planes.astype(np.float32)
        if self.mean is not None:
            values -= self.mean
        scale = np.float32(self.preprocessing.scale)
        return values * scale if scale != 1 else values


def read_mean_file(path: str | Path) -> Array:
    """The mean in a ``.binaryproto`` or ``.npy`` file. Errors: FileError, FormatError."""
    if not str(path).endswith(".npy"):
        return read_mean(path)
    try:
        values = parse_npy(read_bytes(path))
    except ValueError as error:
        raise FormatError(f"a .npy file holds one array: {error}", where=str(path)) from None
    if values.ndim not in (1, 3):
        raise FormatError("a mean is C numbers, or C x H x W", where=str(path), got=str(values.shape))
    return np.asarray(values, np.float32)


def _size(preprocessing: Preprocessing, shape: Shape) -> tuple[int, int]:
    if preprocessing.resize:
        return preprocessing.resize[0], preprocessing.resize[1]
    if preprocessing.crop:
        side = ROUND * (preprocessing.crop // ROUND + 1)
        return side, side
    return shape[2], shape[3]


def _centre(planes: Array, height: int, width: int) -> Array:
    """The middle of C x H x W, rounded as the data layers do."""
    top, left = planes.shape[1] - height, planes.shape[2] - width
    if min(top, left) < 0:
        got = f"{planes.shape[1]}x{planes.shape[2]}"
        raise DataError(f"images must be at least {height}x{width} before they are cropped", got=got)
    return planes[:, top // 2 : top // 2 + height, left // 2 : left // 2 + width]


def named(preprocessing: Preprocessing, index: int) -> str:
    """The name of a class, or its number."""
    labels: list[Any] = preprocessing.labels
    return str(labels[index]) if index < len(labels) else str(index)
