"""A run on several ranks that is resumed on as many is the run that was not stopped, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def weights(prefix: Path, iteration: int) -> bytes:
    return prefix.with_name(f"{prefix.name}_iter_{iteration}.caffemodel").read_bytes()


def test_resume_is_exact_with_as_many_ranks_and_told_with_others(run: Any, records: Path, tmp_path: Path) -> None:
    whole, parts, fewer, alone = (tmp_path / name for name in ("whole", "parts", "fewer", "alone"))
    straight = run(3, "resume", records, whole, 10).found
    run(3, "resume", records, parts, 5)
    state = f"{parts}_iter_5.solverstate"
    resumed = run(3, "resume", records, parts, 10, state).found
    assert weights(parts, 10) == weights(whole, 10)
    assert resumed["0"]["losses"] == straight["0"]["losses"][5:]
    assert not any("Not quite" in note for note in resumed["0"]["notes"])
    assert resumed["1"]["notes"] == []  # rank 0 tells
    hint = "An iteration averages over 3 ranks x iter_size 1 batches = 12 records; base_lr is used as it is"
    assert any(note.startswith(hint) for note in straight["0"]["notes"])

    found = run(2, "resume", records, fewer, 7, state).found["0"]
    assert any("it had 3 ranks and has 2 ranks: an iteration has 2/3 of the records" in note for note in found["notes"])
    assert found["positions"][0]["records"] == 5 * 3 * 4 + 2 * 2 * 4
    found = run(1, "resume", records, alone, 6, state).found["0"]
    assert any("it had 3 ranks and has 1 rank" in note for note in found["notes"])
