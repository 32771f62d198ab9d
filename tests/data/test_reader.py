from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from cortado.data import open_source, read_records
from cortado.errors import FileError


def numbers(reader: object, count: int) -> list[int]:
    return [int(record.key) for record in islice(reader, count)]


@pytest.fixture
def source(database):
    return open_source("LMDB", database(np.zeros((7, 1, 1, 1), np.uint8)))


def shuffle(epoch: int) -> np.random.Generator:
    return np.random.default_rng([5, epoch])


def test_goes_round(source):
    assert numbers(read_records(source), 17) == [i % 7 for i in range(17)]


@pytest.mark.parametrize("world", [2, 3, 7, 10])
@pytest.mark.parametrize("order", [None, shuffle])
def test_the_shares_together_are_the_whole(source, world, order):
    whole = numbers(read_records(source, shuffle=order), 4 * world)
    shares = [numbers(read_records(source, rank, world, order), 4) for rank in range(world)]
    assert [shares[i % world][i // world] for i in range(4 * world)] == whole


@pytest.mark.parametrize(("rank", "world"), [(0, 1), (1, 3)])
@pytest.mark.parametrize("order", [None, shuffle])
@pytest.mark.parametrize("before", [0, 4, 7, 20])
def test_seek_goes_on(source, rank, world, order, before):
    reader = read_records(source, rank, world, order)
    numbers(reader, before)
    other = read_records(source, rank, world, order)
    numbers(other, 2)
    other.seek(reader.position)
    assert numbers(other, 15) == numbers(reader, 15)


def test_position_does_not_depend_on_the_rank(source):
    readers = [read_records(source, rank, 3) for rank in range(3)]
    for reader in readers:
        numbers(reader, 5)
    assert {reader.position for reader in readers} == {15}


def test_each_epoch_has_another_order_with_every_record(source):
    epochs = np.array(numbers(read_records(source, shuffle=shuffle), 70)).reshape(10, 7)
    assert (np.sort(epochs, axis=1) == np.arange(7)).all()
    assert len({tuple(e) for e in epochs}) > 5


def test_an_empty_source_is_no_endless_loop(database):
    with pytest.raises(FileError, match="holds no records"):
        next(read_records(open_source("LMDB", database([]))))
