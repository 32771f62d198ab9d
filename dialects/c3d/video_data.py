"""C3D's VideoData: clips of videos, whose frames are image files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...data import Picker, Producer, make_transformer
from ...data.finite import check_finite
from ...data.lists import beneath
from ...errors import FormatError
from ...layers import Arity, Array, Blobs, LayerContext, Phase, Shape, exactly
from ...layers.data_base import DataLayer
from ...proto import Schema, blob_to_array, read_binary
from ..combine import combine
from .clips import Clip, ClipBatches, ClipReader, Clips
from .tables import V10
from .window import is_set

if TYPE_CHECKING:
    from ...proto.caffe_pb2 import LayerParameter

COPIED = ("scale", "crop_size", "mirror", "mean_file")
"""What v1.0 has in the layer's own block, and v1.1 in ``transform_param`` as well."""


class VideoData(DataLayer):
    """Batches of clips, frames of a video in a row, from a list of ``folder first-frame label`` lines.

    The frames of a clip are the images ``folder/000017.jpg`` and so on: ``new_length`` of them from the first one on,
    ``sampling_rate`` apart. Where a clip is cut out (``crop_size``) and whether it is mirrored is drawn once for all
    its frames.

    Tops: ``data``, N × 3 × L × H × W in the order blue, green, red; ``label``, N. No backward.

    Parameters, in ``video_data_param`` (C3D v1.1) or ``image_data_param`` (v1.0): ``source``, the list; ``root_folder``
    (empty), put before each folder; ``batch_size`` (1); ``new_length`` (1), L; ``sampling_rate`` (1); ``new_height``
    and ``new_width`` (as they are), both or neither; ``shuffle`` (false); ``rand_skip`` (0). In ``transform_param``, or
    where that does not say in the layer's own block: ``crop_size``, ``mirror``, ``scale``, and ``mean_file``, a mean
    over clips (3 × L × H × W) or frames; ``mean_value`` in the former. ``show_data`` and, as frames are images,
    ``use_temporal_jitter`` are read and make no difference.
    Errors: ParameterError, also for ``use_image: false`` (video files) and ``use_label: false``, which have no
    implementation; FileError and FormatError of the mean; DataError for a line or a frame that cannot be used.

    Example::

        layer {
          name: "data" type: "VideoData" top: "data" top: "label"
          transform_param { crop_size: 112 mirror: true mean_value: 128 }
          video_data_param { source: "train.lst" batch_size: 10 new_length: 16 new_height: 128 new_width: 171 }
        }

    Source: C3D's layer (Tran et al., "Learning Spatiotemporal Features with 3D Convolutional Networks", 2015).
    """

    type: ClassVar[str] = "VideoData"
    tops: ClassVar[Arity] = exactly(2)
    reads: ClassVar[Sequence[str]] = tuple(
        f"ImageDataParameter.{name}"
        for name in ("new_length", "sampling_rate", "use_image", "use_label", "use_temporal_jitter", "show_data")
    )

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        super().__init__(config, context)
        self.old = not is_set(config, "video_data_param")
        self.param = getattr(config, "image_data_param" if self.old else "video_data_param")

    def open(self, top: Blobs) -> Producer:
        param = self.param
        count = self.batch_size(param)
        self._check()
        transform = self._transform()
        mean = None
        if transform.mean_file:
            mean = read_volume(self.context.resolve(transform.mean_file), self.old)
            transform.ClearField("mean_file")
        context, train = self.context, self.phase == Phase.TRAIN
        where = partial(context.position, "transform_param")
        transformer = make_transformer(transform, context.plugins, train, self.dtype, context.resolve, where)
        clips = Clips(context.resolve(param.source))
        lines: Picker[Clip] = Picker(clips, *self.share(), self.streams("shuffle") if param.shuffle else None)
        lines.seek(int(context.stream("data", self.name, "skip").integers(param.rand_skip)) if param.rand_skip else 0)
        resolve, root = context.resolve, getattr(param, "root_folder", "")
        size, rate = (param.new_height, param.new_width), param.sampling_rate
        reader = ClipReader(lambda path: beneath(root, path, resolve), size, param.new_length, rate, mean)
        maker = ClipBatches(lines, reader, count, transformer, self.streams("transform"), self.share())
        top[0].reshape((count, *maker.first_shape()))
        top[1].reshape((count,))
        return maker

    def _check(self) -> None:
        param = self.param
        if not param.source:
            self.fail("source must name a list of clips")
        if bool(param.new_height) != bool(param.new_width):
            self.fail("new_height and new_width must be set together")
        for name in ("new_length", "sampling_rate"):
            if getattr(param, name) < 1:
                self.fail(f"{name} must be at least 1", got=getattr(param, name))
        if not param.use_image:
            hint = "write the frames as images, 000001.jpg and so on, in a folder for each video"
            self.fail("video files (use_image: false) have no implementation here", hint=hint)
        if not param.use_label:
            self.fail("use_label: false has no implementation here", hint="end each line of the list with a 0")

    def _transform(self) -> Any:
        """``transform_param``, with what the layer's own block says where it says nothing."""
        param = type(self.config.transform_param)()
        param.CopyFrom(self.config.transform_param)
        for name in COPIED:
            if self.param.HasField(name) and not param.HasField(name):
                setattr(param, name, getattr(self.param, name))
        return param

    def shapes_without_data(self) -> Sequence[Shape] | None:
        param, crop = self.param, self._transform().crop_size
        height, width = (crop, crop) if crop else (param.new_height, param.new_width)
        if not height or not width:
            return None
        return [(param.batch_size, 3, param.new_length, height, width), (param.batch_size,)]


def read_volume(path: Path, old: bool) -> Array:
    """The mean in *path*, 3 × L × H × W or 3 × H × W; *old* as C3D v1.0 writes it, with five sizes.

    Errors: FileError; FormatError for another kind of file or shape.
    """
    schema = combine(Schema.stock(), (V10,)) if old else Schema.stock()
    blob: Any = read_binary(path, schema.message("BlobProto"))
    if old:
        sizes = (blob.num, blob.channels, blob.length, blob.height, blob.width)
        values: Array = np.array(blob.data, np.float32)
        if min(sizes) < 0 or values.size != math.prod(sizes):
            rule = "a mean file of C3D holds as many numbers as its five sizes say"
            raise FormatError(rule, where=str(path), got=f"{values.size} for {'x'.join(map(str, sizes))}")
        values = values.reshape(sizes)
    else:
        values = blob_to_array(blob)
    while values.ndim > 3 and values.shape[0] == 1:
        values = values[0]
    if values.ndim not in (3, 4):
        rule = "a mean file holds one blob of channels x length x height x width"
        raise FormatError(rule, where=str(path), got="x".join(map(str, values.shape)))
    check_finite(values, f"mean file {path}")
    return values.astype(np.float32, copy=False)
