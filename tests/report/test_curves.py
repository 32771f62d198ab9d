"""Charts: well-formed, inside their frame, right places, several runs; ``cortado plot``."""

from __future__ import annotations

import math
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from cortado.cli import program
from cortado.report.chart import HEIGHT, LEFT, TOP, WIDTH, Line, _decades, _round_ticks, _thin, bar_chart, line_chart
from cortado.report.curves import run_charts
from cortado.report.page import page, stack_svg
from cortado.report.runs import Run

LOG = Path(__file__).parents[1] / "reference" / "logs" / "train.log"


def points(chart: str) -> list[list[tuple[float, float]]]:
    found = re.findall(r'class="line c\d"[^>]* d="M([-\d. L]+)"><title>', chart)
    return [[tuple(map(float, p.split())) for p in d.split("L")] for d in found]  # type: ignore[misc]


def test_points_are_where_the_ticks_say() -> None:
    chart = line_chart("t", [Line("a", [(0, 0.0), (50, 1.0), (100, 2.0)])], log=False)
    ((first, middle, last),) = points(chart)
    assert first[0] == LEFT
    assert last[1] == TOP
    assert middle[0] == pytest.approx((first[0] + last[0]) / 2, abs=0.1)
    assert middle[1] == pytest.approx((first[1] + last[1]) / 2, abs=0.1)


def test_log_axis_where_values_span_decades() -> None:
    chart = line_chart("t", [Line("a", [(0, 1e-4), (1, 1e-2), (2, 1.0)])])
    assert "(log scale)" in chart
    ((a, b, c),) = points(chart)
    assert b[1] - a[1] == pytest.approx(c[1] - b[1], abs=0.2)


@pytest.mark.parametrize("values", [[], [1.0], [2.0, 2.0], [math.nan, 1.0, math.inf, 3.0], [0.0, 0.0], [-1e-9, 1e9]])
def test_odd_values(values: list[float]) -> None:
    chart = line_chart("<&>", [Line("a", list(enumerate(values)))])
    ElementTree.fromstring(chart)
    assert "nan" not in chart
    assert "inf" not in chart


def test_long_lines_keep_their_peaks() -> None:
    values = [(i, 0.0) for i in range(100_000)]
    values[77_777] = (77_777, 5.0)
    thin = _thin(values)
    assert len(thin) < 1300
    assert (77_777, 5.0) in thin
    assert thin[0] == values[0]
    assert thin[-1] == values[-1]


def test_ticks() -> None:
    assert _round_ticks(0, 1) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert _round_ticks(0, 450) == [0, 100, 200, 300, 400]
    assert _decades(-4, 0) == [1e-4, 1e-3, 1e-2, 1e-1, 1]


def test_bars() -> None:
    chart = bar_chart("t", ["a", "b"], [1.0, -2.0])
    heights = [float(h) for h in re.findall(r'height="([\d.]+)"><title>', chart)]
    assert heights[1] == pytest.approx(2 * heights[0], rel=0.01)
    ElementTree.fromstring(chart)


def test_one_run_and_several() -> None:
    one = Run("a", {"loss": [(0, 1.0), (1, 0.5)], "test accuracy": [(0, 0.1), (1, 0.9)], "test loss": [(0, 1.1)]})
    two = Run("b", {"loss": [(0, 2.0), (1, 0.7)], "lr": [(0, 0.1), (1, 0.1)]})
    alone = run_charts([one])
    assert len(alone) == 2
    assert ">loss<" in alone[0]
    both = run_charts([one, two])
    assert len(both) == 3
    assert ">b: loss<" in both[0]
    assert run_charts([one, two], ["test accuracy"])[0].count('class="line') == 2  # the line and its legend


def test_files_are_well_formed() -> None:
    charts = run_charts([Run("a", {"loss": [(0, 1.0), (1, 0.5)], "lr": [(0, 1.0), (2, 0.5)]})])
    root = ElementTree.fromstring(stack_svg(charts))
    assert root.get("viewBox") == f"0 0 {WIDTH} {2 * (HEIGHT + 18)}"
    assert "https:" not in page("t", "".join(charts))


def test_plot_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.log").write_text(LOG.read_text())
    run = CliRunner().invoke(program, ["plot", "--help"])
    words = next(line for line in run.output.splitlines() if "Example:" in line).split()[2:]
    assert CliRunner().invoke(program, words).exit_code == 0
    ElementTree.parse("curves.svg")
    assert CliRunner().invoke(program, ["plot", "train.log", "train.log", "-o", "c.html"]).exit_code == 0
    assert CliRunner().invoke(program, ["plot", "train.log", "-o", "c.gif"]).exit_code == 2
    listed = CliRunner().invoke(program, ["plot", "train.log", "--list"]).output
    assert "train: loss = " in listed
    wrong = CliRunner().invoke(program, ["plot", "train.log", "--series", "los"])
    assert "did you mean 'loss'" in wrong.output
