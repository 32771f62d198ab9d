"""AutodiffLayer: a layer that gives only its forward; the backward is derived from it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from importlib import import_module
from typing import Any

from ..engines import get_engine
from ..errors import CortadoError, MissingExtraError, PluginError
from .blob import Array, Blob
from .layer import Blobs, Layer
from .tracing import Traced, TracedBlob

Forward = Callable[[Any, Blobs, Blobs], None]


class AutodiffLayer(Layer):
    """Base of layers without a backward of their own: it is derived by automatic differentiation of ``forward``.

    ``forward`` must be NumPy code on ``bottom[i].data``, ``top[i].data`` and ``self.blobs[i].data``: functions,
    operators and methods of NumPy, assignments to all or parts of an array, and draws from ``self.rng`` are followed;
    conversion to other kinds of arrays or to plain numbers is not. Where it branches, the branch that is taken counts.

    The backward runs the forward once more and needs the package autograd (the extra ``autodiff``). It costs several
    times a backward written by hand, so it is for trying a layer out, and as the truth to test one against. Such a
    layer cannot run in place, since its inputs must still be there, nor keep state from one forward to the next.

    Errors: MissingExtraError when a gradient is wanted and autograd is not there; PluginError for code that cannot be
    followed, with the reason.

    Example::

        class Softsign(cortado.AutodiffLayer):
            type = "Softsign"

            def reshape(self, bottom, top):
                top[0].reshape_like(bottom[0])

            def forward(self, bottom, top):
                x = bottom[0].data
                top[0].data[...] = x / (1 + abs(x))
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, why in (("in_place", "its inputs must still be there"), ("stateful", "its forward is run again")):
            if getattr(cls, name):
                raise PluginError(f"an AutodiffLayer cannot be declared {name}: {why}", who=f"class {cls.__qualname__}")
        if "forward" in cls.__dict__:
            cls.forward = _remembering_draws(cls.forward)  # type: ignore[method-assign, assignment]

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        blobs = [blob for blob, wanted in zip(bottom, propagate_down, strict=True) if wanted]
        learned = [blob for blob, wanted in zip(self.blobs, self.param_propagate_down, strict=True) if wanted]
        if not blobs and not learned:
            return
        gradients = self._gradients([*blobs, *learned], bottom, top)
        for blob, gradient in zip(blobs, gradients, strict=False):
            blob.diff[...] = gradient
        for blob, gradient in zip(learned, gradients[len(blobs) :], strict=True):
            blob.diff[...] += gradient

    def _gradients(self, wanted: list[Blob], bottom: Blobs, top: Blobs) -> list[Array]:
        """The gradient of the sum of diff · data over all tops, for each of *wanted*."""
        try:
            grad = import_module("autograd").grad
        except ImportError:
            raise MissingExtraError.for_package("autograd", "autodiff", f"the backward of {self.who}") from None

        def weighted_sum(values: Any) -> Any:
            boxes = {id(blob): values[index] for index, blob in enumerate(wanted)}
            tops = [TracedBlob(blob, self.engine.zeros(blob.shape, blob.dtype)) for blob in top]
            with self._standing_in([TracedBlob(blob, boxes.get(id(blob), blob.data)) for blob in self.blobs]):
                type(self).forward(self, [TracedBlob(b, boxes.get(id(b), b.data)) for b in bottom], tops)  # type: ignore[misc, arg-type]
            total = sum((made.data * blob.diff).sum() for made, blob in zip(tops, top, strict=True))
            return total.value if isinstance(total, Traced) else 0.0 * values[0].sum()

        try:
            result: list[Array] = list(grad(weighted_sum)(tuple(blob.data for blob in wanted)))
        except CortadoError:
            raise
        except Exception as error:
            raise PluginError(
                f"the backward cannot be derived: {type(error).__name__}: {error}",
                where=self.context.position(),
                who=self.who,
                hint="forward must be NumPy code on the data of its blobs; else write backward() by hand",
            ) from error
        return result

    @contextmanager
    def _standing_in(self, blobs: list[Any]) -> Iterator[None]:
        """Within the block the learned blobs are *blobs*, and the random stream and the engine those of a rerun."""
        before = self.blobs, self.engine, self._rng
        self.blobs, self.engine = blobs, get_engine("reference")
        self._rng = copy.deepcopy(getattr(self, "_draws", None))
        try:
            yield
        finally:
            self.blobs, self.engine, self._rng = before


def _remembering_draws(forward: Forward) -> Forward:
    """*forward*, which keeps the random stream as it was before it, so that it can be run again with the same draws."""

    @wraps(forward)
    def run(self: Any, bottom: Blobs, top: Blobs) -> None:
        if self.stochastic and not isinstance(top[0] if top else None, TracedBlob):
            self._draws = copy.deepcopy(self.rng)
        forward(self, bottom, top)

    return run
