"""A net in pictures: tiles and shades by hand, what is shown of a net, ``cortado pictures``."""

from __future__ import annotations

import io
import re
import shlex
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from cortado.cli import program
from cortado.errors import NetError
from cortado.netdef import Net
from cortado.plugins import plugin_manager
from cortado.proto import parse_net
from cortado.report import anatomy
from cortado.report.histogram import BINS, histogram
from cortado.report.tiles import NEGATIVE, POSITIVE, ZERO, fit, shades, tiles

TEXT = """layer { name: "data" type: "%s" top: "data" %s }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
        convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "conv2" type: "Convolution" bottom: "conv1" top: "conv2"
        convolution_param { num_output: 5 kernel_size: 2 weight_filler { type: "xavier" } } }
layer { name: "ip" type: "InnerProduct" bottom: "conv2" top: "ip"
        inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }
"""
DUMMY = TEXT % (
    "DummyData",
    'dummy_data_param { shape { dim: 2 dim: 3 dim: 9 dim: 8 } data_filler { type: "uniform" } }',
)
DEPLOY = TEXT % ("Input", "input_param { shape { dim: 1 dim: 3 dim: 9 dim: 8 } }")


def make(text: str) -> Net:
    return Net(parse_net(text, "n", plugin_manager().schema()), phase=1, seed=1)


def test_tiles() -> None:
    parts = np.arange(1, 7, dtype=np.uint8).repeat(6).reshape(6, 2, 3, 1)
    grid = tiles(parts, gap=9)
    assert grid.shape == (5, 11, 1)  # rows of three are full
    assert grid[0, :, 0].tolist() == [1, 1, 1, 9, 2, 2, 2, 9, 3, 3, 3]
    assert grid[3, 0, 0] == 4
    assert set(grid[2].ravel()) == {9}
    assert tiles(parts, columns=1, line=2).shape == (22, 3, 1)


def test_shades() -> None:
    for values, wanted in (
        ([0, 4], [ZERO, (255, 255, 255)]),
        ([0, -4, 4], [ZERO, NEGATIVE, POSITIVE]),
        ([np.nan, np.inf], [ZERO, ZERO]),
        ([], []),
    ):
        assert shades(np.array(values, float)).tolist() == np.reshape(wanted, (-1, 3)).tolist()
    crowd = np.r_[np.ones(999), 1e6]
    assert shades(crowd)[0].tolist() == [255, 255, 255]


def test_sizes_that_can_be_looked_at() -> None:
    assert fit(np.ones((2, 5, 5))).shape == (2, 25, 25)
    large = np.arange(4.0).reshape(1, 2, 2).repeat(112, 1).repeat(112, 2)
    np.testing.assert_array_equal(fit(large), np.arange(4.0).reshape(1, 2, 2).repeat(56, 1).repeat(56, 2))


def test_histogram() -> None:
    values = np.r_[np.full(30, -1.0), np.full(10, 3.0), np.nan]
    root = ElementTree.fromstring(histogram("<w>", values, "note"))
    rects = [one for one in root.iter() if one.tag.endswith("rect")]
    assert len(rects) == BINS
    heights = [float(one.attrib["height"]) for one in rects]
    assert heights[0] == pytest.approx(3 * heights[-1], rel=0.01)
    assert set(heights[1:-1]) == {0}
    words = [one.text for one in root.iter() if one.tag.endswith("text")]
    assert words == ["<w>", "1 not finite; note", "0", "-1", "3"]


def test_filters() -> None:
    net = make(DUMMY)
    (first,) = anatomy.filters(net)
    assert (first.name, first.file) == ("conv1", "filters-conv1.png")
    assert first.pixels is not None
    assert first.pixels.shape[2] == 3
    (second,) = anatomy.filters(net, ["conv2"])
    assert "5 of 5 filters in rows, 4 of 4 channels" in second.note
    with pytest.raises(NetError, match=r"no layer 'conv' with filters .*did you mean 'conv[12]'"):
        anatomy.filters(net, ["conv"])
    with pytest.raises(NetError, match="no layer 'ip' with filters"):
        anatomy.filters(net, ["ip"])


def test_rows_of_a_linear_classifier_are_filters() -> None:
    text = (
        DEPLOY.splitlines()[0]
        + """
        layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
                inner_product_param { num_output: 7 weight_filler { type: "xavier" } } }"""
    )
    (only,) = anatomy.filters(make(text))
    assert only.note.startswith("7x3x9x8")


def test_activations() -> None:
    net = make(DUMMY)
    net.forward()
    net.blobs["conv1"].data[1, 2:] = 0
    net.blobs["prob"].data[1] = np.eye(10)[6]
    found = {one.name: one for one in anatomy.activations(net, record=1)}
    assert list(found) == ["conv1", "conv2", "ip", "prob"]
    assert "2 of 4 channels all zero" in found["conv1"].note
    assert found["conv1"].note.startswith("4x7x6, 0 to ")
    assert found["prob"].note.endswith("one square a unit")
    pixels = found["prob"].pixels
    assert pixels is not None
    brightest = int(pixels.sum(axis=(0, 2)).argmax()) // (pixels.shape[1] // 10)
    assert brightest == 6
    seen = anatomy.image(net, 1)
    assert seen is not None
    assert seen.note == "3x9x8, as the net gets it"
    assert [one.name for one in anatomy.activations(net, ["ip"])] == ["ip"]
    with pytest.raises(NetError, match=r"no blob 'conv' with activations .*did you mean"):
        anatomy.activations(net, ["conv"])


def test_histograms_of_learned_blobs() -> None:
    names = [one.name for one in anatomy.histograms(make(DUMMY))]
    assert names == [f"{layer}[{i}]" for layer in ("conv1", "conv2", "ip") for i in (0, 1)]


def run(*args: object) -> Result:
    return CliRunner().invoke(program, ["pictures", *(str(a) for a in args)])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A net, weights and an image in the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (20, 16, 3), np.uint8)).save("images/a.png")
    (tmp_path / "deploy.prototxt").write_text(DEPLOY)
    (tmp_path / "train.prototxt").write_text(DUMMY)
    make(DEPLOY).save("digits.caffemodel")
    return tmp_path


@pytest.mark.usefixtures("place")
def test_example_of_the_help() -> None:
    line = next(one for one in run("--help").output.splitlines() if "Example:" in one)
    result = run(*shlex.split(line)[3:])
    assert result.exit_code == 0, result.output
    assert "pictures.html: 1 filters, 5 activations, 6 weights" in result.output
    text = Path("pictures.html").read_text()
    assert text.count("<img ") == 6
    assert text.count('<svg class="chart"') == 6
    assert not re.search(r"(?:src|href)=[\"'](?!data:)", text)


def test_a_folder_of_pictures(place: Path) -> None:
    result = run("train.prototxt", "digits.caffemodel", "-o", "shown", "--activations", "conv2", "--record", 1)
    assert result.exit_code == 0, result.output
    names = sorted(path.name for path in (place / "shown").iterdir())
    assert names[:3] == ["activations-conv2.png", "filters-conv1.png", "histogram-conv1_0_.svg"]
    assert "image-data.png" in names
    assert len(names) == 9
    assert Image.open(io.BytesIO((place / "shown" / "filters-conv1.png").read_bytes())).mode == "RGB"
    ElementTree.fromstring((place / "shown" / "histogram-ip_1_.svg").read_text())


@pytest.mark.usefixtures("place")
def test_without_something_to_look_at() -> None:
    result = run("deploy.prototxt", "digits.caffemodel", "-o", "p.html")
    assert "p.html: 1 filters, 6 weights" in result.output
    result = run("deploy.prototxt", "digits.caffemodel", "--activations", "ip")
    assert result.exit_code == 2
    assert "give an IMAGE, or a net with data layers" in result.output
    result = run("deploy.prototxt", "digits.caffemodel", "-o", "p.jpg")
    assert result.exit_code == 2
    assert "--output is a .html file or a folder" in result.output
