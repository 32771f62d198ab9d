"""The base of the forks' BN layers, which normalise and scale in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...layers import Array, Blob, Blobs, LayerContext, NeuronLayer
from ...layers.views import around
from ..fork_layer import ForkLayer

if TYPE_CHECKING:
    from ...proto.caffe_pb2 import LayerParameter


class Normalization(ForkLayer, NeuronLayer):
    """``y = scale[c] · z + shift[c]`` with z a normalised x; the first two learned blobs are scale and shift.

    Attributes: ``mean`` and ``var``, C numbers each; ``normal``, z and its gradient; ``view``, N × C × the rest.
    """

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        super().__init__(config, context)
        self.mean, self.var = Blob(dtype=self.dtype), Blob(dtype=self.dtype)
        self.normal = Blob(dtype=self.dtype, name=f"{self.name} normalized")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if bottom[0].num_axes < 2:
            self.fail_shape("the bottom must have at least two axes (number, channels)", bottom[0])

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        if bottom[0].shape[1] != self.blobs[0].count:
            self.fail_shape(f"the bottom must keep its {self.blobs[0].count} channels", bottom[0])
        self.view = around(bottom[0].shape, 1)
        self.mean.reshape(self.view[1])
        self.var.reshape(self.view[1])
        self.normal.reshape(self.view)

    def scale_and_shift(self, top: Blobs) -> None:
        """The top from z."""
        scale, shift = (blob.data.reshape(-1) for blob in self.blobs[:2])
        self.engine.scale_forward(self.normal.data, scale, shift, top[0].data.reshape(self.view))

    def learned_gradients(self, top: Blobs) -> None:
        """Those of scale and shift, where they are wanted."""
        dy = top[0].diff.reshape(self.view)
        if self.param_propagate_down[0]:
            self.engine.scale_backward_scale(self.normal.data, dy, self.blobs[0].diff.reshape(-1))
        if self.param_propagate_down[1]:
            self.engine.bias_backward(dy, self.blobs[1].diff.reshape(-1))

    def normal_gradient(self, top: Blobs) -> Array:
        """That of z."""
        dz = self.normal.diff
        self.engine.scale_backward_data(top[0].diff.reshape(self.view), self.blobs[0].data.reshape(-1), dz)
        return dz
