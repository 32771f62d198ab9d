"""The reader: an endless row of records from a source, the share of one of several processes, shuffled if asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

import numpy as np

from .sources import Record, Source

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Stream = Callable[[int], np.random.Generator]
"""Gives the random numbers of epoch (or batch) number i; asking again gives the same."""


class Shelf(Protocol[T_co]):
    """Things with numbers from 0 on: what a Picker picks from."""

    def __len__(self) -> int: ...

    def get(self, index: int) -> T_co: ...


class Picker(Generic[T]):
    """Goes round a *shelf* for ever, by number.

    ``position`` counts the things passed since the start, over all rounds and all processes; process *rank* of *world*
    gets those whose position leaves *rank* when divided by *world*. With *shuffle*, round i follows a permutation drawn
    from ``shuffle(i)``, so that a position alone says what comes next.
    """

    def __init__(self, shelf: Shelf[T], rank: int = 0, world: int = 1, shuffle: Stream | None = None) -> None:
        self.shelf, self.rank, self.world, self.shuffle = shelf, rank, world, shuffle
        self.position = 0
        self._order: tuple[int, np.ndarray[tuple[int], np.dtype[np.int64]]] | None = None

    def seek(self, position: int) -> None:
        """Go on from *position*, as ``position`` said it, in this process or another."""
        self.position, self._order = position, None

    def next_index(self) -> int:
        """The number of the next thing."""
        turn, index = divmod(self.position + self.rank, len(self.shelf))
        self.position += self.world
        if self.shuffle is None:
            return index
        if self._order is None or self._order[0] != turn:
            self._order = (turn, self.shuffle(turn).permutation(len(self.shelf)))
        return int(self._order[1][index])

    def __next__(self) -> T:
        return self.shelf.get(self.next_index())

    def __iter__(self) -> Iterator[T]:
        return self


class Cursor:
    """Goes round a *source* for ever in the order of its keys, as a ``Picker`` without *shuffle* does, but without
    looking at the keys first."""

    def __init__(self, source: Source, rank: int = 0, world: int = 1) -> None:
        self.source, self.rank, self.world = source, rank, world
        self.position = 0
        self._records: Iterator[Record] | None = None
        self._index = 0

    def seek(self, position: int) -> None:
        """Go on from *position*."""
        self.position = position
        self._records = None

    def __next__(self) -> Record:
        if self._records is None:
            there = self.position + self.rank
            self._records = self._from(there % len(self.source) if there else 0)
        record = next(self._records, None)
        while record is None:
            self.source.first()
            self._records = self._from(self._index % len(self.source) if self.world > 1 else 0)
            record = next(self._records, None)
        self.position += self.world
        self._index += self.world
        return record

    def __iter__(self) -> Iterator[Record]:
        return self

    def _from(self, index: int) -> Iterator[Record]:
        self._index = index
        return self.source.records(index, self.world)


def read_records(
    source: Source, rank: int = 0, world: int = 1, shuffle: Stream | None = None
) -> Picker[Record] | Cursor:
    """The reader of *source*: a ``Cursor``, or where *shuffle* is given a ``Picker``."""
    return Cursor(source, rank, world) if shuffle is None else Picker(source, rank, world, shuffle)
