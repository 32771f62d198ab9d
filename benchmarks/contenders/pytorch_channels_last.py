"""PyTorch in eager mode with its channels-last memory format."""

from __future__ import annotations

from collections.abc import Callable

from . import pytorch


def make(model: str, mode: str, threads: int) -> tuple[Callable[[], None], str]:
    return pytorch.make(model, mode, threads, "channels_last")
