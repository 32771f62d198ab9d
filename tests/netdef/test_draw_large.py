"""Pictures of large nets: GoogLeNet and ResNet-152 in full, nothing over anything else, no wider than a screen."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from cortado.netdef.draw import draw_svg
from cortado.netdef.spec import NetSpec, Top, layers as L, params as P  # noqa: N812 - their usual names
from cortado.netdef.summary import Summary, summarize
from cortado.plugins import plugin_manager
from cortado.plugins.dialects import read_net

MODELS = Path(__file__).parents[2] / "examples" / "models"
SVG = "{http://www.w3.org/2000/svg}"


def resnet152() -> Any:
    """All fifty blocks, at full size."""

    def conv(x: Top, count: int, size: int, stride: int = 1) -> Top:
        y = L.Convolution(x, num_output=count, kernel_size=size, stride=stride, pad=size // 2, bias_term=False)
        return L.Scale(L.BatchNorm(y, in_place=True), bias_term=True, in_place=True)

    n = NetSpec()
    n.data = L.Input(shape={"dim": [1, 3, 224, 224]})
    x = L.Pooling(L.ReLU(conv(n.data, 64, 7, 2), in_place=True), pool=P.Pooling.MAX, kernel_size=3, stride=2)
    for stage, blocks in enumerate((3, 8, 36, 3)):
        for block in range(blocks):
            width, stride = 64 * 2**stage, 2 if stage and not block else 1
            short = x if block else conv(x, 4 * width, 1, stride)
            y = L.ReLU(conv(x, width, 1, stride), in_place=True)
            y = conv(L.ReLU(conv(y, width, 3), in_place=True), 4 * width, 1)
            x = L.ReLU(L.Eltwise(short, y), in_place=True)
    n.pool = L.Pooling(x, pool=P.Pooling.AVE, global_pooling=True)
    n.prob = L.Softmax(L.InnerProduct(n.pool, num_output=1000))
    return n.to_proto()


def googlenet() -> Any:
    return read_net(MODELS / "googlenet.prototxt", plugin_manager())


@pytest.mark.parametrize(
    ("make", "rows", "boxes", "widest"),
    [
        (googlenet, 143, 1 + 1 + 1 + 1 + 2 + 1 + 1 + 9 * 8 + 2 + 1 + 1 + 1, 1400),  # data, stem, modules, pools, ends
        (resnet152, 671, 3 + 50 * 4 + 4 + 3, 800),  # data, conv1 and pool1; blocks; projections; pool, fc and prob
    ],
    ids=["googlenet", "resnet152"],
)
def test_a_large_net_is_readable(make: Callable[[], Any], rows: int, boxes: int, widest: float) -> None:
    summary = summarize(make())
    assert len(summary.layers) == rows
    root = ElementTree.fromstring(draw_svg(summary))
    width, height = (float(root.get(name, "0")) for name in ("width", "height"))
    assert width < widest
    places = _boxes(root)
    assert len(places) == boxes
    for x0, y0, x1, y1 in places:
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height
    for a, b in combinations(places, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], "boxes lie apart"
    _assert_every_layer_and_shape(root, summary)


def _boxes(root: ElementTree.Element) -> list[tuple[float, float, float, float]]:
    found = []
    for group in root.iter(f"{SVG}g"):
        rect = next(group.iter(f"{SVG}rect"))
        x, y, w, h = (float(rect.get(name, "nan")) for name in ("x", "y", "width", "height"))
        found.append((x, y, x + w, y + h))
    return found


def _assert_every_layer_and_shape(root: ElementTree.Element, summary: Summary) -> None:
    texts = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    for row in summary.layers:
        assert any(text.startswith(row.name) for text in texts), row.name
    shapes = {str(blob) for row in summary.layers for blob in row.tops}
    last = {str(blob) for blob in summary.layers[-1].tops}
    assert shapes - last <= set(texts), "shapes stand where edges begin"
