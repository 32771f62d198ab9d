"""pycaffe's Net."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import NetError
from ..layers import Array, Blob, Layer, Phase
from ..netdef import Net as _Net
from .mode import settings

TRAIN = Phase.TRAIN
TEST = Phase.TEST


class Net:
    """``Net(network_file, phase, level=0, stages=None, weights=None)``, or the old ``Net(file, weights, phase)``.

    See ``cortado.Net`` for what the parts mean.
    """

    def __init__(
        self,
        network_file: str,
        *args: Any,
        phase: int | None = None,
        level: int = 0,
        stages: Sequence[str] | None = None,
        weights: str | None = None,
    ) -> None:
        given = list(args)
        if given and isinstance(given[0], (str, Path)):
            weights = str(given.pop(0))
        if given:
            phase = given.pop(0)
        if given:
            level = given.pop(0)
        if given:
            stages = given.pop(0)
        if given:
            weights = given.pop(0)
        if phase is None:
            raise TypeError("Net() needs a phase, caffe.TRAIN or caffe.TEST")
        self._adopt(
            _Net(
                network_file,
                Phase(phase),
                level=level,
                stages=tuple(stages or ()),
                weights=weights,
                seed=settings.seed,
                allow_python_layers=settings.python_layers,
            )
        )

    @classmethod
    def of(cls, net: _Net) -> Net:
        """The pycaffe face of an existing net."""
        face = cls.__new__(cls)
        face._adopt(net)
        return face

    def _adopt(self, net: _Net) -> None:
        self.net = net
        self.blobs: OrderedDict[str, Blob] = OrderedDict(net.blobs)
        self.params: OrderedDict[str, list[Blob]] = OrderedDict(net.params)

    # -- what the net has ---------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self.net.name

    @property
    def inputs(self) -> list[str]:
        return list(self.net.inputs)

    @property
    def outputs(self) -> list[str]:
        return list(self.net.outputs)

    @property
    def layers(self) -> list[Layer]:
        return list(self.net.layers)

    @property
    def layer_dict(self) -> OrderedDict[str, Layer]:
        return OrderedDict(zip(self.net.layer_names, self.net.layers, strict=True))

    @property
    def _layer_names(self) -> list[str]:
        return list(self.net.layer_names)

    @property
    def _blob_names(self) -> list[str]:
        return list(self.net.blobs)

    @property
    def _blobs(self) -> list[Blob]:
        return list(self.net.blobs.values())

    @property
    def _inputs(self) -> list[int]:
        return [self._blob_names.index(name) for name in self.net.inputs]

    @property
    def _outputs(self) -> list[int]:
        return [self._blob_names.index(name) for name in self.net.outputs]

    @property
    def top_names(self) -> OrderedDict[str, list[str]]:
        return self._names_of("top")

    @property
    def bottom_names(self) -> OrderedDict[str, list[str]]:
        return self._names_of("bottom")

    def _names_of(self, side: str) -> OrderedDict[str, list[str]]:
        names = {id(blob): name for name, blob in self.net.blobs.items()}
        rows = ((s.layer.name, [names.get(id(b), b.name) for b in getattr(s, side)]) for s in self.net.steps)
        return OrderedDict(rows)

    def _top_ids(self, layer: int) -> list[int]:
        return [self._index_of(blob) for blob in self.net.steps[layer].top]

    def _bottom_ids(self, layer: int) -> list[int]:
        return [self._index_of(blob) for blob in self.net.steps[layer].bottom]

    def _index_of(self, blob: Blob) -> int:
        return self._blob_names.index(blob.name)

    @property
    def blob_loss_weights(self) -> OrderedDict[str, float]:
        weights = {id(blob): weight for step in self.net.steps for blob, weight in step.losses}
        return OrderedDict((name, weights.get(id(blob), 0.0)) for name, blob in self.net.blobs.items())

    # -- running ------------------------------------------------------------------------------------------------

    def forward(
        self,
        blobs: Iterable[str] | None = None,
        start: str | None = None,
        end: str | None = None,
        **kwargs: npt.ArrayLike,
    ) -> dict[str, Array]:
        """Set the input blobs named by keyword, run from layer *start* to *end*, and return the outputs by name,
        with those of *blobs*. As in pycaffe the arrays are views, valid until the next forward."""
        first = self.net.layer_index(start) if start is not None else 0
        last = self.net.layer_index(end) if end is not None else None
        outputs = set(self.top_names[end]) if end is not None else set(self.net.outputs)
        outputs |= set(blobs or ())
        self._fill(kwargs, self.net.inputs, "data", "inputs")
        self.net.forward(first, last)
        return {name: self.net.blob(name).data for name in sorted(outputs)}

    def _forward_named(self, blobs: Iterable[str] | None, inputs: dict[str, Array]) -> dict[str, Array]:
        self._fill(inputs, self.net.inputs, "data", "inputs")
        return self.forward(blobs)

    def _backward_named(self, diffs: Iterable[str] | None, tops: dict[str, Array]) -> dict[str, Array]:
        self._fill(tops, self.net.outputs, "diff", "top diffs")
        return self.backward(diffs)

    def backward(
        self,
        diffs: Iterable[str] | None = None,
        start: str | None = None,
        end: str | None = None,
        **kwargs: npt.ArrayLike,
    ) -> dict[str, Array]:
        """Set the diffs of output blobs named by keyword, run from layer *start* back to *end*, and return the diffs of
        the inputs by name, with those of *diffs*."""
        first = self.net.layer_index(start) if start is not None else None
        last = self.net.layer_index(end) if end is not None else 0
        names = set(self.bottom_names[end]) if end is not None else set(self.net.inputs)
        names |= set(diffs or ())
        given = set(self.top_names[start]) if start is not None else set(self.net.outputs)
        self._fill(kwargs, sorted(given), "diff", "top diffs")
        self.net.backward(first, last)
        return {name: self.net.blob(name).diff for name in sorted(names)}

    def _fill(self, values: Mapping[str, npt.ArrayLike], allowed: Sequence[str], part: str, noun: str) -> None:
        if not set(values) <= set(allowed):
            raise NetError(f"{noun} must be among {sorted(allowed)}", got=str(sorted(values)))
        if values and part == "data" and set(values) != set(allowed):
            raise NetError(f"all {noun} must be given, or none", got=f"{sorted(values)} of {sorted(allowed)}")
        for name, value in values.items():
            blob, array = self.net.blob(name), np.asarray(value)
            if array.shape[:1] != blob.shape[:1]:
                raise NetError(f"the batch of '{name}' is {blob.shape[0]}", got=f"an array of shape {array.shape}")
            getattr(blob, part)[...] = array

    def _forward(self, start: int, end: int) -> float:
        return self.net.forward(start, end)

    def _backward(self, start: int, end: int) -> None:
        self.net.backward(start, end)

    def forward_all(self, blobs: Iterable[str] | None = None, **kwargs: npt.ArrayLike) -> dict[str, Array]:
        """Forward any number of records, batch by batch; the last batch is filled up with zeros and cut again."""
        parts: dict[str, list[Array]] = {}
        for batch in self._batch({name: np.asarray(value) for name, value in kwargs.items()}):
            for name, value in self._forward_named(blobs, batch).items():
                parts.setdefault(name, []).append(value.copy())
        count = len(np.asarray(next(iter(kwargs.values()))))
        return {name: np.concatenate(values)[:count] for name, values in parts.items()}

    def forward_backward_all(
        self, blobs: Iterable[str] | None = None, diffs: Iterable[str] | None = None, **kwargs: npt.ArrayLike
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """``forward_all`` with a backward after each batch; keywords name inputs and output diffs."""
        outputs: dict[str, list[Array]] = {}
        gradients: dict[str, list[Array]] = {}
        forward = {k: np.asarray(v) for k, v in kwargs.items() if k in self.net.inputs}
        backward = {k: np.asarray(v) for k, v in kwargs.items() if k in self.net.outputs}
        pairs: Iterable[tuple[Any, Any]] = zip_longest(self._batch(forward), self._batch(backward), fillvalue={})
        for batch, tops in pairs:
            for name, value in self._forward_named(blobs, batch).items():
                outputs.setdefault(name, []).append(value.copy())
            for name, value in self._backward_named(diffs, tops).items():
                gradients.setdefault(name, []).append(value.copy())
        count = len(next(iter(forward.values())))
        return (
            {name: np.concatenate(values)[:count] for name, values in outputs.items()},
            {name: np.concatenate(values)[:count] for name, values in gradients.items()},
        )

    def _batch(self, values: dict[str, Array]) -> Iterable[dict[str, Array]]:
        if not values:
            return
        size = self.net.blobs[next(iter(values))].shape[0]
        for begin in range(0, len(next(iter(values.values()))), size):
            piece = {name: value[begin : begin + size] for name, value in values.items()}
            yield {name: _padded(value, size) for name, value in piece.items()}

    # -- changing -----------------------------------------------------------------------------------------------

    def reshape(self) -> None:
        self.net.reshape()

    def clear_param_diffs(self) -> None:
        self.net.clear_param_diffs()

    def copy_from(self, weights: str) -> None:
        """Load a weight file; layers that it leaves out are told in a warning of the logger "cortado"."""
        report = self.net.load(weights)
        if report.notable:
            logging.getLogger("cortado").warning("%s", report)

    def share_with(self, other: Net) -> None:
        self.net.share_params_with(other.net)

    def save(self, path: str) -> None:
        from ..netdef.weight_files import save_binary

        save_binary(self.net, path, with_diff=False)

    def save_hdf5(self, path: str, write_diff: bool = False) -> None:
        from ..netdef.weight_files import save_hdf5

        save_hdf5(self.net, path, with_diff=write_diff)

    def load_hdf5(self, path: str) -> None:
        self.copy_from(path)

    def before_forward(self, callback: Callable[[int], None]) -> None:
        self.net.before_forward.append(callback)

    def after_forward(self, callback: Callable[[int], None]) -> None:
        self.net.after_forward.append(callback)

    def before_backward(self, callback: Callable[[int], None]) -> None:
        self.net.before_backward.append(callback)

    def after_backward(self, callback: Callable[[int], None]) -> None:
        self.net.after_backward.append(callback)

    def set_input_arrays(self, data: npt.ArrayLike, labels: npt.ArrayLike) -> None:
        """Give the net's first MemoryData layer its records."""
        layer: Any = next((one for one in self.net.layers if one.type == "MemoryData"), None)
        if layer is None:
            raise NetError(f"set_input_arrays() needs a MemoryData layer, net '{self.net.name}' has none")
        layer.reset(np.asarray(data), np.asarray(labels))

    _set_input_arrays = set_input_arrays


def _padded(array: Array, size: int) -> Array:
    missing = size - len(array)
    return np.concatenate([array, np.zeros((missing, *array.shape[1:]), array.dtype)]) if missing else array
