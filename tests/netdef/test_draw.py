"""Draw: well-formed pictures, boxes that do not overlap, edges that go down, in-place chains in one box."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from cortado.netdef.draw import _fold, draw_html, draw_png, draw_svg
from cortado.netdef.draw_layout import Box, Edge, place
from cortado.netdef.draw_style import category, details
from cortado.netdef.summary import Summary, summarize

SVG = "{http://www.w3.org/2000/svg}"
BRANCHES = """name: "two <branches>"
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "c1" type: "Convolution" bottom: "x" top: "c1"
        convolution_param { num_output: 4 kernel_size: 3 pad: 1 stride: 2 } }
layer { name: "r1" type: "ReLU" bottom: "c1" top: "c1" }
layer { name: "a" type: "Convolution" bottom: "c1" top: "a" convolution_param { num_output: 4 kernel_size: 1 } }
layer { name: "b" type: "Convolution" bottom: "a" top: "b"
        convolution_param { num_output: 4 kernel_h: 1 kernel_w: 3 pad_w: 1 group: 2 } }
layer { name: "e" type: "Eltwise" bottom: "b" bottom: "c1" top: "e" eltwise_param { operation: MAX } }
layer { name: "r2" type: "ReLU" bottom: "e" top: "e" }
layer { name: "p" type: "Pooling" bottom: "e" top: "p" pooling_param { pool: AVE global_pooling: true } }
"""


@pytest.fixture
def summary(parse: Callable[[str], Any]) -> Summary:
    return summarize(parse(BRANCHES))


def test_in_place_layers_share_a_box(summary: Summary) -> None:
    nodes, links = _fold(summary)
    assert [" ".join(row.name for row in node.rows) for node in nodes] == ["in", "c1 r1", "a", "b", "e r2", "p"]
    assert sorted(links) == [(0, 0, 1), (1, 0, 2), (1, 0, 4), (2, 0, 3), (3, 0, 4), (4, 0, 5)]


def test_svg_names_layers_and_shapes(summary: Summary) -> None:
    root = ElementTree.fromstring(draw_svg(summary))
    texts = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert "c1Convolution 4, 3x3 /2 pad 1" in texts
    assert texts.count("1x4x4x4") == 4
    assert len(list(root.iter(f"{SVG}g"))) == 6
    assert next(root.iter(f"{SVG}title")).text == "two <branches>"


def test_details(summary: Summary) -> None:
    told = {row.name: details(row) for row in summary.layers}
    assert told["b"] == "Convolution 4, 1x3 pad 0x1 group 2"
    assert told["e"] == "Eltwise MAX"
    assert told["p"] == "Pooling AVE global"
    assert category(summary.layers[1]) == "conv"


def test_a_layer_type_of_a_plugin_is_drawn(summary: Summary) -> None:
    summary.layers[2].type = "Cube"
    assert category(summary.layers[2]) == "other"
    assert "Cube" in draw_svg(summary)


def test_html_stands_alone(summary: Summary) -> None:
    page = draw_html(summary)
    assert page.count("<svg") == 1
    assert "two &lt;branches&gt;" in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")


def test_png(summary: Summary, tmp_path: Path) -> None:
    pytest.importorskip("resvg_py")
    draw_png(summary, tmp_path / "net.png")
    draw_png(summary, tmp_path / "dark.png", dark=True)
    light, dark = (tmp_path / "net.png").read_bytes(), (tmp_path / "dark.png").read_bytes()
    assert light[:4] == dark[:4] == b"\x89PNG"
    assert light != dark


@pytest.mark.parametrize("skip", [2, 5, 9])
def test_layout_of_a_ladder(skip: int) -> None:
    """Chains with long edges beside them: boxes keep their distance, edges go down and past the boxes."""
    boxes = [Box(80 + 7 * (i % 3), 30) for i in range(24)]
    edges = [Edge(i, i + 1) for i in range(23)] + [Edge(i, i + skip) for i in range(0, 24 - skip, 3)]
    width, height = place(boxes, edges)
    for a, b in pairwise(sorted(boxes, key=lambda box: (box.rank, box.x))):
        if a.rank == b.rank:
            assert b.x - a.x >= (a.width + b.width) / 2 + 20
        else:
            assert b.y >= a.y + a.height
    for edge in edges:
        ys = [y for _, y in edge.points]
        assert ys == sorted(ys)
        for box in boxes:
            for (x0, y0), (x1, y1) in pairwise(edge.points[1:-1]):
                if x0 == x1 and y0 <= box.y and box.y + box.height <= y1:
                    assert abs(x0 - box.x) > box.width / 2
    assert all(box.x - box.width / 2 >= 0 and box.x + box.width / 2 <= width for box in boxes)
    assert all(box.y + box.height <= height for box in boxes)


def test_layout_of_branches_is_straight() -> None:
    """An inception module: what stands alone on its rank stands on one axis, and branches do not cross."""
    boxes = [Box(60, 30) for _ in range(8)]
    edges = [Edge(0, 1), *(Edge(1, i) for i in (2, 3, 4)), Edge(2, 5), Edge(3, 6), Edge(4, 7), Edge(5, 7), Edge(6, 7)]
    place(boxes, edges)
    assert boxes[0].x == pytest.approx(boxes[1].x)
    assert boxes[0].x == pytest.approx(boxes[7].x)
    upper = [i for _, i in sorted((boxes[i].x, i) for i in (2, 3))]
    lower = [i - 3 for _, i in sorted((boxes[i].x, i) for i in (5, 6))]
    assert upper == lower


def test_a_net_of_hundreds_of_layers(parse: Callable[[str], Any]) -> None:
    """Fifty residual blocks: everything in one picture, in a column of two lanes."""
    text = 'layer { name: "in" type: "Input" top: "x0" input_param { shape { dim: 1 dim: 4 dim: 8 dim: 8 } } }\n'
    for i in range(50):
        text += f"""layer {{ name: "a{i}" type: "Convolution" bottom: "x{i}" top: "a{i}"
                convolution_param {{ num_output: 4 kernel_size: 3 pad: 1 }} }}
            layer {{ name: "bn{i}" type: "BatchNorm" bottom: "a{i}" top: "a{i}" }}
            layer {{ name: "sc{i}" type: "Scale" bottom: "a{i}" top: "a{i}" }}
            layer {{ name: "b{i}" type: "Convolution" bottom: "a{i}" top: "b{i}"
                convolution_param {{ num_output: 4 kernel_size: 3 pad: 1 }} }}
            layer {{ name: "e{i}" type: "Eltwise" bottom: "b{i}" bottom: "x{i}" top: "x{i + 1}" }}
            layer {{ name: "r{i}" type: "ReLU" bottom: "x{i + 1}" top: "x{i + 1}" }}"""
    root = ElementTree.fromstring(draw_svg(summarize(parse(text))))
    assert len(list(root.iter(f"{SVG}g"))) == 151
    assert float(root.get("width", "0")) < 700
