"""Gradient memory: in training, gradients of blobs that are never needed at the same time lie in the same place.

A backward pass goes through the steps once, from the last to the first. The gradient of a blob is made by the step that
reads the blob and used up by the step that made the blob: before and after, its memory is free for others.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..layers import Blob
from .inference.memory import Life, arrange
from .step import Step

Gradients = list[Blob]
"""One blob of each memory that shares its place."""


def share_gradients(steps: Sequence[Step]) -> Gradients:
    """Place the gradients of blobs of *steps*; what they hold is lost. Returns whose they are, for ``separate``."""
    lives = gradient_lives(steps)
    memory = arrange(lives)
    for life in lives:
        life.blob.place_diff(memory[life.offset : life.offset + life.size].view(life.blob.dtype), keep=False)
    return [life.blob for life in lives]


def separate(gradients: Gradients) -> None:
    """Give each of *gradients* memory of its own again, zero until the next backward pass."""
    for blob in gradients:
        blob.place_diff(None)


def gradient_lives(steps: Sequence[Step]) -> list[Life]:
    """How long each gradient is needed, in numbers of steps, for those that may share.

    That is where the first step of a backward pass that touches it overwrites it: not a gradient that nobody makes,
    which stays 0, nor a loss's, which forward makes. Layers that are not Cortado's own may look at what they like.
    """
    lives: dict[int, Life] = {}
    made: dict[int, bool] = {}
    kept: set[int] = set()
    for index, step in enumerate(steps):
        bottoms = {b.diff_key: b for b, wanted in zip(step.bottom, step.propagate_down, strict=True) if wanted}
        tops = {b.diff_key: b for b in step.top}
        kept |= {blob.diff_key for blob, _ in step.losses}
        if _is_foreign(step):
            kept |= {blob.diff_key for blob in (*step.bottom, *step.top)}
        if not step.runs_backward:
            continue
        for key, blob in {**tops, **bottoms}.items():
            life = lives.setdefault(key, Life(blob, index, index))
            life.last = index
            made[key] = key in bottoms and key not in tops
            life.take(blob)
    return [life for key, life in lives.items() if made[key] and key not in kept and life.size]


def _is_foreign(step: Step) -> bool:
    return step.layer.type == "Python" or not type(step.layer).__module__.startswith("cortado.")
