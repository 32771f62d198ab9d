"""The Python layer of the conformance tests: it may run in place, since backward looks at the top alone."""

from __future__ import annotations

from typing import Any

import numpy as np


class Sigmoid:
    def setup(self, bottom: Any, top: Any) -> None:
        pass

    def reshape(self, bottom: Any, top: Any) -> None:
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom: Any, top: Any) -> None:
        top[0].data[...] = 1 / (1 + np.exp(-bottom[0].data))

    def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
        if propagate_down[0]:
            bottom[0].diff[...] = top[0].diff * top[0].data * (1 - top[0].data)
