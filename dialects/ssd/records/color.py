"""Colours: pixels made lighter, duller, of another hue, at random."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....layers import Array

SEXTANT = 30
"""A sixth of the circle of hues, which 8 bits hold as 0 to 179."""


def distort(pixels: Array, param: Any, rng: np.random.Generator) -> Array:
    """*pixels* (bytes; blue, green, red) changed as ``distort_param`` says: brightness, saturation and hue, each with
    its probability, contrast before or after these, and the channels in another order."""
    steps = [_brightness, _saturation, _hue]
    steps.insert(1 if rng.random() > 0.5 else 3, _contrast)
    if pixels.shape[2] != 3:
        steps = [step for step in steps if step in (_brightness, _contrast)]
    for step in steps:
        pixels = step(pixels, param, rng)
    if rng.random() < param.random_order_prob:
        pixels = pixels[..., rng.permutation(pixels.shape[2])]
    return pixels


def _brightness(pixels: Array, param: Any, rng: np.random.Generator) -> Array:
    delta = rng.uniform(-param.brightness_delta, param.brightness_delta)
    return to_bytes(pixels + delta) if _happens("brightness", param, rng) else pixels


def _contrast(pixels: Array, param: Any, rng: np.random.Generator) -> Array:
    factor = rng.uniform(param.contrast_lower, param.contrast_upper)
    return to_bytes(pixels * factor) if _happens("contrast", param, rng) else pixels


def _saturation(pixels: Array, param: Any, rng: np.random.Generator) -> Array:
    factor = rng.uniform(param.saturation_lower, param.saturation_upper)
    if not _happens("saturation", param, rng):
        return pixels
    hue, saturation, value = to_hsv(pixels)
    return from_hsv(hue, to_bytes(saturation * factor), value)


def _hue(pixels: Array, param: Any, rng: np.random.Generator) -> Array:
    delta = rng.uniform(-param.hue_delta, param.hue_delta)
    if not _happens("hue", param, rng):
        return pixels
    hue, saturation, value = to_hsv(pixels)
    return from_hsv(to_bytes(hue + delta), saturation, value)


def _happens(what: str, param: Any, rng: np.random.Generator) -> bool:
    """Whether an effect takes place: with its own probability, or in DeepDetect's form with a common one if it is
    switched on."""
    probability = getattr(param, f"{what}_prob")
    known = param.DESCRIPTOR.fields_by_name
    if not probability and what in known and (getattr(param, what) or param.all_effects):
        probability = param.prob
    return bool(rng.random() < probability)


def to_bytes(values: Array) -> Array:
    """Rounded to the nearest byte."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def to_hsv(pixels: Array) -> tuple[Array, Array, Array]:
    """Hue (0 to 179), saturation and value of *pixels*, as 8 bits hold them."""
    blue, green, red = np.moveaxis(pixels.astype(np.float64), -1, 0)
    value = pixels.max(-1)
    span = (value - pixels.min(-1)).astype(np.float64)
    safe = np.where(span > 0, span, 1)
    sector = np.where(
        value == red,
        (green - blue) / safe,
        np.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    hue = np.rint(sector * SEXTANT)
    hue = np.where(hue < 0, hue + 6 * SEXTANT, hue).astype(np.uint8)
    return hue, to_bytes(255 * span / np.maximum(value, 1)), value


def from_hsv(hue: Array, saturation: Array, value: Array) -> Array:
    """Pixels of these colours; hues beyond 179 begin again."""
    sector = (hue / SEXTANT) % 6
    full, part = value.astype(np.float64), saturation / 255
    # each channel is at its full value within a sextant of its own hue, and falls off over the next
    distance = [np.abs((sector - centre + 3) % 6 - 3) for centre in (4, 2, 0)]
    return to_bytes(np.stack([full * (1 - part * np.clip(d - 1, 0, 1)) for d in distance], -1))
