"""A run file in which any one value is another: an error of Cortado's own, or a run that goes on."""

from __future__ import annotations

import copy
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cortado import CortadoError, Solver
from cortado.errors import FormatError

SOLVER = """
net_param { name: "n"
  layer { name: "d" type: "DummyData" top: "x"
    dummy_data_param { shape { dim: 2 dim: 3 } data_filler { type: "gaussian" } } }
  layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 1 } }
  layer { name: "drop" type: "Dropout" bottom: "y" top: "z" }
  layer { name: "l" type: "Reduction" bottom: "z" top: "loss" loss_weight: 1 } }
base_lr: 0.01 lr_policy: "fixed" max_iter: 10 momentum: 0.9 random_seed: 3 snapshot_prefix: "%s/n"
"""
MISSING = "MISSING"
OTHERS = [None, "x", -1, 10**30, 1.5, [], {"array": "0.npy"}, MISSING]


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value in a tree."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*way, key)
        yield from places(item, (*way, key))


def snapshot(folder: Path) -> tuple[Solver, Path, dict[str, bytes]]:
    """A solver that has taken a snapshot in *folder*, its run file, and what is in that."""
    path = folder / "solver.prototxt"
    path.write_text(SOLVER % folder)
    solver = Solver(path, engine="reference")
    list(solver.train(3))
    solver.snapshot()
    (run,) = folder.glob("*.cortado")
    with zipfile.ZipFile(run) as archive:
        return solver, run, {name: archive.read(name) for name in archive.namelist()}


def write(run: Path, members: dict[str, bytes], tree: Any) -> None:
    """The run file *run* of *members*, with *tree* for its table."""
    with zipfile.ZipFile(run, "w") as archive:
        for name, content in (members | {"run.json": json.dumps(tree).encode()}).items():
            archive.writestr(name, content)


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_any_one_value_is_another(tmp_path: Path, other: Any) -> None:
    solver, run, members = snapshot(tmp_path)
    whole, refused = json.loads(members["run.json"]), 0
    for way in places(whole):
        tree = copy.deepcopy(whole)
        holder = tree
        for key in way[:-1]:
            holder = holder[key]
        if other is MISSING:
            del holder[way[-1]]
        else:
            holder[way[-1]] = other
        write(run, members, tree)
        try:
            solver.restore(run)
            list(solver.train(1))
        except CortadoError:
            refused += 1
    assert refused > 10


@pytest.mark.parametrize(
    ("table", "key", "rule"),
    [
        ("files", "state", "the list of files in a run file must be whole, and the files readable; got KeyError"),
        ("solver", "smoothed", "the state in a run file must fit solver and net; got KeyError"),
    ],
)
def test_what_is_missing_is_told_with_the_way_out(tmp_path: Path, table: str, key: str, rule: str) -> None:
    solver, run, members = snapshot(tmp_path)
    tree = json.loads(members["run.json"])
    del tree[table][key]
    write(run, members, tree)
    with pytest.raises(FormatError) as caught:
        solver.restore(run)
    out = "resume from another snapshot, or remove this file to go on from the .solverstate alone"
    assert str(caught.value) == f"{run}: {rule}('{key}') ({out})"
