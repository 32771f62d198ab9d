"""WindowData: regions of images, objects and background in a fixed share (R-CNN)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..data import Batch, Producer, State, Stream, images, read_mean
from ..data.windows import Window, WindowFile, place, read_window_file, subtract_at, warp
from ..errors import DataError, ParameterError
from ..plugins import hookimpl
from .arity import Arity, exactly
from .blob import Array, Shape
from .data_base import DataLayer
from .image_data import finder
from .layer import Blobs, Layer


class WindowData(DataLayer):
    """Batches of windows drawn at random: a share ``fg_fraction`` of objects, the rest background.

    A window with an overlap of at least ``fg_threshold`` is an object of its class; one below ``bg_threshold`` is
    background, class 0. Each batch holds the background first, then the objects, each drawn with equal probability. A
    window is cut out, warped to a square of ``crop_size`` and mirrored with probability 1/2 if ``mirror`` is set; then
    the mean is subtracted and the result scaled. What lies outside of the image is 0.

    Tops: ``data``, N x C x crop_size x crop_size, blue first; ``label``, N.
    ``window_data_param``: ``source``, a window file (see ``cortado.data.windows``); ``batch_size``; ``fg_threshold``
    (0.5); ``bg_threshold`` (0.5); ``fg_fraction`` (0.25); ``context_pad`` (0), pixels of the square around the window;
    ``crop_mode`` ("warp", or "square": take in as much as makes it square); ``root_folder`` (empty); ``cache_images``
    (false), keep the files in memory. ``transform_param``: ``crop_size``, which must be set, ``mirror``, ``scale``, and
    ``mean_file`` (whose middle is used) or ``mean_value``.

    Errors: ParameterError; FileError for the window file; DataError for a file, a window or an image that is of no use.

    Example::

        layer {
          name: "windows" type: "WindowData" top: "data" top: "label"
          transform_param { mirror: true crop_size: 227 mean_value: 110 }
          window_data_param { source: "windows.txt" batch_size: 128 context_pad: 16 }
        }

    Source: Caffe's WindowData layer; Girshick et al., "Rich feature hierarchies …", 2014.
    """

    type: ClassVar[str] = "WindowData"
    param_field: ClassVar[str | None] = "window_data_param"
    tops: ClassVar[Arity] = exactly(2)

    def open(self, top: Blobs) -> Producer:
        plan = self._plan()
        if not self.param.source:
            self.fail("source must name a window file", "source")
        file = read_window_file(self.context.resolve(self.param.source))
        channels = file.images[0][1]
        mean = self._mean(plan.crop, channels)
        top[0].reshape((plan.count, channels, plan.crop, plan.crop))
        top[1].reshape((plan.count,))
        find = finder(self.context, self.param.root_folder)
        number = self.context.rank, self.context.world
        return WindowBatches(plan, file, mean, find, self.streams("windows"), number, self.param.cache_images)

    def shapes_without_data(self) -> Sequence[Shape] | None:
        plan = self._plan()
        return [(plan.count, 3, plan.crop, plan.crop), (plan.count,)]

    def _plan(self) -> Plan:
        param, transform = self.param, self.config.transform_param
        crop, padding = int(transform.crop_size), int(param.context_pad)
        if not crop:
            where = self.context.position("transform_param")
            raise ParameterError("WindowData needs a crop_size in transform_param", where=where, who=self.who)
        if 2 * padding >= crop:
            self.fail(f"context_pad must be less than half the crop_size {crop}", "context_pad", got=padding)
        if param.crop_mode not in ("warp", "square"):
            self.fail("crop_mode must be warp or square", "crop_mode", got=param.crop_mode)
        if not 0 <= param.fg_fraction <= 1:
            self.fail("fg_fraction must be from 0 to 1", "fg_fraction", got=param.fg_fraction)
        return Plan(
            self.batch_size(param),
            crop,
            padding,
            param.crop_mode == "square",
            transform.mirror,
            transform.scale,
            param.fg_threshold,
            param.bg_threshold,
            np.float32(param.fg_fraction).item(),
        )

    def _mean(self, crop: int, channels: int) -> Array | None:
        param = self.config.transform_param
        if param.mean_file and param.mean_value:
            where = self.transform_position("mean_value")
            raise ParameterError("transform_param takes mean_file or mean_value, not both", where=where, who=self.who)
        if param.mean_file:
            mean = read_mean(self.context.resolve(param.mean_file))
            if mean.shape[0] != channels or min(mean.shape[1:]) < crop:
                rule = f"the mean must have {channels} channels and at least crop_size {crop} pixels each way"
                raise ParameterError(
                    rule, where=self.transform_position("mean_file"), who=self.who, got=str(mean.shape)
                )
            return mean
        if len(param.mean_value) not in (0, 1, channels):
            rule = f"mean_value must be given once, or for each of {channels} channels"
            raise ParameterError(rule, where=self.transform_position("mean_value"), who=self.who)
        values = np.array(param.mean_value, np.float32)
        return np.broadcast_to(values, channels).reshape(-1, 1, 1) if values.size else None


@dataclass(frozen=True)
class Plan:
    """The numbers that a WindowData layer works by."""

    count: int
    crop: int
    padding: int
    square: bool
    mirror: bool
    scale: float
    object_above: float
    background_below: float
    objects: float


class WindowBatches:
    """Makes batches of windows. Batch i is drawn from the random stream i, so its number is all there is to know."""

    def __init__(
        self,
        plan: Plan,
        file: WindowFile,
        mean: Array | None,
        find: Callable[[str], Path],
        streams: Stream,
        share: tuple[int, int],
        cache: bool,
    ) -> None:
        self.plan, self.file, self.mean, self.find, self.streams = plan, file, mean, find, streams
        self.rank, self.world = share
        self.cache: dict[int, bytes] | None = {} if cache else None
        self.objects = [w for w in file.windows if w.overlap >= plan.object_above]
        below = plan.background_below
        self.background = [
            w._replace(label=0) for w in file.windows if w.overlap < plan.object_above and w.overlap < below
        ]
        self.batches = 0
        wanted = int(np.float32(plan.count) * np.float32(plan.objects))
        self._groups = [(self.background, plan.count - wanted, "background"), (self.objects, wanted, "objects")]
        self._check()

    def fill(self, batch: Batch) -> None:
        rng = self.streams(self.batches * self.world + self.rank)
        out = batch.array(0, (self.plan.count, self.file.images[0][1], self.plan.crop, self.plan.crop))
        labels = batch.array(1, (self.plan.count,))
        chosen = [group[i] for group, count, _ in self._groups if count for i in rng.integers(len(group), size=count)]
        flips = rng.random(len(chosen)) < 0.5 if self.plan.mirror else np.zeros(len(chosen), bool)
        for index, (window, flip) in enumerate(zip(chosen, flips, strict=True)):
            self._fill_one(window, bool(flip), out[index])
            labels[index] = window.label
        batch.names = [f"a window of image {self.file.images[window.image][0]}" for window in chosen]
        self.batches += 1

    def state(self) -> State:
        return {"batches": self.batches}

    def restore(self, state: Mapping[str, int]) -> None:
        self.batches = state["batches"]

    def _fill_one(self, window: Window, flip: bool, out: Array) -> None:
        plan, path = self.plan, self.find(self.file.images[window.image][0])
        image = self._image(window.image, path)
        if image.shape[2] != out.shape[0]:
            raise DataError(f"image {path} must have {out.shape[0]} channels", got=str(image.shape[2]))
        try:
            rows, columns = image.shape[:2]
            cut = place(window, rows, columns, plan.crop, plan.padding, plan.square, flip)
        except DataError as error:
            raise error.located(str(path)) from None
        values = subtract_at(warp(image, cut, flip), self.mean, cut, plan.crop)
        out[...] = 0
        out[:, cut.top : cut.top + cut.height, cut.left : cut.left + cut.width] = values * np.float32(plan.scale)

    def _image(self, index: int, path: Path) -> Array:
        if self.cache is None:
            return images.read_image(path)
        if index not in self.cache:
            try:
                self.cache[index] = path.read_bytes()
            except OSError as error:
                raise DataError(f"cannot read the image {path}: {error.strerror}") from None
        return images.decode(self.cache[index], f"image {path}")

    def _check(self) -> None:
        for window in self.objects:
            if window.label < 1:
                raise DataError("windows of objects must have a class of at least 1", got=str(window))
        for group, count, name in self._groups:
            if count and not group:
                hint = "see fg_threshold, bg_threshold and fg_fraction"
                raise DataError(f"the window file must hold {name}, {count} are wanted in each batch", hint=hint)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [WindowData]
