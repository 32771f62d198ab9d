"""Images: decoding, resizing and encoding, in Caffe's order (blue, green, red) and with OpenCV's numbers.

Caffe used OpenCV; networks were trained on what it made of a file. So grey values are weighed, and pixels between
pixels interpolated, in the same integer arithmetic: what comes out is equal bit for bit (JPEG files as far as both
libraries use the same decoder).

Arrays here are H x W x C, uint8, as images are stored; ``to_planes`` gives C x H x W, as blobs are.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from .optional import need

Array = npt.NDArray[Any]

MOST_PIXELS = 2**28
"""Pixels beyond which an image is taken for a mistake (or an attack); checked before anything is decoded."""

ENCODINGS = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "bmp": "BMP"}
"""File endings and the formats that ``encode`` can write for them."""

GREY = ((4899, 9617, 1868), 8192, 14)
"""Red, green and blue in a grey value: weights, what is added, and the bits that are dropped."""

GREY_OF_PNG = ((9797, 19234, 3737), 0, 15)
"""The same for PNG files, where libpng does it and drops the fraction."""


def decode(content: bytes, name: str, color: bool | None = True) -> Array:
    """The pixels of an image file that is already in memory.

    *color* True gives three channels, False one, None as many as the file has (grey 1, colour 3, with alpha 4).
    *name* says in messages what it is ("record '00000001'"). Errors: DataError for a file that is no image, has more
    than 8 bits per channel, or is larger than ``MOST_PIXELS``; MissingExtraError without Pillow.
    """
    image_module = _pillow()
    try:
        with image_module.open(io.BytesIO(content)) as image:
            _check_size(image.size, name)
            if color is False and image.format == "JPEG":
                image.draft("L", image.size)
            return _pixels(image, name, color)
    except (OSError, ValueError, SyntaxError, image_module.DecompressionBombError) as error:
        got = "something else" if isinstance(error, image_module.UnidentifiedImageError) else str(error) or None
        raise DataError(f"{name} must be an image that Pillow can read", got=got) from None


def read_image(path: str | Path, color: bool | None = True, height: int = 0, width: int = 0) -> Array:
    """The pixels of an image file, resized where *height* and *width* are given. Errors: as ``decode``."""
    try:
        content = Path(path).read_bytes()
    except (OSError, ValueError) as error:  # a name may hold a zero byte
        reason = f"cannot read the image {path}: {getattr(error, 'strerror', None) or error}"
        raise DataError(reason, hint=f"working directory: {Path.cwd()}") from None
    _check_size((width, height), f"the image {path}, resized,")
    pixels = decode(content, f"the image {path}", color)
    return resize(pixels, height, width) if height and width else pixels


def encode(pixels: Array, kind: str) -> bytes:
    """*pixels* (1 or 3 channels) as an image file of the *kind* ``"jpg"`` (quality 95), ``"png"`` …."""
    if kind.lower() not in ENCODINGS:
        raise DataError(f"images can be encoded as {', '.join(ENCODINGS)}", got=kind)
    plain = pixels[..., 0] if pixels.shape[2] == 1 else pixels[..., ::-1]
    stream = io.BytesIO()
    _pillow().fromarray(np.ascontiguousarray(plain)).save(stream, ENCODINGS[kind.lower()], quality=95)
    return stream.getvalue()


def to_planes(pixels: Array) -> Array:
    """H x W x C to C x H x W, without a copy."""
    return pixels.transpose(2, 0, 1)


def resize(pixels: Array, height: int, width: int) -> Array:
    """*pixels* at another size, by bilinear interpolation between pixel centres.

    The arithmetic is that of OpenCV for 8 bits: weights in units of 1/2048, and exactly half the size in both
    directions is the rounded mean of four pixels. There is no smoothing before shrinking, as there was none there.
    """
    rows, columns = pixels.shape[:2]
    if (rows, columns) == (height, width):
        return pixels
    if not height or not width:
        return np.empty((height, width, pixels.shape[2]), np.uint8)
    if (rows, columns) == (2 * height, 2 * width):
        wide = pixels.astype(np.uint16)
        of_four = wide[0::2, 0::2] + wide[0::2, 1::2] + wide[1::2, 0::2] + wide[1::2, 1::2]
        return ((of_four + 2) >> 2).astype(np.uint8)
    left, right, weight = _neighbours(columns, width, at_edge=0.0)
    near, far = _units(weight)
    lines: Array = pixels[:, left] * near[:, None] + pixels[:, right] * far[:, None]
    above, below, weight = _neighbours(rows, height, at_edge=None)
    near, far = (part[:, None, None] for part in _units(weight))
    lines >>= 4
    total: Array = ((lines[above] * near) >> 16) + ((lines[below] * far) >> 16)
    return ((total + 2) >> 2).astype(np.uint8)


def _neighbours(size: int, wanted: int, at_edge: float | None) -> tuple[Array, Array, Array]:
    """For each of *wanted* positions over *size* pixels: the pixel before it, the one after, and the latter's weight.

    Beyond the edge both are the pixel at the edge; *at_edge* is the weight there (None: what it would be).
    """
    place = ((np.arange(wanted) + 0.5) * (size / wanted) - 0.5).astype(np.float32)
    before = np.floor(place).astype(np.int64)
    weight = (place - before).astype(np.float32)
    if at_edge is not None:
        weight[(before < 0) | (before >= size - 1)] = at_edge
    return np.clip(before, 0, size - 1), np.clip(before + 1, 0, size - 1), weight


def _units(weight: Array) -> tuple[Array, Array]:
    """The two weights as integers, in units of 1/2048."""
    near = np.rint((np.float32(1) - weight) * np.float32(2048)).astype(np.int32)
    return near, np.rint(weight * np.float32(2048)).astype(np.int32)


def _pixels(image: Any, name: str, color: bool | None) -> Array:
    if image.mode.startswith(("I", "F")):
        raise DataError(f"{name} must have 8 bits per channel", got=f"Pillow mode {image.mode}")
    if image.mode in ("1", "L") and color is not True:
        return np.asarray(image.convert("L"))[..., None]
    alpha = color is None and (image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info)
    pixels = np.asarray(image.convert("RGBA" if alpha else "RGB"))
    if color is False:
        return _grey(pixels, *(GREY_OF_PNG if image.format == "PNG" else GREY))
    if alpha:
        return pixels[..., [2, 1, 0, 3]]
    return pixels[..., ::-1]


def _grey(rgb: Array, weights: tuple[int, int, int], add: int, bits: int) -> Array:
    total = rgb.astype(np.int32) @ np.array(weights, np.int32)
    return ((total + add) >> bits).astype(np.uint8)[..., None]


def _check_size(size: tuple[int, int], name: str) -> None:
    width, height = size
    if width * height > MOST_PIXELS:
        raise DataError(f"{name} may have at most {MOST_PIXELS} pixels", got=f"{width}x{height}")


def _pillow() -> Any:
    return need("PIL.Image", "pillow", "images", "reading and writing images")
