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
