"""The recipe: all that is done to a sample on its way into a batch, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....data import DataTransformer
from ....errors import DataError
from ....layers import Array
from .color import distort
from .noise import add_noise
from .resize import output_size, resize
from .sample import Sample
from .window import WHOLE, coverage, draw_window, jitter_window


@dataclass(frozen=True)
class Recipe:
    """What ``transform_param`` and ``annotated_data_param`` ask for.

    In order: ``distort`` the colours, ``expand`` the image over a larger canvas, cut out a window that ``samplers``
    find (or one drawn by ``jitter``), ``resize``, add ``noise``, cut out a ``crop`` (height, width), mirror, and
    subtract the mean and scale as ``transformer`` does. Boxes follow; one that ``emit`` (an EmitConstraint) does not
    let through, or of which nothing is left, is dropped.

    None means: not asked for. *train* says whether the crop is at a random place.
    """

    transformer: DataTransformer
    train: bool = True
    distort: Any = None
    expand: Any = None
    samplers: Sequence[Any] = ()
    jitter: float | None = None
    resize: Sequence[Any] = ()
    noise: Any = None
    crop: tuple[int, int] | None = None
    mirror: bool = False
    emit: Any = None

    def draw_size(self, rng: np.random.Generator) -> Any:
        """The ResizeParameter for a batch: drawn with their probabilities if there are several."""
        if len(self.resize) < 2:
            return self.resize[0] if self.resize else None
        chances = np.array([policy.prob for policy in self.resize], np.float64)
        return self.resize[int(rng.choice(len(chances), p=chances / chances.sum()))]

    def output_size(self, size: tuple[int, int], policy: Any) -> tuple[int, int]:
        """Height and width that an image of *size* gets."""
        return self.crop or (size if policy is None else output_size(size, policy))

    def prepare(self, sample: Sample, policy: Any, rng: np.random.Generator) -> Sample:
        """Everything but mean and scale."""
        if sample.pixels.dtype != np.uint8 and (self.distort or self.expand or policy or self.noise):
            raise DataError(f"{sample.name}: images that are to be changed must hold bytes", got="float_data")
        if self.distort:
            sample = replace(sample, pixels=distort(sample.pixels, self.distort, rng))
        if self.expand:
            sample = self._expand(sample, rng)
        if self.samplers or self.jitter is not None:
            sample = self._cut(sample, rng)
        if policy:
            sample = resize(sample, policy, rng)
        if self.noise:
            sample = replace(sample, pixels=add_noise(sample.pixels, self.noise, rng))
        mirror = self.mirror and rng.random() < 0.5
        sample = self._crop(sample, rng)
        if mirror:
            sample = replace(sample, pixels=sample.pixels[:, ::-1], annotations=sample.annotations.mirror())
        return sample

    def _expand(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The image somewhere on a canvas that is larger by a random factor, of the colour of the mean."""
        chance, most = rng.random(), self.expand.max_expand_ratio
        if chance > self.expand.prob or abs(most - 1) < 0.01:
            return sample
        factor = rng.uniform(1, most)
        height, width = sample.size
        full = int(height * factor), int(width * factor)
        top, left = (int(rng.uniform(0, room)) for room in (full[0] - height, full[1] - width))
        channels = sample.pixels.shape[2]
        canvas = np.zeros((*full, channels), np.uint8)
        if self.transformer.mean_values.size in (1, channels):
            canvas[...] = np.clip(np.rint(self.transformer.mean_values), 0, 255).astype(np.uint8)
        canvas[top : top + height, left : left + width] = sample.pixels
        window = np.array([-left / width, -top / height, (full[1] - left) / width, (full[0] - top) / height])
        return self._seen(replace(sample, pixels=canvas), window)

    def _cut(self, sample: Sample, rng: np.random.Generator) -> Sample:
        if self.jitter is not None:
            window = jitter_window(self.jitter, rng)
        else:
            window = draw_window(self.samplers, sample.annotations.boxes, rng)
        window = np.clip(window, 0, 1)
        height, width = sample.size
        left, top, right, bottom = window * (width, height, width, height)
        rows = slice(int(top), int(top) + max(1, int(bottom - top)))
        columns = slice(int(left), int(left) + max(1, int(right - left)))
        return self._seen(replace(sample, pixels=sample.pixels[rows, columns]), window)

    def _crop(self, sample: Sample, rng: np.random.Generator) -> Sample:
        if self.crop is None:
            return self._seen(sample, WHOLE)
        room = [size - part for size, part in zip(sample.size, self.crop, strict=True)]
        if min(room) < 0:
            rule = f"{sample.name}: crop_size must not exceed the height and width of the image"
            raise DataError(rule, got="x".join(map(str, sample.size)))
        top, left = (int(rng.integers(r + 1)) if self.train else r // 2 for r in room)
        bottom, right = top + self.crop[0], left + self.crop[1]
        height, width = sample.size
        window = np.array([left / width, top / height, right / width, bottom / height])
        return self._seen(replace(sample, pixels=sample.pixels[top:bottom, left:right]), window)

    def _seen(self, sample: Sample, window: Array) -> Sample:
        """The boxes of *sample* as seen from *window*."""
        found = sample.annotations
        if self.emit is not None:
            found = found.pick(self._emitted(found.boxes, window))
        return replace(sample, annotations=found.project(window))

    def _emitted(self, boxes: Array, window: Array) -> Array:
        kinds = self.emit.DESCRIPTOR.enum_types_by_name["EmitType"].values_by_number
        if kinds[self.emit.emit_type].name == "MIN_OVERLAP":
            return np.asarray(coverage(boxes, window) > self.emit.emit_overlap)
        centre = (boxes[:, :2] + boxes[:, 2:]) / 2
        return np.asarray(((centre >= window[:2]) & (centre <= window[2:])).all(1))
