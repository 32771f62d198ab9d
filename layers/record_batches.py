"""The base of what makes batches of records read in turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from ..data import State
from ..data.reader import Stream


class Positioned(Protocol):
    """What records come from: ``position`` is how many were read, and ``seek`` goes there."""

    @property
    def position(self) -> int: ...

    def seek(self, position: int) -> Any: ...


class RecordBatches:
    """Where it is: the number of records that *records* gave, and ``batches``, the number made of them.

    The random numbers of a batch are those of its number in all ranks, *share* being (rank, world): so that they are
    the same in a run that goes on.
    """

    def __init__(self, records: Positioned, streams: Stream, share: tuple[int, int]) -> None:
        self._records, self._streams = records, streams
        self.rank, self.world = share
        self.batches = 0

    def stream(self) -> np.random.Generator:
        """The random numbers of the batch that is being made."""
        return self._streams(self.batches * self.world + self.rank)

    def state(self) -> State:
        return {"records": self._records.position, "batches": self.batches}

    def restore(self, state: Mapping[str, int]) -> None:
        self._records.seek(state["records"])
        self.batches = state["batches"]
