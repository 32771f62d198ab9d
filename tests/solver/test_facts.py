"""What a log's head and a run file say a run depends on."""

from __future__ import annotations

from collections.abc import Callable

from cortado import Solver, __version__
from cortado.solver.facts import differences, facts_of, head_lines


def test_head_lines(make: Callable[..., Solver]) -> None:
    text = "\n".join(head_lines(make(seed=77)))
    for word in (f"cortado {__version__}", "numpy", "protobuf", "Python", "engine reference", "threads 1", "seed 77"):
        assert word in text
    facts = facts_of(make())
    assert f"net {facts['net']}, solver {facts['solver']}" in "\n".join(head_lines(make()))


def test_equal_files_have_equal_hashes_and_others_do_not(make: Callable[..., Solver]) -> None:
    first, second = facts_of(make()), facts_of(make())
    assert first == second
    assert differences(first, facts_of(make("momentum: 0.5\n"))) == [
        f"solver was {first['solver']} and is {facts_of(make('momentum: 0.5'))['solver']}"
    ]
    net = 'layer { name: "d" type: "DummyData" top: "d" dummy_data_param { shape { dim: 1 } } }'
    assert facts_of(make(net=net))["net"] != first["net"]


def test_what_changes_no_weights_changes_no_hash(make: Callable[..., Solver]) -> None:
    plain = facts_of(make())["solver"]
    assert facts_of(make("display: 7\nsnapshot: 3\ndebug_info: true\n"))["solver"] == plain
    assert facts_of(make(fields={"max_iter": 99}))["solver"] == plain
    poly = [facts_of(make(fields={"lr_policy": "poly", "max_iter": n}))["solver"] for n in (10, 20)]
    assert poly[0] != poly[1]
