"""Reading LMDB without liblmdb: the records that the package lmdb gives, and an error for every rule of the format."""

from __future__ import annotations

import os
import random
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cortado.data import open_source
from cortado.data.sources.lmdb import Lmdb
from cortado.errors import DataError, FileError

Records = list[tuple[bytes, bytes]]
BRANCH, LEAF, OVERFLOW, HEAD = 1, 2, 4, 8
WIDTH = 3
"""Nodes in a branch or leaf that ``build`` makes."""


def build(records: Records, word: int = 8, page: int = 4096, flags: int = 0, large: int = 100) -> bytearray:
    """An LMDB file written by hand: values beyond *large* bytes have pages of their own."""
    letter = {4: "I", 8: "Q"}[word]
    head = struct.Struct(f"<{letter}HHHH")
    pages: list[bytes] = [b"", b""]
    counts = {BRANCH: 0, LEAF: 0, OVERFLOW: 0}

    def place(nodes: list[bytes], kind: int) -> int:
        body, places, at = bytearray(page), [], page
        for node in nodes:
            at -= len(node) + len(node) % 2
            body[at : at + len(node)] = node
            places.append(at)
        lower = head.size + 2 * len(places)
        head.pack_into(body, 0, len(pages), 0, kind, lower, at)
        struct.pack_into(f"<{len(places)}H", body, head.size, *places)
        pages.append(bytes(body))
        counts[kind] += 1
        return len(pages) - 1

    def overflow(value: bytes) -> int:
        number, count = len(pages), -(-(head.size + len(value)) // page)
        whole = struct.pack(f"<{letter}HHI", number, 0, OVERFLOW, count) + value
        whole = whole.ljust(count * page, b"\0")
        pages.extend(whole[i * page :][:page] for i in range(count))
        counts[OVERFLOW] += count
        return number

    def groups(nodes: list[tuple[bytes, bytes]], kind: int) -> list[tuple[bytes, int]]:
        found = [nodes[i : i + WIDTH] for i in range(0, len(nodes), WIDTH)]
        return [(group[0][0], place([node for _, node in group], kind)) for group in found]

    leaves = []
    for key, value in records:
        is_large = len(value) > large
        inner = struct.pack(f"<{letter}", overflow(value)) if is_large else value
        leaves.append((key, struct.pack("<IHH", len(value), int(is_large), len(key)) + key + inner))
    level, depth = groups(leaves, LEAF), int(bool(records))
    while len(level) > 1:
        nodes = []
        for index, (key, number) in enumerate(level):
            named = b"" if index % WIDTH == 0 else key
            nodes.append((key, struct.pack("<IHH", number & 0xFFFFFFFF, number >> 32, len(named)) + named))
        level, depth = groups(nodes, BRANCH), depth + 1
    root = level[0][1] if level else (1 << 8 * word) - 1
    nowhere = (1 << 8 * word) - 1
    for index in (0, 1):
        tree = (0, flags, depth, counts[BRANCH], counts[LEAF], counts[OVERFLOW], len(records), root)
        values = (0xBEEFC0DE, 1, 0, 2**20, page, 0, 0, 0, 0, 0, 0, nowhere, *tree, len(pages) - 1, 7 + index)
        meta = struct.pack(f"<II{2 * letter}IHH{5 * letter}IHH{5 * letter}{2 * letter}", *values)
        pages[index] = (head.pack(index, 0, HEAD, 0, 0) + meta).ljust(page, b"\0")
    return bytearray(b"".join(pages))


def some(count: int, sizes: tuple[int, ...] = (0, 1, 90, 250, 6000)) -> Records:
    return [(b"%05d" % i, bytes([i % 251]) * sizes[i % len(sizes)]) for i in range(count)]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Lmdb]:
    def written(data: bytes) -> Lmdb:
        (tmp_path / "data.mdb").write_bytes(data)
        return Lmdb(tmp_path)

    return written


# -- the same as others ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", [4, 8])
@pytest.mark.parametrize("page", [512, 4096, 32768])
@pytest.mark.parametrize("count", [0, 1, 3, 4, 100])
def test_page_sizes_and_machines(write: Callable[[bytes], Lmdb], word: int, page: int, count: int) -> None:
    records = some(count)
    source = write(build(records, word, page))
    assert len(source) == count
    assert list(source.records()) == records
    assert [source.read(key) for key, _ in records] == [value for _, value in records]
    for start in range(count + 2):
        assert list(source.records(start, 3)) == records[start::3]
    assert list(source.keys()) == [key for key, _ in records]
    assert [source.get(i) for i in range(-count, count)] == records + records
    for start in range(count + 2):
        assert list(source.records(start, 3)) == records[start::3]


@pytest.mark.parametrize("seed", range(6))
def test_the_same_as_the_package(tmp_path: Path, seed: int) -> None:
    """Records of many sizes, put in any order, some of them removed or replaced, and the file copied without gaps."""
    lmdb = pytest.importorskip("lmdb")
    rng = random.Random(seed)
    keys = sorted({rng.randbytes(rng.randint(1, 12 if seed % 2 else 400)) for _ in range(1 + 600 * (seed % 3))})
    rng.shuffle(keys)
    with lmdb.open(str(tmp_path / "a"), map_size=2**28, lock=False) as environment:
        for part in range(3):
            with environment.begin(write=True) as transaction:
                for key in keys[part::2]:
                    transaction.put(key, rng.randbytes(rng.choice([0, 3, 800, 1900, 2100, 5000, 30000])))
                for key in rng.sample(keys, len(keys) // 5):
                    transaction.delete(key)
        os.mkdir(tmp_path / "b")
        environment.copy(str(tmp_path / "b"), compact=True)
        with environment.begin() as transaction:
            records = list(transaction.cursor())
    for folder in ("a", "b"):
        source = Lmdb(tmp_path / folder)
        assert list(source.records()) == records
        assert list(source.keys()) == [key for key, _ in records]
        assert [source.get(i) for i in range(0, len(records), 7)] == records[::7]
        assert [source.read(key) for key, _ in records[::7]] == [value for _, value in records[::7]]
        start = len(records) // 3
        assert list(source.records(start, 2)) == records[start::2]
        missing = next(key for key in iter(lambda: rng.randbytes(5), b"") if key not in dict(records))
        with pytest.raises(DataError, match="has no record"):
            source.read(missing)


def test_reading_needs_no_package(
    write: Callable[[bytes], Lmdb], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "lmdb", None)
    write(build(some(9)))
    assert len(list(open_source("LMDB", tmp_path).records())) == 9


def test_a_walk_goes_on_when_the_source_is_closed(write: Callable[[bytes], Lmdb]) -> None:
    source = write(build(some(50)))
    records = source.records()
    next(records)
    source.close()
    assert len(list(records)) == 49
    with pytest.raises(FileError, match="has been closed"):
        source.records()


# -- damage ------------------------------------------------------------------------------------------------------


def test_a_file_that_is_cut_off_while_it_is_read(write: Callable[[bytes], Lmdb], tmp_path: Path) -> None:
    """With a mapped file, this ends the process with a signal."""
    source = write(build(some(300)))
    records = source.records()
    first = next(records)
    os.truncate(tmp_path / "data.mdb", 8192)
    assert first.key == b"00000"
    with pytest.raises(DataError, match=r"data.mdb cannot be read: page \d+: the file ends .* \(it is damaged; copy"):
        list(records)
    with pytest.raises(DataError, match="the file ends"):
        source.read(b"00200")


PAGE = 4096
FIRST, SECOND, ROOT = 2, 3, 4
"""The pages of ``build(some six small records)``: two leaves and their branch."""


def put(form: str, page: int, at: int, value: int) -> Callable[[bytearray], None]:
    return lambda data: struct.pack_into(form, data, page * PAGE + at, value)


def in_heads(at: int, form: str, value: int) -> Callable[[bytearray], None]:
    def change(data: bytearray) -> None:
        for page in (0, 1):
            struct.pack_into(form, data, page * PAGE + 16 + at, value)

    return change


def node(page: int, index: int, at: int, form: str, value: int) -> Callable[[bytearray], None]:
    def change(data: bytearray) -> None:
        (place,) = struct.unpack_from("<H", data, page * PAGE + 16 + 2 * index)
        struct.pack_into(form, data, page * PAGE + place + at, value)

    return change


DAMAGED = {
    "a page that is another": (put("<Q", FIRST, 0, 9), "page 2: it must begin with its number; got 9"),
    "a page of another kind": (put("<H", FIRST, 10, 4), "page 2: it must be a leaf; got flags 0x4"),
    "no nodes": (put("<H", FIRST, 12, 16), "page 2: its free room must lie in its 4096 bytes; got 16 to"),
    "a head beyond the page": (put("<H", FIRST, 12, 60000), "page 2: its free room must lie in its 4096 bytes"),
    "room beyond the page": (put("<H", FIRST, 14, 5000), "page 2: its free room must lie in its 4096 bytes"),
    "a node beyond the page": (put("<H", FIRST, 16, 4095), "page 2: the node at 4095 must end within its 4096 bytes"),
    "a key beyond the page": (node(FIRST, 0, 6, "<H", 65535), r"page 2: the node at \d+ must end within"),
    "a value beyond the page": (node(FIRST, 0, 0, "<I", 2**32 - 1), r"page 2: the node at \d+ must end within"),
    "a database within": (node(FIRST, 0, 4, "<H", 2), "page 2: a database must have no others in it, .* got flags 0x2"),
    "a large value on page 0": (node(FIRST, 1, 4, "<H", 1), "page .*: "),
    "keys that fall": (put("<H", FIRST, 18, 4096 - 18), r"page 2: keys must rise; got b'00000' after b'00000'"),
    "a child that is not there": (node(ROOT, 1, 0, "<I", 99), "page 99: the file has pages 2 to 4 for records"),
    "a child that is a head": (node(ROOT, 1, 0, "<I", 1), "page 1: the file has pages 2 to 4 for records"),
    "a circle": (node(ROOT, 1, 0, "<I", ROOT), "page 4: it must be a leaf; got flags 0x1"),
    "a leaf twice": (node(ROOT, 1, 0, "<I", FIRST), "page 2: keys must rise"),
    "a key beyond the branch": (node(ROOT, 1, 6, "<H", 9999), r"page 4: the node at \d+ must end within"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_pages(write: Callable[[bytes], Lmdb], name: str) -> None:
    change, message = DAMAGED[name]
    data = build(some(6, (5, 8)))
    change(data)
    source = write(data)
    with pytest.raises(DataError, match=message):
        list(source.records())


HEADS = {
    "another version": (in_heads(4, "<I", 999), "its format must be number 1; got 999"),
    "a page size": (in_heads(24, "<I", 5000), "its pages have 512 to 32768 bytes, a power of two; got 5000"),
    "several values for a key": (in_heads(76, "<H", 4), "one value for each key, .* got a database with the flags 0x4"),
    "numbers as keys": (in_heads(76, "<H", 8), "in the order of bytes, as Caffe writes them"),
    "depth": (in_heads(78, "<H", 200), "its head must make sense; got 6 records, depth 200, root page 4"),
    "records without a tree": (in_heads(112, "<Q", 2**64 - 1), "its head must make sense; got 6 records, depth 2"),
    "10^18 records": (in_heads(104, "<Q", 10**18), r"2 pages hold at most 818 records; got 1000000000000000000"),
    "more pages than there are": (in_heads(88, "<Q", 2**60), r"its records need at least .* \(it was cut off; copy it"),
    "one head": (put("<I", 1, 16, 7), "with two heads; got one"),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADS)
def test_damaged_heads(write: Callable[[bytes], Lmdb], name: str) -> None:
    change, message = HEADS[name]
    data = build(some(6, (5, 8)))
    change(data)
    with pytest.raises(FileError, match=f"cannot open the LMDB database .*data.mdb: .*{message}"):
        write(data)


@pytest.mark.parametrize(
    ("at", "form", "value", "message"),
    [
        (0, "<Q", 7, "page 2: it must begin with its number; got 7"),
        (10, "<H", 2, "page 2: it must be an overflow page; got flags 0x2"),
        (12, "<I", 1, "page 2: its value of 6000 bytes must fit in its 1 pages"),
        (
            12,
            "<I",
            2**32 - 1,
            "page 2: its value of 6000 bytes must fit in its 4294967295 pages, and these in the file",
        ),
    ],
)
def test_damaged_large_values(write: Callable[[bytes], Lmdb], at: int, form: str, value: int, message: str) -> None:
    data = build([(b"a", bytes(6000))])
    put(form, 2, at, value)(data)
    with pytest.raises(DataError, match=message):
        list(write(data).records())


def test_a_large_value_of_more_bytes_than_the_file(write: Callable[[bytes], Lmdb]) -> None:
    data = build([(b"a", bytes(6000))])
    node(4, 0, 0, "<I", 2**32 - 1)(data)
    with pytest.raises(DataError, match="page 2: its value of 4294967295 bytes must fit in its 2 pages"):
        list(write(data).records())


def test_fewer_records_than_the_head_says(write: Callable[[bytes], Lmdb]) -> None:
    data = build(some(6, (5, 8)))
    in_heads(104, "<Q", 7)(data)
    with pytest.raises(DataError, match="must hold the 7 records, their keys rising, that its head tells of; got 6"):
        write(data).keys()


def test_branches_that_share_their_children_end_at_once(write: Callable[[bytes], Lmdb]) -> None:
    """3^20 ways down, in a file of a hundred kilobytes: not walked, whether keys are looked at or passed over."""
    data = build(some(6, (5, 8)))
    for level in range(20):
        body, number = bytearray(PAGE), 5 + level
        struct.pack_into("<QHHHH", body, 0, number, 0, BRANCH, 22, 4000)
        for index in range(3):
            struct.pack_into("<H", body, 16 + 2 * index, 4000 + 8 * index)
            struct.pack_into("<IHH", body, 4000 + 8 * index, number - 1, 0, 0)
        data += body
    in_heads(78, "<H", 22)(data)
    in_heads(112, "<Q", 24)(data)
    in_heads(80, "<Q", 20)(data)
    source = write(data)
    with pytest.raises(DataError, match="the tree must have 2 leaves and 20 branches; got more"):
        list(source.records(5))
