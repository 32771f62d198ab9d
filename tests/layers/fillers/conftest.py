"""A filler from the text of its block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cortado.layers import Array, Filler
from cortado.plugins import plugin_manager
from cortado.proto import Schema, parse_text

Fill = Callable[..., Array]


@pytest.fixture
def filler() -> Callable[[str], Filler]:
    def make(text: str) -> Filler:
        param: Any = parse_text(text, Schema.stock().message("FillerParameter"), "filler").message
        made: Filler = plugin_manager().get("fillers", param.type).item(param)
        return made

    return make


@pytest.fixture
def fill(filler: Callable[[str], Filler]) -> Fill:
    def run(text: str, shape: tuple[int, ...], dtype: type = np.float32, seed: int = 0) -> Array:
        made = filler(text)
        made.check(shape)
        array = np.full(shape, np.nan, dtype)
        made.fill(array, np.random.default_rng(seed))
        return array

    return run
