"""Shapes: told without data, followed when they change, and right for a batch of nothing."""

from __future__ import annotations

import warnings

import numpy as np

from ...errors import CortadoError
from ...layers import Blob
from ..cases import Subject, fill_params, top_diffs
from .check import ConformanceError, NotApplicable, compare, compare_all, require


def shapes(subject: Subject) -> None:
    """``infer_shapes`` tells the shapes that a forward makes, and takes no memory for any blob."""
    run = subject.make()
    told = [blob.shape for blob in run.top]
    layer = type(run.layer)(run.layer.config, run.layer.context)
    bottom = [Blob(x.shape, layer.dtype, blob.name) for x, blob in zip(subject.inputs, run.bottom, strict=True)]
    top = [bottom[run.bottom.index(b)] if b in run.bottom else Blob((0,), layer.dtype, b.name) for b in run.top]
    known = layer.infer_shapes(bottom, top)
    if known:
        inferred = [blob.shape for blob in top]
        require(inferred == told, f"infer_shapes() says {inferred}, reshape() {told}")
        touched = [blob.name for blob in (*bottom, *top, *layer.blobs) if blob._data.flat is not None]
        require(not touched, f"infer_shapes() must not touch data; it used that of {', '.join(touched)}")
    run.forward()
    made = [blob.shape for blob in run.top]
    require(made == told, f"reshape() says {told}, and forward() makes {made}")
    if not known:
        raise NotApplicable("the shapes are known only from the data")


def reshape(subject: Subject) -> None:
    """A layer whose bottoms change their shape computes what a fresh one does, also back in the first shape."""
    run, other = subject.make(), subject.reshaped()
    if not subject.inputs:
        raise NotApplicable("no bottoms")
    first = subject.results(run, *subject.inputs)
    try:
        second = subject.results(run, *other)
    except CortadoError as error:
        raise NotApplicable(f"other shapes are refused: {error}") from None
    fresh = subject.make(inputs=other)
    expected = subject.results(fresh, *other)
    again = subject.results(run, *subject.inputs)
    if run.layer.stateful:
        first, again, second, expected = ([a[:0] for a in row] for row in (first, again, second, expected))
    compare_all("after a change of shape, result {} differs from a fresh layer's", second, expected)
    compare_all("back in the first shape, result {} differs from before", again, first)


def empty_batch(subject: Subject) -> None:
    """A batch of no images gives tops of no images, or a clear error; never NaN, a warning, or a crash."""
    empty = [x[:0] if x.ndim else x for x in subject.inputs]
    if not empty:
        raise NotApplicable("no bottoms")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            run = subject.plain(inputs=empty)
            fill_params(run.layer)
            tops = run.forward()
        except CortadoError as error:
            raise NotApplicable(f"refused: {error}") from None
        except Warning as warning:
            raise ConformanceError(f"an empty batch brings a warning: {warning}") from warning
        if subject.has_backward:
            run.backward(*top_diffs(run), propagate_down=subject.differentiable())
    for index, top in enumerate(tops):
        require(not np.isnan(top).any(), f"an empty batch makes NaN in top {index}")
    for index, blob in enumerate(run.layer.blobs):
        if index not in run.layer.frozen:
            compare(f"an empty batch gives learned blob {index} a gradient", blob.diff, 0 * blob.diff)
