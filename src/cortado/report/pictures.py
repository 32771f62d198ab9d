"""Pictures of arrays: filters and records as PNG data that a page holds inside."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from html import escape

import numpy as np

from ..layers import Array
from .tiles import WHITE, tiles

MOST_FILTERS = 128
FINER, TILE = 4, 32
"""Pixels of a grid of filters per weight, at least, and per filter."""


def png(pixels: Array) -> bytes:
    """A PNG file of *pixels*: H x W grey or H x W x 3 red, green, blue; uint8."""
    height, width = pixels.shape[:2]
    kind = 2 if pixels.ndim == 3 else 0
    rows = np.ascontiguousarray(pixels, np.uint8).reshape(height, -1)
    raw = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def image_tag(pixels: Array, alt: str, width: int = 0) -> str:
    """An ``<img>`` that holds its picture; pixels stay square when it is enlarged."""
    size = f' width="{width}"' if width else ""
    data = b64encode(png(pixels)).decode()
    return f'<img class="pixels"{size} alt="{escape(alt)}" title="{escape(alt)}" src="data:image/png;base64,{data}">'


def to_pixels(planes: Array) -> Array:
    """C x H x W of any numbers as a picture, the least black and the greatest white: three channels are taken for blue,
    green, red; of others the first is shown."""
    values = np.nan_to_num(planes.astype(np.float64))
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    if values.size:
        low, high = float(values.min()), float(values.max())
    scaled = np.rint((values - low) / ((high - low) or 1.0) * 255).astype(np.uint8)
    return scaled[::-1].transpose(1, 2, 0) if scaled.shape[0] == 3 else scaled[0]


def filter_grid(weights: Array) -> Array:
    """The filters of a convolution, num x C x kh x kw, side by side: in colour for three channels, else the first one;
    each with its own contrast around 0, which is grey."""
    colour = weights.shape[1] == 3
    chosen = weights[:MOST_FILTERS, ::-1] if colour else weights[:MOST_FILTERS, :1]
    scale = np.abs(chosen).max(axis=(1, 2, 3), keepdims=True)
    planes = np.rint(chosen / np.where(scale > 0, scale, 1) * 127 + 128).astype(np.uint8)
    finer = max(FINER, TILE // max(1, *planes.shape[2:]))
    planes = planes.repeat(finer, axis=2).repeat(finer, axis=3)
    grid = tiles(planes.transpose(0, 2, 3, 1), gap=WHITE, line=2)
    return grid if colour else grid[..., 0]
