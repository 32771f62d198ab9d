"""The base of element-wise layers whose backward needs the input: they keep a copy of it where they run in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .blob import Array, Blob
from .context import LayerContext
from .layer import Blobs
from .neuron import NeuronLayer

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import LayerParameter


class KeepingLayer(NeuronLayer):
    """One bottom of any shape, one top of the same; in place allowed, at the price of a copy of the bottom: unless the
    layer before keeps the same values for itself (``Layer.kept_output``), and the net has it lend them.

    A forward calls ``keep`` before it writes; a backward asks ``kept`` for the input of that forward. Nothing is kept
    while ``runs_backward`` is false, which is for a net that never runs this layer backward.
    """

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        super().__init__(config, context)
        self._kept = Blob(dtype=self.dtype, name=f"{self.name} input")
        self._lent: Blob | None = None

    def lend(self, blob: Blob | None) -> None:
        """Take *blob* for the input of the forwards to come: it has the same values and keeps them. None: copy."""
        self._lent = blob

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self._kept.reshape_like(bottom[0])

    def keep(self, bottom: Blobs, top: Blobs, *, always: bool = False) -> Array:
        """The input, kept for the backward pass; *always* for a kernel that cannot write where it reads."""
        if top[0] is bottom[0] and (self.runs_backward or always):
            if self._lent is not None and not always:
                return bottom[0].data
            self.engine.copy(bottom[0].data, self._kept.data)
            return self._kept.data
        return bottom[0].data

    def kept(self, bottom: Blobs, top: Blobs) -> Array:
        """The input of the latest forward."""
        if top[0] is not bottom[0]:
            return bottom[0].data
        return (self._kept if self._lent is None else self._lent).data
