"""InnerProduct: the fully connected layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..plugins import hookimpl
from .layer import Blobs, Layer, product


class InnerProduct(Layer):
    """Multiplies each item by a matrix and adds a vector: every output is connected to every input.

    Everything from ``axis`` on counts as one item x of K numbers, everything before it as the batch.

    Forward ``y = W x + b``. Backward ``dx = Wᵀ dy``, ``dW += dy xᵀ``, ``db += dy``, summed over the batch.

    Bottom: any shape that has the axis. Top: the sizes before the axis, then num_output. Learned blobs: W, num_output
    × K (K × num_output with ``transpose``), then b, num_output. Parameters, ``inner_product_param``: ``num_output``
    (required); ``bias_term`` (true); ``weight_filler`` and ``bias_filler`` (constant 0: give the weights one, or they
    stay alike); ``axis`` (1); ``transpose`` (false). Errors: ParameterError without num_output; ShapeError when K
    changes later.

    Example::

        layer {
          name: "ip1" type: "InnerProduct" bottom: "pool2" top: "ip1"
          inner_product_param { num_output: 500 weight_filler { type: "xavier" } }
        }

    Source: Caffe's InnerProduct layer.
    """

    type: ClassVar[str] = "InnerProduct"
    param_field: ClassVar[str | None] = "inner_product_param"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if self.param.num_output < 1:
            self.fail("num_output must be at least 1", "num_output", got=self.param.num_output)
        self.num_output: int = self.param.num_output
        self.transposed: bool = self.param.transpose
        first = self.axis(bottom[0], self.param.axis, "axis")
        self.inputs = product(bottom[0].shape[first:])
        sizes = (self.inputs, self.num_output) if self.transposed else (self.num_output, self.inputs)
        self.add_param(sizes, self.param.weight_filler if self.param.HasField("weight_filler") else None)
        if self.param.bias_term:
            filler = self.param.bias_filler if self.param.HasField("bias_filler") else None
            self.add_param((self.num_output,), filler)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        first = self.axis(bottom[0], self.param.axis, "axis")
        if product(bottom[0].shape[first:]) != self.inputs:
            rule = f"the weights need {self.inputs} inputs per item, counted from axis {first} on"
            self.fail_shape(rule, bottom[0], hint="the shape may change only before that axis")
        self.items = product(bottom[0].shape[:first])
        top[0].reshape((*bottom[0].shape[:first], self.num_output))

    def repeats(self) -> bool:
        return True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = bottom[0].data.reshape(self.items, self.inputs), top[0].data.reshape(self.items, self.num_output)
        bias = self.blobs[1].data if len(self.blobs) > 1 else None
        self.engine.inner_product_forward(x, self.blobs[0].data, bias, y, self.transposed)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        dy = top[0].diff.reshape(self.items, self.num_output)
        weights, bias = self.param_propagate_down[0], len(self.blobs) > 1 and self.param_propagate_down[1]
        if weights or bias:
            x = bottom[0].data.reshape(self.items, self.inputs)
            dw, db = self.blobs[0].diff if weights else None, self.blobs[1].diff if bias else None
            self.engine.inner_product_backward_weights(x, dy, dw, db, self.transposed)
        if propagate_down[0]:
            dx = bottom[0].diff.reshape(self.items, self.inputs)
            self.engine.inner_product_backward_data(dy, self.blobs[0].data, dx, self.transposed)


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [InnerProduct]
