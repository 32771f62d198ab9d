"""Buckets: gradients that lie side by side in memory, so that many are reduced as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy.typing as npt

from ...layers import Array
from ...netdef.net import Net
from ...netdef.sharing import Parameter
from .base import zeros

MEGABYTE = 2**20
Arrays = Callable[[Sequence[int], npt.DTypeLike], list[Array]]


@dataclass
class Bucket:
    """Neighbouring *parameters*, whose gradients are parts of the one array *flat*; they are complete when backward
    has passed step *ready* of the net. ``flat`` has *used* numbers, and zeros behind them up to a multiple of the
    number of ranks."""

    parameters: list[Parameter]
    ready: int
    flat: Array
    used: int

    def place(self) -> None:
        """Let the gradients be in ``flat``, with what they have in them."""
        at = 0
        for parameter in self.parameters:
            parameter.blob.place_diff(self.flat[at : at + parameter.blob.count])
            at += parameter.blob.count

    @property
    def label(self) -> str:
        """From which parameter to which: ``ip2[1] … conv1[0]``."""
        first, last = self.parameters[0].label, self.parameters[-1].label
        return first if first == last else f"{first} … {last}"


def make_buckets(net: Net, megabytes: float, ranks: int = 1, arrays: Arrays = zeros) -> list[Bucket]:
    """Move the gradients of all parameters of *net* that get one into buckets of about so many *megabytes*, in the
    order in which backward completes them. A parameter that is larger has a bucket of its own; of a small net a bucket
    has at most a quarter, so that there is something to reduce before backward is over.

    No layer notices: ``blob.diff`` is where it was, with what it had in it, in other memory, which *arrays* makes.
    """
    ready = _ready(net)
    found = [p for p in net.learnable if p.blob.diff_key in ready]
    found.sort(key=lambda p: -ready[p.blob.diff_key])  # stable: a layer's weights stay before its bias
    quarter = sum(p.blob.count * p.blob.dtype.itemsize for p in found) / 4
    groups = _groups(found, min(megabytes * MEGABYTE, quarter))
    counts = [-(-sum(p.blob.count for p in group) // (2 * ranks)) * 2 * ranks for group in groups]
    flats = arrays(counts, found[0].blob.dtype) if found else []
    return [_bucket(group, ready, flat) for group, flat in zip(groups, flats, strict=True)]


def _ready(net: Net) -> dict[int, int]:
    """For each gradient, by its memory, the step after which backward adds nothing more to it."""
    first: dict[int, int] = {}
    for index, step in enumerate(net.steps):
        layer = step.layer
        for blob, wanted in zip(layer.blobs, layer.param_propagate_down, strict=True):
            if wanted:
                first.setdefault(blob.diff_key, index)
    return first


def _groups(parameters: Iterable[Parameter], size: float) -> list[list[Parameter]]:
    groups: list[list[Parameter]] = []
    held = 0
    for parameter in parameters:
        count = parameter.blob.count * parameter.blob.dtype.itemsize
        if not groups or held + count > size:
            groups.append([])
            held = 0
        groups[-1].append(parameter)
        held += count
    return groups


def _bucket(group: list[Parameter], ready: dict[int, int], flat: Array) -> Bucket:
    used = sum(p.blob.count for p in group)
    bucket = Bucket(group, min(ready[p.blob.diff_key] for p in group), flat, used)
    bucket.place()
    return bucket
