"""InfogainLoss: a classifier's loss in which some mistakes cost more than others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ..errors import FormatError
from ..plugins import hookimpl
from ..proto import read_bytes
from .arity import Arity, between
from .blob import Array, Blob
from .labels import LabelCheck, class_index
from .layer import Blobs, Layer
from .loss import LossLayer, Normalizer
from .views import around

SMALLEST = 1e-20


class InfogainLoss(LossLayer):
    """The softmax loss, weighted by a matrix H: ``H[l, c]`` is what class c counts where l is true. With H = 1 on the
    diagonal and 0 elsewhere it is SoftmaxWithLoss.

    Forward, with p the softmax of the scores x along one axis and l the label of each position:
    ``loss = -1/n · sum over positions and c of H[l, c] · log(max(p_c, 1e-20))``.
    Backward ``dx_c = weight / n · (p_c · sum_k H[l, k] - H[l, c])``, and 0 where the label is ignored.

    Bottoms: the scores, any shape that has the axis; the labels, one per position, from 0 to classes - 1; and, unless a
    file has it, H of classes × classes numbers. Only the scores get a gradient. Tops: the loss, without axes;
    optionally the probabilities, shaped as the scores, which pass no gradient.
    Parameters: ``infogain_loss_param``: ``source``, a binary BlobProto with H (required without a third bottom),
    ``axis`` (1); ``loss_param``: ``ignore_label`` (none); ``normalization`` (VALID; FULL: all positions, VALID: those
    not ignored, BATCH_SIZE: items, NONE: 1), the divisor, never below 1; the old ``normalize``: true means VALID,
    false BATCH_SIZE.
    Errors: ParameterError without H; FileError, FormatError for its file; ShapeError where sizes do not fit; DataError
    for a label out of range, with its place.

    Example::

        layer {
          name: "loss" type: "InfogainLoss" bottom: "scores" bottom: "label"
          infogain_loss_param { source: "costs.binaryproto" }
        }

    Source: Caffe's InfogainLoss layer.
    """

    type: ClassVar[str] = "InfogainLoss"
    param_field: ClassVar[str | None] = "infogain_loss_param"
    bottoms: ClassVar[Arity] = between(2, 3)
    tops: ClassVar[Arity] = between(1, 2)
    no_gradient_to: ClassVar[tuple[int, ...]] = (1, 2)
    matrix: Array | None = None

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._prepare(bottom, top)
        if self.param.source and len(bottom) < 3:
            self.matrix = self._read()

    def infer_shapes(self, bottom: Blobs, top: Blobs) -> bool:
        self._prepare(bottom, top)
        self.reshape(bottom, top)
        return True

    def _prepare(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        if len(bottom) < 3 and not self.param.source:
            self.fail("the matrix H must be given, as source or as a third bottom")
        self.normalizer = Normalizer.of(self.config)
        self.probability = Blob((0,), self.dtype, f"{self.name} probabilities")
        self.terms = Blob((0,), self.dtype, f"{self.name} terms")
        self.rows = Blob((0,), self.dtype, f"{self.name} rows of H")
        self.check_labels = LabelCheck(self)

    def _read(self) -> Array:
        path = self.context.resolve(self.param.source)
        message = self.context.plugins.schema().message("BlobProto")()
        try:
            message.ParseFromString(read_bytes(path))
        except Exception as error:
            if type(error).__name__ != "DecodeError":
                raise
            where = self.context.position(self.param_field, "source")
            raise FormatError("source must be a binary BlobProto", where=where, who=self.who, got=str(path)) from None
        return np.array(message.data or message.double_data, self.dtype)  # type: ignore[attr-defined]

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        outer, classes, inner = around(bottom[0].shape, self.axis(bottom[0], self.param.axis, "axis"))
        if bottom[1].count != outer * inner:
            self.fail_shape(f"there must be one label for each of {outer * inner} positions", bottom[1], bottom[0])
        count = bottom[2].count if len(bottom) > 2 else classes**2 if self.matrix is None else self.matrix.size
        if count != classes**2:
            rule = f"H must have {classes} x {classes} elements, one for each pair of classes"
            self.fail(rule, "source", got=count) if len(bottom) < 3 else self.fail_shape(rule, bottom[2])
        self.view, self.label_view = (outer, classes, inner), (outer, inner)
        self.probability.reshape_like(bottom[0])
        self.terms.reshape(self.view)
        self.rows.reshape((outer, inner, classes))
        if len(top) > 1:
            top[1].reshape_like(bottom[0])
            top[1].share_data(self.probability)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        ignore = self.normalizer.ignore_label
        self.check_labels(bottom[1], self.view[1], ignore)
        xp, prob = self.engine.xp, self.probability.data.reshape(self.view)
        self.engine.softmax_forward(bottom[0].data.reshape(self.view), prob)
        rows, valid = self._rows(bottom)
        terms = self.terms.data
        xp.maximum(prob, SMALLEST, out=terms)
        xp.log(terms, out=terms)
        xp.multiply(terms, rows, out=terms)
        self.divisor = self.normalizer(self.view[0], valid.size, int(valid.sum()))
        top[0].data[...] = -float(terms.sum(axis=1, dtype="float64")[valid].sum()) / self.divisor

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.refuse_gradients(propagate_down)
        if not propagate_down[0]:
            return
        xp, prob = self.engine.xp, self.probability.data.reshape(self.view)
        rows, valid = self._rows(bottom)
        dx = bottom[0].diff.reshape(self.view)
        xp.multiply(prob, rows.sum(axis=1, keepdims=True), out=dx)
        xp.subtract(dx, rows, out=dx)
        xp.multiply(dx, valid[:, None], out=dx)
        self.engine.scale_by(float(top[0].diff) / self.divisor, dx, dx)

    def _rows(self, bottom: Blobs) -> tuple[Array, Array]:
        """The row of H for each position, [outer, classes, inner], and which positions count, [outer, inner]."""
        xp, classes = self.engine.xp, self.view[1]
        matrix = xp.reshape(bottom[2].data if len(bottom) > 2 else self.matrix, (classes, classes))
        index = class_index(bottom[1].data.reshape(self.label_view))
        valid = xp.ones(index.shape, np.bool_)
        if self.normalizer.ignore_label is not None:
            valid = index != self.normalizer.ignore_label
            xp.multiply(index, valid, out=index)
        xp.take(matrix, index, axis=0, out=self.rows.data, mode="clip")
        return xp.moveaxis(self.rows.data, -1, 1), valid


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [InfogainLoss]
