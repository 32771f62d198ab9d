"""``cortado jacobian``: the matrix by hand, both modes, learned blobs, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from cortado.cli.jacobian import command
from cortado.netdef.jacobian import jacobians
from cortado.testing import make_layer

NET = """
layer { name: "data" type: "Input" top: "x" top: "label"
  input_param { shape { dim: 2 dim: 3 } shape { dim: 2 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
  inner_product_param { num_output: 2 weight_filler { type: "constant" value: 0.5 } } }
layer { name: "relu" type: "ReLU" bottom: "y" top: "y" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "y" bottom: "label" top: "loss" }
"""


@pytest.fixture
def run(tmp_path: Path) -> Any:
    path = tmp_path / "net.prototxt"
    path.write_text(NET)

    def call(*args: str) -> Result:
        return CliRunner().invoke(command, [str(path), *args])

    return call


def rows(result: Result) -> list[list[float]]:
    return [[float(cell) for cell in line.split()] for line in result.output.splitlines()[1:-1]]


def test_inner_product_is_its_own_matrix_for_every_item(run: Any) -> None:
    result = run("ip")
    assert result.exit_code == 0, result.output
    assert "InnerProduct 'ip': top 0 by bottom 0 'x', 4 x 6" in result.output
    assert rows(result) == [[0.5] * 3 + [0] * 3] * 2 + [[0] * 3 + [0.5] * 3] * 2
    assert "50% of it are 0" in result.output


def test_one_item(run: Any) -> None:
    assert rows(run("ip", "--items", "1")) == [[0.5] * 3] * 2


def test_by_weights_and_bias(run: Any) -> None:
    weights = rows(run("ip", "--param", "0"))
    assert np.shape(weights) == (4, 6)
    assert weights[0][3:] == [0, 0, 0]
    assert weights[0][:3] == weights[1][3:]
    assert rows(run("ip", "--param", "1")) == [[1, 0], [0, 1]] * 2


def test_in_place_and_losses(run: Any) -> None:
    assert run("relu").exit_code == 0
    result = run("loss")
    assert result.exit_code == 0, result.output
    assert np.shape(rows(result)) == (1, 4)


def test_refused(run: Any) -> None:
    assert "bottom 1 can have no gradient" in str(run("loss", "--bottom", "1").exception)
    assert "there must be a learned blob 7; got 2 blobs" in str(run("ip", "--param", "7").exception)
    assert "there must be a top 3; got 1 tops" in str(run("ip", "--top", "3").exception)
    assert "did you mean 'relu'" in str(run("relo").exception)
    result = run("ip", "--limit", "10")
    assert result.exit_code == 2
    assert "4 x 6 elements, above --limit 10; try --items 1" in result.output


def test_softmax_by_hand() -> None:
    x = np.array([[0.5, -1.0, 2.0]])
    found = jacobians(make_layer('type: "Softmax"', [x]).layer, [x])
    y = np.exp(x[0]) / np.exp(x[0]).sum()
    np.testing.assert_allclose(found.reverse, np.diag(y) - np.outer(y, y), rtol=1e-12)
    assert found.error < 1e-9


def test_a_wrong_backward_shows() -> None:
    run = make_layer('type: "TanH"', [np.ones((1, 2))])
    right = run.layer.engine.tanh_backward
    run.layer.engine = type("Off", (type(run.layer.engine),), {
        "tanh_backward": lambda self, y, dy, dx: (right(y, dy, dx), dx.__imul__(1.01))
    })()  # fmt: skip
    assert jacobians(run.layer, [np.ones((1, 2))]).error > 1e-3


def test_dropout_draws_the_same_each_time() -> None:
    x = np.ones((1, 8))
    found = jacobians(make_layer('type: "Dropout"', [x]).layer, [x])
    assert found.error < 1e-9
    assert set(np.diag(found.reverse)) == {0, 2}
