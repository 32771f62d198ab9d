"""N ranks with batch b train as one process with iter_size N and batch b."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cortado.plugins import plugin_manager

EXACT = {"float64": 1e-11, "float32": 2e-4}
"""Rounding grows over 20 iterations, most in optimizers that divide by the size of gradients."""


@pytest.mark.parametrize("dtype", EXACT)
@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_are_one_process_with_iter_size(run: Any, records: Path, ranks: int, dtype: str) -> None:
    found = run(ranks, "equal", records, dtype).found["0"]
    optimizers, regularizers = (plugin_manager().registry(kind) for kind in ("optimizers", "regularizers"))
    for entry in optimizers.all():
        kinds = ["L2"] if entry.item.decoupled else regularizers.names()
        assert {entry.name, *(f"{entry.name}, clipping, {kind}" for kind in kinds)} <= set(found)
    wrong = {
        f"{name}, {label}": value
        for name, row in found.items()
        for label, value in row["worst"].items()
        if not value <= EXACT[dtype]
    }
    assert not wrong
    assert {tuple(row["still"]) for row in found.values()} == {("fixed[0]", "fixed[1]")}  # all others have learned
    assert not [name for name, row in found.items() if "clipping" in name and row["clipped"] < 2]


def test_batch_norm_over_ranks_is_that_of_one_large_batch(run: Any, records: Path) -> None:
    for ranks in (2, 3):
        found = run(ranks, "normed", records).found["0"]
        assert max(found["synced"].values()) < 1e-9
        assert max(found["local"].values()) > 1e-3


def test_tests_by_rank_0_and_by_all_have_the_same_result_everywhere(run: Any, records: Path) -> None:
    found = run(2, "tests", records).found
    for alone, divided in zip(*found["0"][:2], strict=True):
        assert alone["batches"] == divided["batches"] == 6
        assert alone["loss"] == pytest.approx(divided["loss"], rel=1e-5)
        values = [[value for _, value, _ in row["outputs"]] for row in (alone, divided)]
        assert values[0] == pytest.approx(values[1], rel=1e-5)
    assert found["0"] == found["1"]
    assert "every test_iter must be a multiple of the 2 ranks; got 7" in found["0"][2]


def test_half_precision_transfer(run: Any, records: Path) -> None:
    for ranks in (2, 3):
        found = run(ranks, "half", records).found
        first, last = found["0"]["distance"]
        assert 0 < max(first.values()) < 2e-3  # biases were 0: it is that of the gradients
        assert max(last.values()) < 0.01
        assert all(row["sums"] == found["0"]["sums"] for row in found.values())


def test_start_from_rank_0_with_streams_of_their_own(run: Any, records: Path) -> None:
    found = list(run(3, "start", records).found.values())
    for key in ("seed", "filled", "after", "run"):
        assert all(row[key] == found[0][key] for row in found), key
    assert len({row["stream"] for row in found}) == 3


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("solver", "all ranks need the same solver definition; got "),
        ("net", "all ranks need the same net definition; got "),
        ("engine", "all ranks need the same engine; got native on rank 2, reference on rank 0"),
        ("dtype", "all ranks need the same dtype; got float64 on rank 2, float32 on rank 0"),
        ("plugins", "all ranks need the same plugins; got lucid 1.1 on rank 2, lucid 1.0 on rank 0"),
        ("cortado", "all ranks need the same cortado; got 1.1 on rank 2, 1.0 on rank 0"),
    ],
)
def test_ranks_that_differ_are_refused_by_name(run: Any, records: Path, what: str, message: str) -> None:
    if what == "engine" and "native" in plugin_manager().broken:
        pytest.skip("the native engine is not there")
    found = run(3, "differ", records, what).found
    assert all(message in text and "on rank 2" in text for text in found.values())
