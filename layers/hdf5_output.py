"""HDF5Output: writes its bottoms to an HDF5 file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ..data.hdf5_write import writing_hdf5
from ..errors import ShapeError
from ..plugins import hookimpl
from ..proto.files import named
from .arity import Arity, exactly
from .blob import Array, Blob
from .layer import Blobs, Layer

DATASETS = ("data", "label")


class HDF5Output(Layer):
    """Writes its two bottoms as the datasets ``data`` and ``label``, always with four axes (N x C x H x W).

    The first forward begins the file anew; each further one adds its rows at the end (Caffe's layer can run only once
    per file). Nothing is written when the net is only built.

    Bottoms: two, of up to four axes, with equal first ones. ``hdf5_output_param { file_name }``: from the working
    directory.

    Errors: ParameterError without a name; FileError where it cannot be written; ShapeError when rows of
    another size are to be added.

    Example::

        layer {
          name: "save" type: "HDF5Output" bottom: "fc7" bottom: "label"
          hdf5_output_param { file_name: "features.h5" }
        }

    Source: Caffe's HDF5Output layer.
    """

    type: ClassVar[str] = "HDF5Output"
    param_field: ClassVar[str | None] = "hdf5_output_param"
    bottoms: ClassVar[Arity] = exactly(2)
    tops: ClassVar[Arity] = exactly(0)
    stateful: ClassVar[bool] = True

    _rows = 0

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if not self.param.file_name:
            self.fail("file_name must name the file to write", "file_name")
        self.context.confine(Path(self.param.file_name))

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        for blob in bottom:
            if not 1 <= blob.num_axes <= 4:
                self.fail_shape("HDF5Output writes blobs of 1 to 4 axes", blob)
        if bottom[0].num != bottom[1].num:
            self.fail_shape("the bottoms must have equal numbers of rows", *bottom)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        path = self.context.confine(Path(self.param.file_name))
        with named("write", path), writing_hdf5(path, "a" if self._rows else "w") as (file, _):
            for name, blob in zip(DATASETS, bottom, strict=True):
                self._append(file, name, _four_axes(blob))
        self._rows += bottom[0].num

    def run_state(self) -> dict[str, Any]:
        return super().run_state() | {"rows": self._rows}

    def restore_run_state(self, state: Mapping[str, Any]) -> None:
        """Go on behind the rows that were there; what came after them is overwritten."""
        super().restore_run_state(state)
        self._rows = state["rows"]

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        """Nothing comes back from a file."""
        for blob, wanted in zip(bottom, propagate_down, strict=True):
            if wanted:
                blob.diff[...] = 0

    def _append(self, file: Any, name: str, rows: Array) -> None:
        if name not in file:
            file.create_dataset(name, data=rows, maxshape=(None, *rows.shape[1:]))
            return
        dataset = file[name]
        if dataset.shape[1:] != rows.shape[1:]:
            rule = f"rows added to '{name}' of {self.param.file_name} must be {dataset.shape[1:]}"
            self.fail(rule, got=rows.shape[1:], error=ShapeError)
        if dataset.shape[0] < self._rows:
            rule = f"'{name}' of {self.param.file_name} must have the {self._rows} rows that were written before"
            self.fail(rule, got=dataset.shape[0], error=ShapeError)
        dataset.resize(self._rows + rows.shape[0], axis=0)
        dataset[self._rows :] = rows


def _four_axes(blob: Blob) -> Array:
    return blob.data.reshape(blob.num, blob.channels, blob.height, blob.width)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [HDF5Output]
