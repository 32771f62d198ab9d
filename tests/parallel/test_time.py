"""``cortado time`` under mpirun tells what the sum of each bucket takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NET = """
layer { name: "in" type: "DummyData" top: "x" dummy_data_param { shape { dim: 2 dim: 6 } data_filler { value: 1 } } }
layer { name: "wide" type: "InnerProduct" bottom: "x" top: "wide" inner_product_param { num_output: 40
  weight_filler { type: "xavier" } } }
layer { name: "narrow" type: "InnerProduct" bottom: "wide" top: "y" inner_product_param { num_output: 4
  weight_filler { type: "xavier" } } }
layer { name: "loss" type: "Reduction" bottom: "y" top: "loss" loss_weight: 1 }
"""
SUMS = [("narrow[0]", 4 * 40 * 4), ("narrow[1]", 4 * 4), ("wide[0]", 4 * 6 * 40), ("wide[1]", 4 * 40)]


def test_buckets_have_lines_of_their_own(cortado: Any, tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(NET)
    arguments = ["time", "net.prototxt", "--iterations", "2", "--engine", "reference"]
    buckets = json.loads(cortado(2, *arguments, "--json"))["buckets"]
    assert [(row["layers"], row["bytes"]) for row in buckets] == SUMS
    assert all(row["ms"] > 0 for row in buckets)
    text = cortado(2, *arguments)
    assert "(2 ranks)" in text
    assert text.count("Average sum over ranks") == 1  # one rank tells
    assert all(row["layers"] in text for row in buckets)
