"""Every layer case: forward, loss, changed parameters, gradients."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cortado import pycaffe

FOLDER = "layers"
CASES = json.loads((Path(__file__).parent / FOLDER / "index.json").read_text())


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if not c.get("random")])
def test_layer(name: str, inside: Path, reference: SimpleNamespace) -> None:
    case = CASES[name]
    tol = _tolerance(case.get("tol"))
    with reference.load(inside / f"{name}.npz") as data:
        net = pycaffe.Net(f"{name}.prototxt", getattr(pycaffe, case["phase"]))
        reference.feed(net, data)
        for prefix in ("out", "out2") if any(k.startswith("out2.") for k in data) else ("out",):
            if prefix == "out2":
                reference.feed(net, {"in." + k[4:]: v for k, v in data.items() if k.startswith("in2.")})
            loss = net.net.forward()
            for key, value in data.items():
                if key.startswith(prefix + "."):
                    reference.close(key, net.blobs[key.partition(".")[2]].data, value, **tol)
            total = data.get("loss2" if prefix == "out2" else "loss")
            if total is not None:
                reference.close("loss", np.asarray(loss).reshape(total.shape), total, **tol)
        reference.check_params(net, data, "param_after.", **tol)
        if case["backward"]:
            reference.check_gradients(net, data, case.get("no_diff") or [], **tol)


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if c.get("random")])
def test_random_layer(name: str, inside: Path, reference: SimpleNamespace) -> None:
    """Dropout: kept elements are scaled by 1 / (1 - ratio), about as many are dropped, backward uses the same mask."""
    with reference.load(inside / f"{name}.npz") as data:
        net = pycaffe.Net(f"{name}.prototxt", getattr(pycaffe, CASES[name]["phase"]))
        reference.feed(net, data)
        mask = next(v for k, v in data.items() if k.startswith("mask."))
        top = net.net.steps[-1].top[0]
        bottom = net.net.steps[-1].bottom[0]
        x = bottom.data.copy()
        net.forward()
        y = top.data.copy()
        kept = y != 0
        assert abs(kept.mean() - mask.astype(bool).mean()) < 0.25
        scales = np.unique(np.round(y[kept] / x[kept], 3))
        assert len(scales) == 1
        top.diff[...] = 1
        net.backward()
        np.testing.assert_allclose(bottom.diff, kept * scales[0], rtol=1e-3)


def _tolerance(tol: Any) -> dict[str, float]:
    if isinstance(tol, dict):
        return {k: tol[k] for k in ("rtol", "atol") if k in tol}
    return {"atol": tol} if tol else {}
