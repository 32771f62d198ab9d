"""ImageData: image files named by a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from ..data import Batch, DataTransformer, Picker, Producer, Stream, images
from ..data.lists import FileList, Item, beneath, read_list
from ..plugins import hookimpl
from .arity import Arity, exactly
from .blob import Array, Shape
from .context import LayerContext
from .data_base import DataLayer
from .layer import Blobs, Layer
from .record_batches import RecordBatches


class ImageData(DataLayer):
    """Batches of image files (whatever Pillow reads) and their labels, from a list of ``path label`` lines.

    Tops: ``data``, N x C x H x W in the order blue, green, red; ``label``, N. The size is that of the first image of a
    batch, after resizing and ``transform_param`` (see ``DataTransformer``); the images of a batch must agree. After the
    last line the first follows, in the middle of a batch if it so happens.

    ``image_data_param``: ``source``, the list; ``root_folder`` (empty), put before each path; ``batch_size`` (1);
    ``new_height``, ``new_width`` (0: as they are), the size to resize to, both or neither; ``is_color`` (true), three
    channels, or one; ``shuffle`` (false), another order in each epoch, drawn from the seed of the net; ``rand_skip``
    (0), start after a random number of lines below this. ``data_param { prefetch }`` (4): batches made ahead.

    Errors: ParameterError; FileError for the list, DataError for an image that cannot be used.

    Example::

        layer {
          name: "photos" type: "ImageData" top: "data" top: "label"
          transform_param { mirror: true crop_size: 227 mean_value: 104 mean_value: 117 mean_value: 123 }
          image_data_param { source: "train.txt" root_folder: "photos/" batch_size: 32 new_height: 256 new_width: 256 }
        }

    Source: Caffe's ImageData layer.
    """

    type: ClassVar[str] = "ImageData"
    param_field: ClassVar[str | None] = "image_data_param"
    tops: ClassVar[Arity] = exactly(2)

    def open(self, top: Blobs) -> Producer:
        param = self.param
        count = self.batch_size(param)
        if bool(param.new_height) != bool(param.new_width):
            got = f"new_height {param.new_height}, new_width {param.new_width}"
            self.fail("new_height and new_width must be set together", "new_height", got=got)
        transformer = self.transformer()
        if not param.source:
            self.fail("source must name a list of images", "source")
        lines = read_list(self.context.resolve(param.source))
        skip = self._skip(len(lines))
        reader = ImageReader(finder(self.context, param.root_folder), param.is_color, self._size())
        shuffle = self.streams("shuffle") if param.shuffle else None
        maker = ImageBatches(lines, reader, count, transformer, self.streams("transform"), self.share(), shuffle, skip)
        shape = maker.first_shape()
        top[0].reshape((count, *shape))
        top[1].reshape((count,))
        return maker

    def shapes_without_data(self) -> Sequence[Shape] | None:
        height, width = self._size()
        channels = 3 if self.param.is_color else 1
        shape = self.planned_shape((channels, height, width) if height and width else None, channels)
        return None if shape is None else [(self.param.batch_size, *shape), (self.param.batch_size,)]

    def _size(self) -> tuple[int, int]:
        return self.param.new_height, self.param.new_width

    def _skip(self, lines: int) -> int:
        limit = self.param.rand_skip
        if not limit:
            return 0
        skip = int(self.context.stream("data", self.name, "skip").integers(limit))
        if skip >= lines:
            self.fail(f"rand_skip must leave lines of the {lines} in the list", "rand_skip", got=limit)
        return skip


class ImageReader:
    """Reads one image of a list: *find* tells where its path leads, *color* and *size* what to make of it."""

    def __init__(self, find: Callable[[str], Path], color: bool, size: tuple[int, int]) -> None:
        self.find, self.color, self.size = find, color, size

    def __call__(self, item: Item) -> Array:
        return images.to_planes(images.read_image(self.find(item.path), self.color, *self.size))


def finder(context: LayerContext, root: str) -> Callable[[str], Path]:
    """Where the paths of a list beneath *root* lead."""
    resolve = context.resolve
    return lambda path: beneath(root, path, resolve)


class ImageBatches(RecordBatches):
    """Makes batches of the images of a list."""

    def __init__(
        self,
        lines: FileList,
        reader: ImageReader,
        count: int,
        transformer: DataTransformer,
        streams: Stream,
        share: tuple[int, int],
        shuffle: Stream | None,
        skip: int,
    ) -> None:
        self.reader, self.count, self.transformer = reader, count, transformer
        self.lines = Picker(lines, *share, shuffle)
        self.lines.seek(skip)
        super().__init__(self.lines, streams, share)

    def first_shape(self) -> Shape:
        """The shape that the first image gets, after a check that it can be transformed."""
        start = self.lines.position
        shape = self.reader(next(self.lines)).shape
        self.lines.seek(start)
        self.transformer.check(shape)
        return self.transformer.output_shape(shape)

    def fill(self, batch: Batch) -> None:
        draws = self.transformer.draw(self.stream(), self.count)
        labels = batch.array(1, (self.count,))
        names: list[str] = []
        for index in range(self.count):
            item = next(self.lines)
            names.append(f"image {item.path}")
            image = self.reader(item)
            if index == 0:
                out = batch.array(0, (self.count, *self.transformer.output_shape(image.shape)))
            self.transformer.apply(image, out[index], None if draws is None else draws[index], names[-1])
            labels[index] = item.label
        batch.names = names
        self.batches += 1


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [ImageData]
