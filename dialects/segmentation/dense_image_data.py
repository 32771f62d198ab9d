"""DenseImageData: images, and images of labels beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

from ...data import Batch, DataTransformer, Picker, Producer, Stream, images
from ...data.lists import beneath
from ...errors import DataError
from ...layers import Arity, Array, Blobs, Phase, Shape, exactly
from ...layers.data_base import DataLayer
from ...layers.record_batches import RecordBatches
from ...proto import read_text
from ..fork_layer import ForkLayer
from ..table import Table
from .tables import KENDALL, SEGNET


class Pair(NamedTuple):
    """A line of the list: the paths of an image and of its labels."""

    image: str
    labels: str


class Pairs:
    """The lines of a list, to be picked by number."""

    def __init__(self, path: Path) -> None:
        self.lines: list[Pair] = []
        for number, line in enumerate(read_text(path).splitlines(), 1):
            parts = line.split()
            if parts and len(parts) != 2:
                rule = "each line of the list names an image and an image of labels"
                raise DataError(rule, where=f"{path}:{number}", got=line[:60])
            if parts:
                self.lines.append(Pair(*parts))
        if not self.lines:
            raise DataError("the list of images must not be empty", where=str(path))

    def __len__(self) -> int:
        return len(self.lines)

    def get(self, index: int) -> Pair:
        return self.lines[index]


class DenseImageData(ForkLayer, DataLayer):
    """Batches of images with a label for every pixel, from a list of ``image labels`` lines, both image files.

    Tops: ``data``, N × C × H × W in the order blue, green, red; ``label``, N × 1 × H × W, the grey values of the label
    image, resized to the nearest pixel. ``transform_param`` (see ``DataTransformer``) works on the images; what crops
    and mirrors them does the same to the labels.

    Parameters, in ``dense_image_data_param``: ``source``, the list; ``root_folder`` (empty), put before each path;
    ``batch_size`` (1); ``shuffle`` (false), another order in each epoch; ``new_height`` and ``new_width`` (as they
    are), both or neither; ``label_divide_factor`` (1), by which the labels are smaller than the images (no cropping
    then); ``is_color`` (true); ``rand_skip`` (0). ``transform_param`` has the mean, scale, crop and mirror; those of
    ``dense_image_data_param`` itself are read and do nothing.
    Errors: ParameterError; FileError for the list; DataError for an image that cannot be used.

    Example::

        layer {
          name: "data" type: "DenseImageData" top: "data" top: "label"
          dense_image_data_param { source: "train.txt" batch_size: 4 shuffle: true }
        }

    Source: SegNet's DenseImageData layer (Badrinarayanan et al., 2015).
    """

    type: ClassVar[str] = "DenseImageData"
    param_field: ClassVar[str | None] = "dense_image_data_param"
    tables: ClassVar[Sequence[Table]] = (KENDALL, SEGNET)
    tops: ClassVar[Arity] = exactly(2)
    linear: ClassVar[bool] = False
    """Whether labels are interpolated when they are resized."""

    def open(self, top: Blobs) -> Producer:
        param = self.param
        count = self.batch_size(param)
        if bool(param.new_height) != bool(param.new_width):
            self.fail("new_height and new_width must be set together", "new_height")
        factor = self.factor
        if factor > 1 and self.config.transform_param.crop_size:
            self.fail("label_divide_factor and crop_size must not both be given", "label_divide_factor", got=factor)
        if not param.source:
            self.fail("source must name a list of images", "source")
        pairs = Pairs(self.context.resolve(param.source))
        skip = int(self.context.stream("data", self.name, "skip").integers(param.rand_skip)) if param.rand_skip else 0
        shuffle = self.streams("shuffle") if param.shuffle else None
        lines: Picker[Pair] = Picker(pairs, *self.share(), shuffle)
        lines.seek(skip)
        transformers = (self.transformer(), self._for_labels())
        resolve, root = self.context.resolve, param.root_folder
        size = (param.new_height, param.new_width)
        shrink = images.resize if self.linear else _nearest
        reader = PairReader(lambda path: beneath(root, path, resolve), param.is_color, size, factor, shrink)
        reader.labels_of = self.labels_of
        maker = PairBatches(lines, reader, count, transformers, self.streams("transform"), self.share())
        for blob, shape in zip(top, maker.first_shapes(), strict=True):
            blob.reshape((count, *shape))
        return maker

    @property
    def factor(self) -> int:
        """By how much the labels are smaller than the images."""
        return max(1, getattr(self.param, "label_divide_factor", 1))

    @staticmethod
    def labels_of(grey: Array) -> Array:
        """The labels that the grey values of an image mean."""
        return grey

    def _for_labels(self) -> DataTransformer:
        """A transformer that crops and mirrors as that of the images, and changes no value."""
        param = type(self.config.transform_param)()
        param.crop_size, param.mirror = self.config.transform_param.crop_size, self.config.transform_param.mirror
        return DataTransformer(param, self.phase == Phase.TRAIN, self.dtype)

    def shapes_without_data(self) -> Sequence[Shape] | None:
        height, width = self.param.new_height, self.param.new_width
        channels = 3 if self.param.is_color else 1
        shape = self.planned_shape((channels, height, width) if height and width else None, channels)
        if shape is None:
            return None
        count, factor = self.param.batch_size, self.factor
        return [(count, *shape), (count, 1, shape[1] // factor, shape[2] // factor)]


class PairReader:
    """Reads an image and its labels."""

    def __init__(
        self,
        find: Callable[[str], Path],
        color: bool,
        size: tuple[int, int],
        factor: int,
        shrink: Callable[[Array, int, int], Array],
    ) -> None:
        self.find, self.color, self.size, self.factor, self.shrink = find, color, size, factor, shrink
        self.labels_of: Callable[[Array], Array] = lambda grey: grey

    def __call__(self, pair: Pair) -> tuple[Array, Array]:
        image = images.read_image(self.find(pair.image), self.color, *self.size)
        labels = images.read_image(self.find(pair.labels), False)
        wanted = (image.shape[0] // self.factor, image.shape[1] // self.factor)
        if labels.shape[:2] != wanted:
            if not self.size[0] and self.factor == 1:
                rule = f"the labels {pair.labels} must have the size of the image, {image.shape[:2]}"
                raise DataError(rule, got=str(labels.shape[:2]), hint="or give new_height and new_width")
            labels = self.shrink(labels, wanted[0], wanted[1])
        return images.to_planes(image), images.to_planes(self.labels_of(labels))


def _nearest(pixels: Array, height: int, width: int) -> Array:
    """*pixels* at another size, each the one nearest before it, as OpenCV's INTER_NEAREST."""
    rows = np.minimum(np.arange(height) * pixels.shape[0] // height, pixels.shape[0] - 1)
    columns = np.minimum(np.arange(width) * pixels.shape[1] // width, pixels.shape[1] - 1)
    return np.asarray(pixels[rows][:, columns])


class PairBatches(RecordBatches):
    """Makes batches of images with their labels."""

    def __init__(
        self,
        lines: Picker[Pair],
        reader: PairReader,
        count: int,
        transformers: tuple[DataTransformer, DataTransformer],
        streams: Stream,
        share: tuple[int, int],
    ) -> None:
        self.lines, self.reader, self.count = lines, reader, count
        self.transformers = transformers
        super().__init__(self.lines, streams, share)

    def first_shapes(self) -> list[Shape]:
        """The shapes that the first image and its labels get."""
        start = self.lines.position
        shapes = [array.shape for array in self.reader(next(self.lines))]
        self.lines.seek(start)
        for transformer, shape in zip(self.transformers, shapes, strict=True):
            transformer.check(shape)
        return [t.output_shape(shape) for t, shape in zip(self.transformers, shapes, strict=True)]

    def fill(self, batch: Batch) -> None:
        draws = self.transformers[0].draw(self.stream(), self.count)
        outs: list[Array] = []
        for index in range(self.count):
            pair = next(self.lines)
            for top, (array, transformer) in enumerate(zip(self.reader(pair), self.transformers, strict=True)):
                if index == 0:
                    outs.append(batch.array(top, (self.count, *transformer.output_shape(array.shape))))
                draw = None if draws is None else draws[index]
                transformer.apply(array, outs[top][index], draw, f"image {pair[top]}")
        self.batches += 1
