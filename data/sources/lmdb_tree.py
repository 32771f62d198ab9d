"""The tree of an LMDB: from the root through branches to the leaves, and the records in them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import cache
from struct import Struct, error
from typing import NamedTuple, NoReturn

from .base import Record
from .lmdb_file import BRANCH, LEAF, LmdbFile

NODE = Struct("<IHH")
"""Size of the value, flags, size of the key. In a branch the first two are the number of a page."""
LARGE = 1
"""Flag of a node whose value is in pages of its own; other flags are those of databases within this one."""
MOST_AHEAD = 2**16
"""Bytes that are read at once where pages follow each other."""
NEAR = 4
"""Pages between two that still count as following each other."""
KEPT = 256
"""Branches that are kept in memory."""


class Page(NamedTuple):
    """A page: its number, its bytes, and where its nodes begin."""

    number: int
    data: bytes
    places: tuple[int, ...]


@cache
def _offsets(count: int) -> Struct:
    return Struct(f"<{count}H")


class Tree:
    """The records of *file*, in the order of their keys.

    The way down is as long as the head says, there are no more pages than it says, and keys rise, so that pages which
    point at each other in a circle come to an end. Errors: DataError that names file, page and rule.
    """

    def __init__(self, file: LmdbFile) -> None:
        self.file = file
        self._branches: dict[int, tuple[list[bytes], list[int]]] = {}

    def leaves(self) -> Iterator[int]:
        """The numbers of the leaves, in order."""
        head, left = self.file.head, self.file.head.leaves + self.file.head.branches
        rows = [[head.root]] if head.entries else []  # of each level what is still to come, backwards
        while rows:
            row = rows[-1]
            if len(rows) == head.depth:
                yield from reversed(rows.pop())
            elif not row:
                rows.pop()
            else:
                number = row.pop()
                below = self._branch(number)[1]
                rows.append(below[::-1])
                left -= len(below)
                if left < 0:
                    rule = f"the tree must have {head.leaves} leaves and {head.branches} branches"
                    self.file.fail(number, rule, "more")

    def pages(self, leaves: Iterator[int]) -> Iterator[Page]:
        """The *leaves*, which are read ahead of their use where they follow each other."""
        file, size, head = self.file, self.file.page_size, self.file.layout.head
        block, begin, ahead, unpack, first, new = b"", 0, 1, head.unpack_from, head.size, tuple.__new__
        for number in leaves:
            place = (number - begin) * size
            if not 0 <= place < len(block):
                if not 1 < number < file.pages:
                    self._outside(number)
                ahead = min(2 * ahead, MOST_AHEAD // size) if 0 <= place - len(block) <= NEAR * size else 1
                begin, place, block = number, 0, file.read(number * size, ahead * size)
            data = block[place : place + size]
            found, _, flags, lower, upper = unpack(data) if len(data) == size else self._cut(number, data)
            if found != number or flags != LEAF:
                file.check_kind(number, found, flags, LEAF)
            if not first < lower <= upper <= size or lower & 1:
                self._room(number, lower, upper)
            yield new(Page, (number, data, _offsets((lower - first) // 2).unpack_from(data, first)))

    def page(self, number: int, kind: int = LEAF) -> Page:
        """Page *number*, which must be of that *kind*."""
        if not 1 < number < self.file.pages:
            self._outside(number)
        size, head = self.file.page_size, self.file.layout.head
        data = self.file.read(number * size, size)
        found, _, flags, lower, upper = head.unpack_from(data) if len(data) == size else self._cut(number, data)
        self.file.check_kind(number, found, flags, kind)
        if not head.size < lower <= upper <= size or lower & 1:
            self._room(number, lower, upper)
        return Page(number, data, _offsets((lower - head.size) // 2).unpack_from(data, head.size))

    def records(self, pages: Iterator[Page], skip: int = 0, step: int = 1) -> Iterator[Record]:
        """Every *step*-th record in the leaves *pages* after *skip*."""
        last, end, unpack, new = b"", self.file.page_size, NODE.unpack_from, tuple.__new__
        for page in pages:
            number, data, places = page
            if skip >= len(places):
                skip -= len(places)
                continue
            try:
                for at in places[skip::step]:
                    size, flags, key_size = unpack(data, at)
                    begin = at + 8 + key_size
                    stop = begin + size
                    key = data[at + 8 : begin]
                    if flags:
                        value = self._large(page, at, begin, size, flags)
                    elif stop <= end:
                        value = data[begin:stop]
                    else:
                        self._node(number, at)
                    if key <= last:
                        self.file.fail(number, "keys must rise", f"{key[:60]!r} after {last[:60]!r}")
                    last = key
                    yield new(Record, (key, value))
            except error:
                self._node(number, at)
            skip = (skip - len(places)) % step

    def keys(self, page: Page) -> list[bytes]:
        """The keys in *page*."""
        number, data, places = page
        end, keys, unpack = len(data), [], NODE.unpack_from
        try:
            for at in places:
                stop = at + 8 + unpack(data, at)[2]
                if stop > end:
                    self._node(number, at)
                keys.append(data[at + 8 : stop])
        except error:
            self._node(number, at)
        return keys

    def find(self, key: bytes) -> Record | None:
        """The record under *key*."""
        head = self.file.head
        if not head.entries:
            return None
        number = head.root
        for _ in range(head.depth - 1):
            keys, numbers = self._branch(number)
            number = numbers[bisect_right(keys, key, 1) - 1]
        page = self.page(number)
        keys = self.keys(page)
        place = bisect_left(keys, key)
        return next(self.records(iter((page,)), place)) if keys[place : place + 1] == [key] else None

    def _branch(self, number: int) -> tuple[list[bytes], list[int]]:
        """The keys and the pages of a branch; the first key counts as lower than all."""
        found = self._branches.get(number)
        if found is None:
            page = self.page(number, BRANCH)
            keys = self.keys(page)
            nodes = [NODE.unpack_from(page.data, at) for at in page.places]
            wide = self.file.layout.word == 8
            found = keys, [low | high << 32 if wide else low for low, high, _ in nodes]
            if len(self._branches) >= KEPT:
                self._branches.clear()
            self._branches[number] = found
        return found

    def _large(self, page: Page, at: int, begin: int, size: int, flags: int) -> bytes:
        """The value of the node at *at* of *page*, which is in pages of its own."""
        word = self.file.layout.number
        if flags != LARGE:
            rule = "a database must have no others in it, and one value for each key, as Caffe's have"
            self.file.fail(page.number, rule, f"flags {flags:#x} of the node at {at}")
        if begin + word.size > len(page.data):
            self._node(page.number, at)
        return self.file.value(word.unpack_from(page.data, begin)[0], size)

    def _outside(self, number: int) -> NoReturn:
        self.file.fail(number, f"the file has pages 2 to {self.file.pages - 1} for records")

    def _cut(self, number: int, data: bytes) -> NoReturn:
        self.file.fail(number, "the file ends within it", f"{len(data)} bytes")

    def _room(self, number: int, lower: int, upper: int) -> NoReturn:
        self.file.fail(number, f"its free room must lie in its {self.file.page_size} bytes", f"{lower} to {upper}")

    def _node(self, number: int, at: int) -> NoReturn:
        self.file.fail(number, f"the node at {at} must end within its {self.file.page_size} bytes")
