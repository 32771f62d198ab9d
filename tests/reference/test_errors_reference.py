"""Definitions that Caffe refuses are refused, with a Cortado error that names a place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import cortado
from cortado import pycaffe

FOLDER = "errors"
CASES = json.loads((Path(__file__).parent / FOLDER / "index.json").read_text())


@pytest.mark.parametrize("name", list(CASES))
def test_refused(name: str, inside: Path) -> None:
    case = CASES[name]
    with pytest.raises(cortado.CortadoError) as caught:
        _use(case)
    assert caught.value.where is not None, "the error says where"
    assert case["file"].removesuffix(".prototxt").split(".")[0] in str(caught.value) or "_net" in str(caught.value)


def _use(case: dict[str, str]) -> None:
    if case["kind"] == "solver":
        pycaffe.get_solver(case["file"]).step(1)
    else:
        pycaffe.Net(case["file"], getattr(pycaffe, case["phase"]))
