"""Update rules of the optimizers, over one parameter at a time.

w is the parameter; g holds its gradient on entry and the update that was applied (w -= g) on exit, as in Caffe.
The other arrays are the history, kept from step to step. All are of one shape, and none may be another.
"""

from __future__ import annotations

import numpy as np

from ..engine import Array, kernel
from .base import ReferenceBase


class Updates(ReferenceBase):
    """rate is the learning rate of this parameter: the policy's, times lr_mult."""

    @kernel
    def regularize(self, w: Array, g: Array, l1: float, l2: float) -> None:
        """g += l1 * sign(w) + l2 * w, with sign(0) = 0. Accumulates; a term with factor 0 is left out."""
        term = self.like("a", w)
        if l1 != 0:
            np.sign(w, out=term)
            np.multiply(term, l1, out=term)
            np.add(g, term, out=g)
        if l2 != 0:
            np.multiply(w, l2, out=term)
            np.add(g, term, out=g)

    @kernel
    def sgd_update(self, w: Array, g: Array, h: Array, rate: float, momentum: float) -> None:
        """h = momentum * h + rate * g; g = h; w -= g."""
        np.multiply(g, rate, out=g)
        np.multiply(h, momentum, out=h)
        np.add(h, g, out=h)
        np.copyto(g, h)
        np.subtract(w, g, out=w)

    @kernel
    def nesterov_update(self, w: Array, g: Array, h: Array, rate: float, momentum: float) -> None:
        """h' = momentum * h + rate * g; g = (1 + momentum) * h' - momentum * h; h = h'; w -= g."""
        before = self.like("a", h)
        np.multiply(h, momentum, out=before)
        np.multiply(g, rate, out=h)
        np.add(h, before, out=h)
        np.multiply(h, 1 + momentum, out=g)
        np.subtract(g, before, out=g)
        np.subtract(w, g, out=w)

    @kernel
    def adagrad_update(self, w: Array, g: Array, h: Array, rate: float, delta: float) -> None:
        """h += g^2; g = rate * g / (sqrt(h) + delta); w -= g."""
        root = self.like("a", h)
        np.multiply(g, g, out=root)
        np.add(h, root, out=h)
        self._step(w, g, g, h, rate, delta)

    @kernel
    def rmsprop_update(self, w: Array, g: Array, h: Array, rate: float, decay: float, delta: float) -> None:
        """h = decay * h + (1 - decay) * g^2; g = rate * g / (sqrt(h) + delta); w -= g."""
        self._decay_square(h, g, decay)
        self._step(w, g, g, h, rate, delta)

    @kernel
    def adadelta_update(
        self, w: Array, g: Array, h1: Array, h2: Array, rate: float, momentum: float, delta: float
    ) -> None:
        """h1 = momentum * h1 + (1 - momentum) * g^2; d = g * sqrt((h2 + delta) / (h1 + delta));
        h2 = momentum * h2 + (1 - momentum) * d^2; g = rate * d; w -= g."""
        self._decay_square(h1, g, momentum)
        ratio, below = self.like("a", w), self.like("b", w)
        np.add(h2, delta, out=ratio)
        np.add(h1, delta, out=below)
        np.divide(ratio, below, out=ratio)
        np.sqrt(ratio, out=ratio)
        np.multiply(g, ratio, out=g)
        self._decay_square(h2, g, momentum)
        np.multiply(g, rate, out=g)
        np.subtract(w, g, out=w)

    @kernel
    def adam_update(
        self, w: Array, g: Array, m: Array, v: Array, rate: float, beta1: float, beta2: float, delta: float
    ) -> None:
        """m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g^2; g = rate * m / (sqrt(v) + delta); w -= g.

        rate already holds the correction sqrt(1 - beta2^t) / (1 - beta1^t).
        """
        self._decay_square(v, g, beta2)
        np.multiply(m, beta1, out=m)
        np.multiply(g, 1 - beta1, out=g)
        np.add(m, g, out=m)
        self._step(w, g, m, v, rate, delta)

    def _decay_square(self, h: Array, g: Array, decay: float) -> None:
        """h = decay * h + (1 - decay) * g^2."""
        square = self.like("a", h)
        np.multiply(g, g, out=square)
        np.multiply(square, 1 - decay, out=square)
        np.multiply(h, decay, out=h)
        np.add(h, square, out=h)

    def _step(self, w: Array, g: Array, direction: Array, h: Array, rate: float, delta: float) -> None:
        """g = rate * direction / (sqrt(h) + delta); w -= g."""
        root = self.like("a", h)
        np.sqrt(h, out=root)
        np.add(root, delta, out=root)
        np.multiply(direction, rate, out=g)
        np.divide(g, root, out=g)
        np.subtract(w, g, out=w)
