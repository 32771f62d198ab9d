"""Fixtures of the netdef tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cortado.netdef import Net
from cortado.plugins import plugin_manager
from cortado.proto import Document, parse_net


@pytest.fixture
def parse() -> Callable[[str], Document[Any]]:
    """Parse net text as a file called ``net.prototxt``."""
    return lambda text: parse_net(text, "net.prototxt", plugin_manager().schema())


@pytest.fixture
def make(parse: Callable[[str], Document[Any]]) -> Callable[..., Net]:
    """Make a Net from text: ``make(text, phase, **options)``."""
    return lambda text, *args, **options: Net(parse(text), *args, **{"seed": 1, "engine": "reference", **options})


INPUT = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }\n'


@pytest.fixture
def head() -> str:
    """An Input layer with the top x of shape 2 x 3."""
    return INPUT
