"""Noise: what ``noise_param`` can do to an image."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np

from ....data.optional import need
from ....errors import DataError
from ....layers import Array

GREY = np.array([0.114, 0.587, 0.299])
"""The weights of blue, green and red in a grey value."""

WITHOUT = ("gauss_blur", "clahe", "convert_to_hsv", "convert_to_lab")
"""Effects that are read and not implemented."""


def add_noise(pixels: Array, param: Any, rng: np.random.Generator) -> Array:
    """*pixels* (bytes) after those effects of ``noise_param`` that are switched on; each takes place with the
    probability ``prob`` (where that is 0, always). With ``all_effects``, DeepDetect's, all are on."""
    every = getattr(param, "all_effects", False)
    for name, effect in EFFECTS.items():
        on = param.jpeg > 0 if name == "jpeg" else getattr(param, name)
        if (on or every) and (not param.prob or rng.random() < param.prob):
            pixels = effect(pixels, param, rng)
    return pixels


def _decolorize(pixels: Array, param: Any, rng: np.random.Generator) -> Array:
    if pixels.shape[2] != 3:
        return pixels
    return np.repeat(_grey(pixels)[..., None], 3, -1)


def _hist_eq(pixels: Array, param: Any, rng: np.random.Generator) -> Array:
    """Brightness spread evenly; the differences of the channels from it stay."""
    grey = _grey(pixels) if pixels.shape[2] == 3 else pixels[..., 0]
    below = np.cumsum(np.bincount(grey.ravel(), minlength=256))
    first = below[grey.min()]
    if first == below[-1]:
        return pixels
    spread = np.rint(np.clip((below - first) * 255 / (below[-1] - first), 0, 255))
    change = (spread[grey] - grey)[..., None]
    return np.asarray(np.clip(pixels + change, 0, 255).astype(np.uint8))


def _grey(pixels: Array) -> Array:
    """The brightness of each pixel."""
    grey: Array = np.rint(pixels @ GREY).astype(np.uint8)
    return grey


def _jpeg(pixels: Array, param: Any, rng: np.random.Generator) -> Array:
    if pixels.shape[2] not in (1, 3):
        raise DataError("jpeg needs images of one channel or three", got=str(pixels.shape[2]))
    pillow = need("PIL.Image", "pillow", "images", "reading and writing images")
    stream = io.BytesIO()
    plain = pixels[..., 0] if pixels.shape[2] == 1 else pixels[..., ::-1]
    quality = int(param.jpeg) if param.jpeg > 0 else 30
    pillow.fromarray(np.ascontiguousarray(plain)).save(stream, "JPEG", quality=quality)
    with pillow.open(stream) as image:
        return np.asarray(image)[..., None] if pixels.shape[2] == 1 else np.asarray(image)[..., ::-1]


def _erode(pixels: Array, param: Any, rng: np.random.Generator) -> Array:
    """The least of each pixel and its four neighbours."""
    around = np.pad(pixels, ((1, 1), (1, 1), (0, 0)), "edge")
    rows, columns = slice(1, -1), slice(1, -1)
    shifted = (around[:-2, columns], around[2:, columns], around[rows, :-2], around[rows, 2:])
    return np.asarray(np.minimum.reduce((pixels, *shifted)))


def _posterize(pixels: Array, param: Any, rng: np.random.Generator) -> Array:
    return pixels // 64 * 64 + 32


def _inverse(pixels: Array, param: Any, rng: np.random.Generator) -> Array:
    return 255 - pixels


def _saltpepper(pixels: Array, param: Any, rng: np.random.Generator) -> Array:
    rows, columns, channels = pixels.shape
    salt = param.saltpepper_param
    count = int(salt.fraction * rows * columns)
    pixels = pixels.copy()
    value = np.broadcast_to(np.array(list(salt.value) or [0], np.uint8), channels)
    pixels[rng.integers(rows, size=count), rng.integers(columns, size=count)] = value
    return pixels


EFFECTS: dict[str, Callable[[Array, Any, np.random.Generator], Array]] = {
    "decolorize": _decolorize,
    "hist_eq": _hist_eq,
    "jpeg": _jpeg,
    "erode": _erode,
    "posterize": _posterize,
    "inverse": _inverse,
    "saltpepper": _saltpepper,
}
