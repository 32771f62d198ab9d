"""MemoryData: batches of arrays that the program hands over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np
import numpy.typing as npt

from ..data import DataTransformer, check_finite, datum_to_array, make_transformer
from ..data.images import to_planes
from ..errors import CortadoError, DataError
from ..plugins import hookimpl
from .arity import Arity, exactly
from .blob import Array
from .context import Phase
from .layer import Blobs, Layer

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import Datum


class MemoryData(Layer):
    """Hands out what the program has given it, batch by batch, from the start again after the last.

    ``reset(data, labels)``           N x C x H x W and N values, as they are: ``transform_param`` is *not* applied;
    ``add_datum_vector(datums)``      Datums, transformed (see ``DataTransformer``) once, when they are added;
    ``add_images(images, labels)``    arrays H x W x C or H x W, transformed likewise; Caffe's ``AddMatVector``.

    N must be a multiple of the batch size each time. What has been added must have been used up before more is added.

    Tops: ``data``, N x C x H x W; ``label``, N, and N x 1 x 1 x 1 from the first forward on, as in Caffe.
    ``memory_data_param``: ``batch_size``, ``channels``, ``height``, ``width`` (after the crop, if there is one).

    Errors: ParameterError for a size below 1; DataError for arrays of another size, or a forward without any.

    Example::

        net.layers[0].reset(images, labels)

    with ``layer { name: "in" type: "MemoryData" top: "data" top: "label"
    memory_data_param { batch_size: 10 channels: 1 height: 28 width: 28 } }``

    Source: Caffe's MemoryData layer.
    """

    type: ClassVar[str] = "MemoryData"
    param_field: ClassVar[str | None] = "memory_data_param"
    bottoms: ClassVar[Arity] = exactly(0)
    tops: ClassVar[Arity] = exactly(2)
    stateful: ClassVar[bool] = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        for field in ("batch_size", "channels", "height", "width"):
            if getattr(self.param, field) < 1:
                self.fail(f"{field} must be at least 1", field, got=getattr(self.param, field))
        self._batch_size = int(self.param.batch_size)
        self.shape = self.param.channels, self.param.height, self.param.width
        self._data: Array | None = None
        self._labels: Array = np.empty(0, self.dtype)
        self._position = 0
        self._added = 0
        self._unused = False
        self._transformer: DataTransformer | None = None
        top[0].reshape((self._batch_size, *self.shape))
        top[1].reshape((self._batch_size,))

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """Nothing: the shapes are those of the parameters."""

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if self._data is None:
            self._refuse("reset() or add_datum_vector() must come before the first forward", None)
        count, start = self._batch_size, self._position
        top[0].reshape((count, *self.shape))
        top[1].reshape((count, 1, 1, 1))
        self.engine.copy(self._data[start : start + count], top[0].data)
        self.engine.copy(self._labels[start : start + count].reshape(-1, 1, 1, 1), top[1].data)
        self._position = (start + count) % len(self._data)
        self._unused = self._unused and self._position > 0

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        """Nothing: there is no bottom."""

    def run_state(self) -> dict[str, Any]:
        state = {"position": self._position, "added": self._added, "unused": self._unused}
        return super().run_state() | state

    def restore_run_state(self, state: Mapping[str, Any]) -> None:
        """Go on from the same place in the data that the program has given; it must have given them before."""
        super().restore_run_state(state)
        self._added = state["added"]
        if self._data is not None and state["position"] < len(self._data):
            self._position, self._unused = state["position"], state["unused"]

    # -- for the program ----------------------------------------------------------------------------------------

    @property
    def batch_size(self) -> int:
        """Records per batch; may be set between two rounds."""
        return self._batch_size

    @batch_size.setter
    def batch_size(self, count: int) -> None:
        self._expect_used()
        if count < 1 or (self._data is not None and len(self._data) % count):
            self._refuse("the batch size must be at least 1 and divide the number of records", count)
        self._batch_size, self._position = count, 0

    def reset(self, data: npt.ArrayLike, labels: npt.ArrayLike) -> None:
        """Hand out *data* (N x C x H x W) and *labels* (N values) from now on. They are copied, not transformed."""
        values, marks = np.asarray(data), np.asarray(labels)
        if values.shape[1:] != self.shape:
            self._refuse(f"data must be N x {_by(self.shape)}", values.shape)
        self._check_count(len(values))
        if marks.size != len(values):
            self._refuse(f"there must be one label for each of {len(values)} records", marks.shape)
        self._check_finite(values)
        self._check_finite(marks.reshape(-1))
        self._data = values.astype(self.dtype)
        self._labels = marks.reshape(-1).astype(self.dtype)
        self._position, self._unused = 0, False

    def add_datum_vector(self, datums: Iterable[Datum]) -> None:
        """Transform *datums* and hand them out, once all that was added before has been used."""
        listed = list(datums)
        color = self.transformer.color
        self._add([datum_to_array(d, f"Datum {i}", color) for i, d in enumerate(listed)], [d.label for d in listed])

    def add_images(self, images: Iterable[npt.ArrayLike], labels: Iterable[float]) -> None:
        """Transform *images* (H x W x C, blue first, or H x W) and hand them out, as ``add_datum_vector`` does."""
        arrays = [np.asarray(image) for image in images]
        self._add([to_planes(a if a.ndim == 3 else a[..., None]) for a in arrays], list(labels))

    @property
    def transformer(self) -> DataTransformer:
        """What ``transform_param`` describes."""
        if self._transformer is None:
            self._transformer = make_transformer(
                self.config.transform_param,
                self.context.plugins,
                self.phase == Phase.TRAIN,
                self.dtype,
                self.context.resolve,
                lambda field: self.context.position("transform_param", field),
            )
        return self._transformer

    def _add(self, images: list[Array], labels: list[Any]) -> None:
        self._expect_used()
        self._check_count(len(images))
        if len(labels) != len(images):
            self._refuse(f"there must be one label for each of {len(images)} images", len(labels))
        for number, image in enumerate(images):
            self._check_finite(image, f"record {number}")
        out = np.empty((len(images), *self.shape), self.dtype)
        draws = self.transformer.draw(self.context.stream("data", self.name, "transform", self._added), len(images))
        try:
            for index, image in enumerate(images):
                self.transformer.apply(image, out[index], None if draws is None else draws[index], f"record {index}")
        except CortadoError as error:
            raise error.located(self.context.position(), self.who) from None
        self._data, self._labels = out, np.array(labels, self.dtype)
        self._position, self._unused = 0, True
        self._added += 1

    def _check_finite(self, values: Array, name: str | None = None) -> None:
        try:
            check_finite(values, name or "record {}".format)
        except CortadoError as error:
            raise error.located(self.context.position(), self.who) from None

    def _expect_used(self) -> None:
        if self._unused and self._data is not None:
            left = len(self._data) - self._position
            self._refuse("what was added before must be used up first", f"{left} records that are left")

    def _check_count(self, count: int) -> None:
        if count < 1 or count % self._batch_size:
            self._refuse(f"the number of records must be a multiple of the batch size {self._batch_size}", count)

    def _refuse(self, rule: str, got: object) -> NoReturn:
        raise DataError(rule, where=self.context.position(), who=self.who, got=None if got is None else str(got))


def _by(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [MemoryData]
