"""The transformer: what ``transform_param`` asks to be done to each record on its way into a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import DataError, ParameterError
from .mean import read_mean

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import TransformationParameter

Array = npt.NDArray[Any]
Shape = tuple[int, ...]
Where = Callable[[str], Any]
SMALL = 2**14
"""Numbers of an image up to which a batch of them is transformed as one array."""


class _Plan(NamedTuple):
    """What is the same for all records of one shape: the field and the rule that it breaks, if any, and the mean (None,
    per channel, or in full)."""

    problem: tuple[str, str] | None
    mean: Array | None
    whole: bool


class DataTransformer:
    """Crops, mirrors, subtracts the mean and scales: ``value = (pixel - mean) * scale``.

    The parameters of ``transform_param``, none of which does anything unless set:

    ``crop_size`` (0)     cut a square out: in TRAIN at a random place, in TEST from the middle (rounded down);
    ``mirror`` (false)    flip left to right with probability 1/2, in *both* phases, as Caffe does;
    ``mean_file``         subtract this mean, of the size of the records *before* the crop, cut at the same place;
    ``mean_value``        or subtract one number from all channels, or one from each;
    ``scale`` (1)         multiply what remains;
    ``force_color``, ``force_gray``   decode encoded images to three channels, or to one.

    *train* says whether the phase is TRAIN, *dtype* the type of the batches; *resolve* finds the file of a path, and
    *where* the line of a field, for errors.

    Errors: ParameterError for a mean given twice, or both ways to force the channels; FileError and FormatError of the
    mean file; DataError for a record that is smaller than the crop, or of another size or number of channels than the
    mean.
    """

    def __init__(
        self,
        param: TransformationParameter,
        train: bool,
        dtype: npt.DTypeLike = np.float32,
        resolve: Callable[[str], Path] = Path,
        where: Where = lambda _: None,
    ) -> None:
        if param.mean_file and param.mean_value:
            rule = "transform_param takes mean_file or mean_value, not both"
            raise ParameterError(rule, where=where("mean_value"), hint="remove one of them")
        if param.force_color and param.force_gray:
            rule = "transform_param takes force_color or force_gray, not both"
            raise ParameterError(rule, where=where("force_gray"), hint="remove one of them")
        self.dtype = np.dtype(dtype)
        self.train = train
        self.crop: int = param.crop_size
        self.mirror: bool = param.mirror
        self.mean = read_mean(resolve(param.mean_file)).astype(self.dtype) if param.mean_file else None
        self.mean_values = np.array(param.mean_value, self.dtype)
        self.scale: Any = np.asarray(param.scale, self.dtype)[()]
        self.color = True if param.force_color else False if param.force_gray else None
        self.where = where
        self._plans: dict[Shape, _Plan] = {}

    @property
    def is_random(self) -> bool:
        """Whether what is done differs from one time to the next."""
        return self.mirror or (self.train and self.crop > 0)

    def output_shape(self, shape: Shape) -> Shape:
        """The shape that a record of *shape* (C x H x W) gets."""
        return (shape[0], self.crop, self.crop) if self.crop else shape

    def check(self, shape: Shape) -> None:
        """See that a record of *shape* can be transformed. Errors: ParameterError with the line of the field."""
        problem = self._plan(shape).problem
        if problem:
            field, rule = problem
            raise ParameterError(rule, where=self.where(field), got=f"records of {_by(shape)}")

    def draw(self, rng: np.random.Generator, count: int) -> Array | None:
        """The random numbers for *count* records, three each; None when there is nothing to draw."""
        return rng.random((count, 3)) if self.is_random else None

    def apply(
        self, image: Array, out: Array, draw: Sequence[float] | Array | None = None, name: str = "record"
    ) -> None:
        """Write *image* (C x H x W, uint8 or floats) into *out*, with the random numbers *draw*.

        *name* is the record's in messages. Errors: DataError for an image that does not fit the parameters or *out*.
        """
        problem, mean, whole = self._plan(image.shape)
        if problem:
            raise DataError(f"{name}: {problem[1]}", got=_by(image.shape))
        if DataTransformer.output_shape(self, image.shape) != out.shape:
            hint = "resize the images to one size, set crop_size, or use batch_size: 1"
            raise DataError(f"{name}: all records of a batch must be {_by(out.shape)}", got=_by(image.shape), hint=hint)
        self._write(image, out, mean, whole, draw)

    def apply_all(
        self, images: Sequence[Array], out: Array, draws: Sequence[Sequence[float]] | Array | None, names: Sequence[str]
    ) -> None:
        """``apply`` to each of the *images* of a batch; to many small ones of bytes, without draws, at once."""
        first = images[0]
        alike = draws is None and first.dtype == np.uint8 and first.size <= SMALL
        if alike and all(image.shape == first.shape and image.dtype == np.uint8 for image in images):
            problem, mean, whole = self._plan(first.shape)
            if not problem and type(self).apply is DataTransformer.apply:
                together = np.frombuffer(b"".join([image.tobytes() for image in images]), np.uint8)
                self._write(together.reshape(len(images), *first.shape), out, mean, whole, None)
                return
        for index, image in enumerate(images):
            self.apply(image, out[index], None if draws is None else draws[index], names[index])

    def _write(
        self, image: Array, out: Array, mean: Array | None, whole: bool, draw: Sequence[float] | Array | None
    ) -> None:
        """*image* into *out*, by the rules that *mean*, which is *whole* or one number per channel, and *draw* give."""
        if self.crop:
            top, left = self._corner(image.shape[-3:], draw)
            cut = (..., slice(top, top + self.crop), slice(left, left + self.crop))
            image = image[cut]
            mean = mean[cut] if whole and mean is not None else mean
        if self.mirror and draw is not None and draw[0] < 0.5:
            out = out[..., ::-1]
        if mean is not None:
            np.subtract(image, mean, out=out)
            if self.scale != 1:
                np.multiply(out, self.scale, out=out)
        elif self.scale != 1:
            np.multiply(image, self.scale, out=out)
        else:
            out[...] = image

    def _corner(self, shape: Shape, draw: Sequence[float] | Array | None) -> tuple[int, int]:
        room = shape[1] - self.crop, shape[2] - self.crop
        if not self.train or draw is None:
            return room[0] // 2, room[1] // 2
        return int(draw[1] * (room[0] + 1)), int(draw[2] * (room[1] + 1))

    def _plan(self, shape: Shape) -> _Plan:
        plan = self._plans.get(shape)
        if plan is None:
            mean = self.mean
            values = self.mean_values
            if mean is None and values.size:
                mean = np.broadcast_to(values, shape[0]).reshape(-1, 1, 1) if values.size in (1, shape[0]) else values
            plan = self._plans[shape] = _Plan(self._problem(shape), mean, self.mean is not None)
        return plan

    def _problem(self, shape: Shape) -> tuple[str, str] | None:
        if self.crop and min(shape[1:]) < self.crop:
            return "crop_size", f"crop_size {self.crop} must not exceed the height and width of the records"
        if self.mean is not None and self.mean.shape != shape:
            return "mean_file", f"records must have the size of the mean in mean_file, {_by(self.mean.shape)}"
        count = self.mean_values.size
        if count not in (0, 1, shape[0]):
            return "mean_value", f"mean_value must be given once, or once for each channel; there are {count}"
        return None


def _by(shape: Shape) -> str:
    return "x".join(map(str, shape))
