"""The check of a file that may be a net or a solver."""

from __future__ import annotations

import pytest

from cortado.solver.check import check_net_or_solver


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("net", 'layer { name: "r" type: "ReLU" bottom: "x" top: "x" relu_param { slop: 1 } }', "no field 'slop'"),
        ("solver", 'net: "net.prototxt"\nbase_lr: 0.1\nlr_polcy: "fixed"\n', "no field 'lr_polcy'"),
    ],
)
def test_one_wrong_field_does_not_change_what_a_file_is(name, text, said, tmp_path):
    path = tmp_path / f"{name}.prototxt"
    path.write_text(text)
    problems = "\n".join(str(problem) for problem in check_net_or_solver(path).problems)
    assert said in problems
    assert "is expected here" not in problems


def test_counts_are_refused_at_their_line(tmp_path):
    path = tmp_path / "solver.prototxt"
    path.write_text('net: "net.prototxt"\ntest_iter: 1\ntest_iter: -1\nbase_lr: 0.1\n')
    (problem,) = check_net_or_solver(path).problems
    assert str(problem) == f"{path}:3:1: test_iter must be at least 0; got -1"


def test_an_empty_file_is_no_solver(tmp_path):
    path = tmp_path / "empty.prototxt"
    path.touch()
    (problem,) = check_net_or_solver(path).problems
    assert str(problem) == f"{path}: a net has at least one layer; got none"
