"""``cortado report``: what the page holds, that it stands alone, judging by hand; pictures."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import cortado
from cortado import Solver
from cortado.cli import program
from cortado.plugins import plugin_manager
from cortado.proto import parse_net
from cortado.report.judging import judge
from cortado.report.pictures import filter_grid, image_tag, png, to_pixels
from cortado.report.run_report import make_report
from cortado.report.runs import Run
from cortado.solver.callbacks.jsonl import JsonLines

ROOT = Path(__file__).parents[2]


class Checker(HTMLParser):
    """Counts tags, and sees that they are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen[tag] = self.seen.get(tag, 0) + 1
        if tag not in ("meta", "img", "br", "link", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.seen[tag] = self.seen.get(tag, 0) + 1


@pytest.fixture
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A short run of the digits example, in the working directory."""
    pytest.importorskip("lmdb")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    fields = {"max_iter": 40, "display": 10, "test_interval": 20, "snapshot_prefix": "digits"}
    Solver("examples/digits/solver.prototxt", fields=fields, callbacks=[JsonLines("digits.metrics.jsonl")]).solve()
    return tmp_path


@pytest.mark.usefixtures("run_folder")
def test_the_page() -> None:
    text = CliRunner().invoke(program, ["report", "--help"]).output
    line = next(one for one in text.splitlines() if "Example:" in one)
    result = CliRunner().invoke(program, line.split()[2:])
    assert result.exit_code == 0, result.output
    page = Path("report.html").read_text()
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    for title in ("Curves", "Confusion matrix", "Worst mistakes", "Activations", "First-layer filters", "Weights",
                  "Net: Digits", "Versions"):  # fmt: skip
        assert f"<h2>{title}</h2>" in page
    assert checker.seen["img"] > 5
    assert "prefers-color-scheme: dark" in page
    assert 'name="viewport"' in page
    assert not re.search(r"(?:src|href)=[\"'](?!data:)", page)


def test_a_log_alone_gives_curves(tmp_path: Path) -> None:
    log = Path(__file__).parents[1] / "reference" / "logs" / "train.log"
    result = CliRunner().invoke(program, ["report", str(log), "-o", str(tmp_path / "r.html")])
    assert result.exit_code == 0
    assert "no solver file" in result.output
    assert "Confusion" not in (tmp_path / "r.html").read_text()


def test_names_are_escaped() -> None:
    assert "<script>x" not in make_report(Run("<script>x", {"loss": [(0, 1.0)]}))


def test_judging() -> None:
    text = """layer { name: "d" type: "MemoryData" top: "x" top: "y"
            memory_data_param { batch_size: 3 channels: 3 height: 1 width: 1 } }
        layer { name: "f" type: "Flatten" bottom: "x" top: "f" }
        layer { name: "l" type: "SoftmaxWithLoss" bottom: "f" bottom: "y" top: "l" }"""
    net = cortado.Net(parse_net(text, "n", plugin_manager().schema()))
    scores = np.array([[5, 0, 0], [0, 5, 0], [0, 9, 0], [0, 0, 5], [3, 0, 2], [1, 0, 0]], np.float32)
    net.layers[0].reset(scores.reshape(6, 3, 1, 1), np.array([0, 1, 0, 2, 2, 1], np.float32))  # type: ignore[attr-defined]
    found = judge(net, 2)
    assert found is not None
    assert found.confusion.tolist() == [[1, 1, 0], [1, 1, 0], [1, 0, 1]]
    assert found.accuracy == 0.5
    assert [(m.label, m.predicted) for m in found.mistakes] == [(0, 1), (1, 0), (2, 0)]
    assert found.mistakes[0].chance < 1e-3


def test_png_is_read_by_others() -> None:
    rng = np.random.default_rng(0)
    for shape in ((3, 5), (4, 6, 3)):
        pixels = rng.integers(0, 255, shape, np.uint8)
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png(pixels)))), pixels)
    data = re.search(r"base64,([^\"]+)", image_tag(pixels, "<a>"))
    assert data is not None
    assert base64.b64decode(data[1]) == png(pixels)
    assert "&lt;a&gt;" in image_tag(pixels, "<a>")


def test_pixels_and_filters() -> None:
    blue = np.zeros((3, 2, 2))
    blue[0] = 7
    assert to_pixels(blue)[0, 0].tolist() == [0, 0, 255]
    assert to_pixels(np.full((1, 2, 2), np.nan)).shape == (2, 2)
    weights = np.zeros((5, 3, 2, 2))
    weights[1, 2] = -0.5
    grid = filter_grid(weights)
    assert grid.shape == (66, 134, 3)
    assert grid[0, 34].tolist() == [1, 128, 128]
    assert grid[0, 0].tolist() == [128, 128, 128]


def test_notebook() -> None:
    text = """layer { name: "in" type: "Input" top: "x<" input_param { shape { dim: 2 dim: 3 dim: 20 dim: 20 } } }
        layer { name: "c" type: "Convolution" bottom: "x<" top: "c"
                convolution_param { num_output: 4 kernel_size: 5 } }"""
    net = cortado.Net(parse_net(text, "n", plugin_manager().schema()), seed=1)
    page = net._repr_html_()
    assert "x&lt; 2x3x20x20" in page
    assert "304" in page
    blob = net.blobs["x<"]
    assert "without data yet" in blob._repr_html_()
    assert blob.nbytes == 0
    blob.data[...] = 1
    blob.data[0, 0, 0, 0] = np.nan
    page = blob._repr_html_()
    assert "1 NaN or infinite" in page
    assert page.count("<img") == 2
    net.params["c"][0].data[...] = 0.5
    assert net.params["c"][0]._repr_html_().count("<img") == 1


@pytest.mark.usefixtures("run_folder")
def test_notebook_of_a_solver() -> None:
    solver = Solver("examples/digits/solver.prototxt")
    solver.test()
    page = solver._repr_html_()
    assert "SGD solver" in page
    assert "iteration 0 of 600" in page
    assert "accuracy = " in page
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
