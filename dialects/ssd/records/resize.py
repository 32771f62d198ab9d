"""Sizes: an image brought to the size that ``resize_param`` asks for, and its boxes with it."""

from __future__ import annotations

from dataclasses import replace
from math import floor
from typing import Any

import numpy as np

from ....data import images
from ....layers import Array
from .sample import Annotations, Sample

CUBIC = -0.75
"""The slope of the cubic kernel, as OpenCV has it."""


def resize(sample: Sample, param: Any, rng: np.random.Generator) -> Sample:
    """*sample* in the size of *param*, a ResizeParameter, by one of its ``interp_mode``s (all equally likely)."""
    height, width = inner_size(sample.size, param)
    modes = [param.DESCRIPTOR.enum_types_by_name["Interp_mode"].values_by_number[m].name for m in param.interp_mode]
    mode = modes[rng.integers(len(modes))] if modes else "LINEAR"
    pixels = interpolate(sample.pixels, max(1, height), max(1, width), mode)
    boxes = sample.annotations
    if _mode(param) == "FIT_LARGE_SIZE_AND_PAD":
        pixels = _pad(pixels, param)
        boxes = _padded(boxes, sample.size, param)
    return replace(sample, pixels=pixels, annotations=boxes)


def output_size(size: tuple[int, int], param: Any) -> tuple[int, int]:
    """Height and width that an image of *size* gets."""
    return inner_size(size, param) if _mode(param) == "FIT_SMALL_SIZE" else (param.height, param.width)


def inner_size(size: tuple[int, int], param: Any) -> tuple[int, int]:
    """Height and width that the image itself gets, before anything is put around it."""
    height, width, mode = param.height, param.width, _mode(param)
    if mode == "WARP":
        return height, width
    aspect = np.float32(size[1]) / np.float32(size[0])
    wide = aspect > np.float32(width) / np.float32(height)
    if wide == (mode == "FIT_LARGE_SIZE_AND_PAD"):
        return floor(width / aspect), width
    return height, floor(aspect * height)


def _mode(param: Any) -> str:
    name: str = param.DESCRIPTOR.enum_types_by_name["Resize_mode"].values_by_number[param.resize_mode].name
    return name


def _pad(pixels: Array, param: Any) -> Array:
    """*pixels* in the middle of an image of the size of *param*."""
    rows, columns = param.height - pixels.shape[0], param.width - pixels.shape[1]
    around = ((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2))
    how = param.DESCRIPTOR.enum_types_by_name["Pad_mode"].values_by_number[param.pad_mode].name
    if how != "CONSTANT":
        mode: Any = {"MIRRORED": "reflect", "REPEAT_NEAREST": "edge"}[how]
        return np.pad(pixels, (*around, (0, 0)), mode)
    out = np.empty((param.height, param.width, pixels.shape[2]), pixels.dtype)
    out[...] = list(param.pad_value) or 0
    out[around[0][0] :, around[1][0] :][: pixels.shape[0], : pixels.shape[1]] = pixels
    return out


def _padded(annotations: Annotations, size: tuple[int, int], param: Any) -> Annotations:
    """The boxes of an image of *size* that stands in the middle of one of the size of *param*."""
    aspect, (height, width) = size[1] / size[0], (param.height, param.width)
    shares = (1.0, width / aspect / height) if aspect > width / height else (aspect * height / width, 1.0)
    share = np.tile(shares, 2)
    return replace(annotations, boxes=annotations.boxes * share + (1 - share) / 2)


def interpolate(pixels: Array, height: int, width: int, mode: str) -> Array:
    """*pixels* (bytes) at another size. *mode*: LINEAR, AREA, NEAREST, CUBIC, LANCZOS4, as OpenCV understands them:
    none but AREA smooths before it shrinks."""
    if mode == "LINEAR":
        return images.resize(pixels, height, width)
    if mode == "NEAREST":
        rows, columns = (np.arange(n) * old // n for n, old in zip((height, width), pixels.shape, strict=False))
        return np.asarray(pixels[rows][:, columns])
    if pixels.shape[:2] == (height, width):
        return pixels
    if mode == "AREA" and (height > pixels.shape[0] or width > pixels.shape[1]):
        mode = "AREA_OF_TWO"
    rows, columns = (_weights(old, n, mode) for old, n in zip(pixels.shape, (height, width), strict=False))
    values = np.einsum("ij,jkc->ikc", rows, pixels.astype(np.float64), optimize=True)
    values = np.einsum("ij,kjc->kic", columns, values, optimize=True)
    return np.asarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _weights(size: int, wanted: int, mode: str) -> Array:
    """The matrix that makes *wanted* values of *size*."""
    if mode == "AREA":
        edges = np.arange(wanted + 1) * (size / wanted)
        overlap = np.minimum(edges[1:, None], np.arange(1, size + 1)) - np.maximum(edges[:-1, None], np.arange(size))
        return np.asarray(np.maximum(overlap, 0) * (wanted / size))
    if mode == "AREA_OF_TWO":
        return _area_of_two(size, wanted)
    place = (np.arange(wanted) + 0.5) * (size / wanted) - 0.5
    before = np.floor(place).astype(np.int64)
    reach = 2 if mode == "CUBIC" else 4
    taps = np.arange(1 - reach, reach + 1)
    distance = (place - before)[:, None] - taps
    kernel = _cubic(distance) if mode == "CUBIC" else np.sinc(distance) * np.sinc(distance / 4)
    matrix = np.zeros((wanted, size))
    at = np.clip(before[:, None] + taps, 0, size - 1)
    np.add.at(matrix, (np.arange(wanted)[:, None], at), kernel / kernel.sum(1, keepdims=True))
    return matrix


def _area_of_two(size: int, wanted: int) -> Array:
    """What OpenCV does where one of the two directions grows: of the pixels under a new one, the first two count."""
    index = np.arange(wanted)
    before = np.floor(index * (size / wanted)).astype(np.int64)
    weight = np.maximum(index + 1 - (before + 1) * (wanted / size), 0) % 1
    matrix = np.zeros((wanted, size))
    matrix[index, before] = 1 - weight
    np.add.at(matrix, (index, np.minimum(before + 1, size - 1)), weight)
    return matrix


def _cubic(distance: Array) -> Array:
    x = np.abs(distance)
    near = ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1
    far = ((CUBIC * x - 5 * CUBIC) * x + 8 * CUBIC) * x - 4 * CUBIC
    return np.asarray(np.where(x <= 1, near, np.where(x < 2, far, 0)))
