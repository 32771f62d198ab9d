"""The base of layers that read: they make batches ahead of time, copy each into their tops, and know where they are."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..data import DataTransformer, Prefetcher, Producer, State, make_transformer, read_mean
from ..errors import CortadoError, FileError, MissingExtraError
from .arity import Arity, between, exactly
from .blob import Shape
from .context import Phase
from .layer import Blobs, Layer


class DataLayer(Layer):
    """No bottoms; the tops are filled from a ``Producer``, by a thread that works ahead by ``data_param { prefetch }``
    batches (4; 0 does without a thread).

    A subclass implements ``open``, which checks the parameters, finds the first record, gives the tops their shapes and
    returns the producer; and, where the shapes can be told without the data, ``shapes_without_data``.

    ``state()`` says where the reading is, in a few numbers, and ``restore(state)`` goes on from there, in the same
    process or another, with the same records and the same random numbers.
    """

    bottoms: ClassVar[Arity] = exactly(0)
    tops: ClassVar[Arity] = between(1, 2)
    stateful: ClassVar[bool] = True
    stochastic: ClassVar[bool] = True

    record_names: Sequence[str] = ()
    """What messages call the records of the batch in the tops; a layer after this one may find a fault in them."""
    _prefetcher: Prefetcher | None = None

    def open(self, top: Blobs) -> Producer:
        """Check the parameters, give the tops their shapes, and return what makes the batches."""
        raise self._missing("open")

    def shapes_without_data(self) -> Sequence[Shape] | None:
        """The shapes of the tops as far as the parameters tell, or None."""
        return None

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        depth = self.config.data_param.prefetch
        try:
            producer = self.open(top)
        except FileError as error:
            folder = self.context.folder.absolute()
            if error.hint and folder != Path.cwd():
                error.hint += f"; paths are also looked for in {folder}, where the net is"
            raise
        self._prefetcher = Prefetcher(producer, self.dtype, depth)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """Nothing: the shapes come with the data."""

    def infer_shapes(self, bottom: Blobs, top: Blobs) -> bool:
        try:
            self.open(top)
        except (FileError, MissingExtraError):
            shapes = self.shapes_without_data()
            for blob, shape in zip(top, shapes or (), strict=False):
                blob.reshape(shape)
            return shapes is not None
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        try:
            batch = self.prefetcher.next()
        except CortadoError as error:
            raise error.located(self.context.position(), self.who) from None
        for blob, array in zip(top, batch.arrays, strict=True):
            blob.reshape(array.shape)
            self.engine.copy(array, blob.data)
        self.record_names = batch.names
        self.prefetcher.release()

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        """Nothing: there is no bottom."""

    @property
    def prefetcher(self) -> Prefetcher:
        if self._prefetcher is None:
            raise self._missing("setup")
        return self._prefetcher

    def run_state(self) -> dict[str, Any]:
        return super().run_state() | {"position": self.state()}

    def restore_run_state(self, state: Mapping[str, Any]) -> None:
        super().restore_run_state(state)
        self.restore(state["position"])

    def state(self) -> State:
        """The reading position: what has been handed out, however much has been read ahead."""
        return self.prefetcher.state()

    def restore(self, state: Mapping[str, int]) -> None:
        """Go on from a position that ``state`` returned."""
        self.prefetcher.restore(state)

    def close(self) -> None:
        """Stop reading ahead. The layer can still be used, and goes on where it was."""
        self.prefetcher.close()

    # -- for subclasses -----------------------------------------------------------------------------------------

    def batch_size(self, param: Any, field: str = "batch_size") -> int:
        """The batch size in *param*. Errors: ParameterError where it is not at least 1."""
        if param.batch_size < 1:
            self.fail("batch_size must be at least 1", field, got=param.batch_size)
        return int(param.batch_size)

    def transformer(self) -> DataTransformer:
        """The transformer that ``transform_param`` describes."""
        # what is handed on must not lead back to the layer, or the thread would keep it alive
        train, context = self.phase == Phase.TRAIN, self.context
        param, where = self.config.transform_param, partial(context.position, "transform_param")
        return make_transformer(param, context.plugins, train, self.dtype, context.resolve, where)

    def planned_shape(self, size: Shape | None, channels: int | None = None) -> Shape | None:
        """C x H x W of the first top as far as the parameters tell: from the mean file, else from *size* (that of the
        records), else from ``crop_size`` and *channels* (as many as there are mean values, or 3)."""
        param = self.config.transform_param
        mean = self.context.resolve(param.mean_file) if param.mean_file else None
        if mean is not None and os.path.exists(mean):
            size = read_mean(mean).shape
        if channels is None:
            channels = len(param.mean_value) if len(param.mean_value) > 1 else 3
        if size is None and not param.crop_size:
            return None
        plain = size or (channels, param.crop_size, param.crop_size)
        return (plain[0], param.crop_size, param.crop_size) if param.crop_size else plain

    def transform_position(self, field: str) -> Any:
        """The place of a field of ``transform_param``."""
        return self.context.position("transform_param", field)

    def share(self) -> tuple[int, int]:
        """Which part of the records is this process's: (rank, world). In TEST each process reads all of them, unless
        tests are divided."""
        shared = self.phase == Phase.TRAIN or self.context.divide_tests
        return (self.context.rank, self.context.world) if shared else (0, 1)

    def streams(self, purpose: str) -> Callable[[int], np.random.Generator]:
        """For number i, the random stream for *purpose* in epoch (or batch) i."""
        stream, name = self.context.stream, self.name
        return lambda number: stream("data", name, purpose, number)
