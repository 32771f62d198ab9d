"""``cortado formula``: derivatives for people, and a check of them."""

from __future__ import annotations

from click.testing import CliRunner

from cortado.cli.formula import command


def test_shows_and_checks_derivatives() -> None:
    result = CliRunner().invoke(command, ["x * sigmoid(beta * x)", "--scalar", "beta=1"])
    assert result.exit_code == 0, result.output
    assert "y = x * sigmoid(beta * x)" in result.output
    assert "dy/dbeta = x^2 * (1 - sigmoid(beta * x)) * sigmoid(beta * x)" in result.output
    assert result.output.count("at 40 points") == 2


def test_points_at_kinks_are_left_out() -> None:
    result = CliRunner().invoke(command, ["where(b > 0, x, 2 * x) + b", "--scalar", "b=0"])
    assert result.exit_code == 1, "every point is at the jump, so nothing could be compared"
    assert "at 0 points, 40 left out" in result.output


def test_arguments() -> None:
    result = CliRunner().invoke(command, ["x", "--scalar", "b"])
    assert result.exit_code == 2
    assert "NAME=VALUE" in result.output
