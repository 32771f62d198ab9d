"""The file of an LMDB, read only: its two head pages, its layout, and the bytes of pages by their numbers.

Cortado reads LMDB by itself. liblmdb trusts its files: it maps them into memory and follows the offsets in them, so
that a page that is damaged, or a file that is cut off while it is read, ends the process with a signal, which no
``except`` can catch. Here every number of the file is checked before it is used, and what does not fit is a DataError
that names file, page and rule. Reading so needs no package, makes no lock file, and works in a read-only folder. Pages
are read, not mapped: as fast, and without the signal that comes when a mapped file is cut off.

All numbers are little-endian. A page begins with a head: its number (8 bytes; 4 in files of 32-bit machines), 2 bytes
unused, 2 bytes of flags, and the begin and end of its free room, 2 bytes each (an overflow page has here, in 4 bytes,
the count of pages of its value). Pages 0 and 1 are heads of the whole file, of which the one written last counts:

    magic, version          4 bytes each
    address, size of map    a word each (8 bytes, or 4)
    two trees               of the free pages, which is not needed to read, and of the records; each:
                            4 bytes (the page size in the first, else unused), flags 2, depth 2, then five words:
                            branch pages, leaf pages, overflow pages, entries, number of the root page
    last page, transaction  a word each

Source: the format of LMDB 0.9, which is that of all files of Caffe.
"""

from __future__ import annotations

import os
import threading
import weakref
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import NoReturn

from ...errors import DataError, FileError

MAGIC, VERSION = 0xBEEFC0DE, 1
BRANCH, LEAF, OVERFLOW, HEAD = 1, 2, 4, 8
KINDS = {BRANCH: "a branch", LEAF: "a leaf", OVERFLOW: "an overflow page"}
KIND_BITS = 0x6F
"""The flags that say what a page is; the others are of no account on a disk."""
PLAIN_TREE = 0
SMALLEST_PAGE, LARGEST_PAGE = 512, 32768
DEEPEST = 32
"""Levels of a tree, as many as LMDB itself can follow."""
DAMAGED = "it is damaged; copy or make it again"
LEAST_ENTRY = 10
"""Bytes that a record takes in a leaf at least."""


@dataclass(frozen=True)
class Layout:
    """Where things stand in the files of machines with words of *word* bytes."""

    word: int

    @property
    def head(self) -> Struct:
        """Number, unused, flags, begin and end of the free room."""
        return Struct(f"<{self._letter}HHHH")

    @property
    def overflow_head(self) -> Struct:
        """Number, unused, flags, count of pages."""
        return Struct(f"<{self._letter}HHI")

    @property
    def number(self) -> Struct:
        return Struct(f"<{self._letter}")

    @property
    def meta(self) -> Struct:
        tree = "IHH" + 5 * self._letter
        return Struct(f"<II{2 * self._letter}{tree}{tree}{2 * self._letter}")

    @property
    def _letter(self) -> str:
        return {4: "I", 8: "Q"}[self.word]

    @property
    def nowhere(self) -> int:
        """The root of an empty tree."""
        return (1 << 8 * self.word) - 1


@dataclass(frozen=True)
class Head:
    """What the head pages say: sizes, and the tree of the records."""

    layout: Layout
    page_size: int
    depth: int
    branches: int
    leaves: int
    entries: int
    root: int


class LmdbFile:
    """The open file *path*. It is closed when nobody uses it any more, so that another thread never reads from a file
    that was closed, or worse, from one that was opened in its place.

    Errors: FileError for a file that cannot be opened or does not begin as LMDB files do.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise FileError(f"cannot open the LMDB database {path.absolute()}: {error.strerror}") from None
        weakref.finalize(self, os.close, self._file)
        self._lock = threading.Lock()
        self.size = os.fstat(self._file).st_size
        self.head = self._read_head()
        self.layout, self.page_size = self.head.layout, self.head.page_size
        self.pages = self.size // self.page_size
        self._overflow = self.layout.overflow_head

    def read(self, at: int, count: int) -> bytes:
        """*count* bytes at *at*, or as many as the file has."""
        try:
            return os.pread(self._file, count, at)
        except OSError as error:
            raise self._unreadable(error) from None

    if not hasattr(os, "pread"):

        def read(self, at: int, count: int) -> bytes:
            """The same where a system can only read from where it is."""
            with self._lock:
                os.lseek(self._file, at, os.SEEK_SET)
                return os.read(self._file, count)

    def _unreadable(self, error: OSError) -> FileError:
        return FileError(f"cannot read the LMDB database {self.path.absolute()}: {error.strerror}")

    def fail(self, page: int, rule: str, got: object = None) -> NoReturn:
        """Raise the error of a page that breaks a *rule*."""
        text = f"the LMDB database {self.path.absolute()} cannot be read: page {page}: {rule}"
        raise DataError(text, got=None if got is None else str(got), hint=DAMAGED)

    def value(self, page: int, count: int) -> bytes:
        """The *count* bytes of a value that has overflow pages from *page* on."""
        if not 1 < page < self.pages:
            self.fail(page, f"the file has pages 2 to {self.pages - 1} for what is large")
        at, size = page * self.page_size, self._overflow.size
        begin = self.read(at, size)
        if len(begin) < size:
            self.fail(page, "the file ends before it")
        number, _, flags, pages = self._overflow.unpack(begin)
        if number != page or flags != OVERFLOW:
            self.check_kind(page, number, flags, OVERFLOW)
        if page + pages > self.pages or count > pages * self.page_size - size:
            self.fail(page, f"its value of {count} bytes must fit in its {pages} pages, and these in the file")
        value = self.read(at + size, count)
        if len(value) < count:
            self.fail(page, f"the file ends within its value of {count} bytes", len(value))
        return value

    def check_kind(self, page: int, number: int, flags: int, kind: int) -> None:
        """See that what was read as *page* says that it is that page, and of that *kind*."""
        if number != page:
            self.fail(page, "it must begin with its number", number)
        if flags & KIND_BITS != kind:
            self.fail(page, f"it must be {KINDS[kind]}", f"flags {flags:#x}")

    def _read_head(self) -> Head:
        begin = self.read(0, 512)
        layout = next((each for each in map(Layout, (8, 4)) if self._is_head(begin, each)), None)
        if layout is None:
            self._refuse("it must be an LMDB file", f"{self.size} bytes that do not begin like one")
        page_size = layout.meta.unpack_from(begin, layout.head.size)[4]
        if page_size not in {1 << bits for bits in range(16)} or not SMALLEST_PAGE <= page_size <= LARGEST_PAGE:
            self._refuse(f"its pages have {SMALLEST_PAGE} to {LARGEST_PAGE} bytes, a power of two", page_size)
        other = self.read(page_size, 512)
        if not self._is_head(other, layout):
            self._refuse("it must be an LMDB file with two heads", "one", cut=self.size < 2 * page_size)
        metas = [layout.meta.unpack_from(data, layout.head.size) for data in (begin, other)]
        return self._checked(max(metas, key=lambda meta: int(meta[-1])), layout, page_size)

    def _is_head(self, data: bytes, layout: Layout) -> bool:
        if len(data) < layout.head.size + layout.meta.size:
            return False
        flags, (magic, version, *_) = layout.head.unpack_from(data)[2], layout.meta.unpack_from(data, layout.head.size)
        if magic == MAGIC and flags & HEAD and version != VERSION:
            self._refuse(f"its format must be number {VERSION}", version)
        return bool(magic == MAGIC and flags & HEAD)

    def _checked(self, values: tuple[int, ...], layout: Layout, page_size: int) -> Head:
        """The head of these *values*; its counts are checked against each other and the length of the file."""
        _, flags, depth, branches, leaves, overflows, entries, root = values[12:20]
        pages = 2 + sum(values[7:10]) + branches + leaves + overflows
        if pages * page_size > self.size:
            self._refuse(f"its records need at least {pages * page_size} bytes", self.size, cut=True)
        if flags != PLAIN_TREE:
            rule = "its records must have one value for each key, in the order of bytes, as Caffe writes them"
            self._refuse(rule, f"a database with the flags {flags:#x}")
        empty = root == layout.nowhere
        if depth > DEEPEST or empty != (entries == 0) or empty != (depth == 0):
            self._refuse("its head must make sense", f"{entries} records, depth {depth}, root page {root}")
        if entries > leaves * (page_size // LEAST_ENTRY):
            self._refuse(f"{leaves} pages hold at most {leaves * (page_size // LEAST_ENTRY)} records", entries)
        return Head(layout, page_size, depth, branches, leaves, entries, root)

    def _refuse(self, rule: str, got: object, *, cut: bool = False) -> NoReturn:
        text = f"cannot open the LMDB database {self.path.absolute()}: {rule}"
        raise FileError(text, got=str(got), hint="it was cut off; copy it again" if cut else None)
