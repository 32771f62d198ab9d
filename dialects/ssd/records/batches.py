"""Batches of samples: the images, and their labels in the form that the losses of a fork read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ....data import Batch, Source, Stream, read_records
from ....errors import DataError
from ....layers import Array, Shape
from ....layers.record_batches import RecordBatches
from .recipe import Recipe
from .sample import Sample, read_sample


class Labels:
    """How the labels of a batch are written."""

    def shape(self, samples: Sequence[Sample]) -> Shape:
        """The shape of the top."""
        raise NotImplementedError

    def write(self, samples: Sequence[Sample], out: Array) -> None:
        """Write the labels of *samples* into *out*."""
        raise NotImplementedError


class BoxRows(Labels):
    """All boxes of the batch below each other, 1 x 1 x boxes x 8: number of the image, label, instance, xmin, ymin,
    xmax, ymax, difficult. A batch without any box has one row of -1."""

    def shape(self, samples: Sequence[Sample]) -> Shape:
        return 1, 1, max(1, sum(len(sample.annotations) for sample in samples)), 8

    def write(self, samples: Sequence[Sample], out: Array) -> None:
        rows = [
            np.concatenate([np.full((len(s.annotations), 1), i), _columns(s, slice(2)), _columns(s, slice(2, 7))], 1)
            for i, s in enumerate(samples)
        ]
        found = np.concatenate(rows)
        out[0, 0] = found if len(found) else -1


class YoloRows(Labels):
    """For each image 300 rows, N x 1 x 300 x 5: label - 1, and centre and size of the box; then zeros. Boxes that are
    difficult are left out, unless *difficult*."""

    most: ClassVar[int] = 300

    def __init__(self, difficult: bool = False) -> None:
        self.difficult = difficult

    def shape(self, samples: Sequence[Sample]) -> Shape:
        return len(samples), 1, self.most, 5

    def write(self, samples: Sequence[Sample], out: Array) -> None:
        out.fill(0)
        for index, sample in enumerate(samples):
            found = sample.annotations.pick((sample.annotations.marks[:, 2] == 0) | self.difficult)
            if len(found) > self.most:
                raise DataError(f"{sample.name}: an image may have at most {self.most} boxes", got=str(len(found)))
            rows = out[index, 0, : len(found)]
            rows[:, 0] = found.marks[:, 0] - 1
            rows[:, 1:3] = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
            rows[:, 3:] = found.boxes[:, 2:] - found.boxes[:, :2]


class ClassLabels(Labels):
    """One label for each image, N x 1 x 1 x 1."""

    def shape(self, samples: Sequence[Sample]) -> Shape:
        return len(samples), 1, 1, 1

    def write(self, samples: Sequence[Sample], out: Array) -> None:
        out[:, 0, 0, 0] = [sample.label for sample in samples]


def _columns(sample: Sample, which: slice) -> Array:
    """Of the columns label, instance, xmin, ymin, xmax, ymax, difficult, those of *which*."""
    found = sample.annotations
    return np.asarray(np.concatenate([found.marks[:, :2], found.boxes, found.marks[:, 2:]], 1)[:, which])


class AnnotatedBatches(RecordBatches):
    """Makes batches of the AnnotatedDatums of a *source*."""

    def __init__(
        self,
        source: Source,
        count: int,
        labels: Labels | None,
        recipe: Recipe,
        streams: Stream,
        share: tuple[int, int],
        shuffle: Stream | None = None,
    ) -> None:
        self.source, self.count, self.labels, self.recipe = source, count, labels, recipe
        self.reader = read_records(source, *share, shuffle)
        super().__init__(self.reader, streams, share)

    def first_shapes(self) -> list[Shape]:
        """The shapes of the tops, as far as the first record tells them."""
        record = self.source.first()
        sample = self._read(record.value, record.name)
        policy = self.recipe.resize[0] if self.recipe.resize else None
        size = self.recipe.output_size(sample.size, policy)
        labels = [] if self.labels is None else [self.labels.shape([sample] * self.count)]
        if isinstance(self.labels, BoxRows):
            labels = [self.labels.shape([sample])]
        shape = (sample.pixels.shape[2], *size)
        self.recipe.transformer.check(shape)
        return [(self.count, *shape), *labels]

    def fill(self, batch: Batch) -> None:
        rng = self.stream()
        policy = self.recipe.draw_size(rng)
        out: Any = None
        samples: list[Sample] = []
        for index in range(self.count):
            record = next(self.reader)
            sample = self.recipe.prepare(self._read(record.value, record.name), policy, rng)
            samples.append(sample)
            image = sample.pixels.transpose(2, 0, 1)
            if out is None:
                out = batch.array(0, (self.count, *image.shape))
            self.recipe.transformer.apply(image, out[index], None, record.name)
        if self.labels is not None:
            self.labels.write(samples, batch.array(1, self.labels.shape(samples)))
        batch.names = [sample.name for sample in samples]
        self.batches += 1

    def _read(self, value: bytes, name: str) -> Sample:
        return read_sample(value, name, self.recipe.transformer.color)
