"""Whole nets: names, order, shapes, splits, sharing, who needs a gradient; values where there are some."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from cortado import pycaffe

FOLDER = "nets"
NETS = {path.stem: json.loads(path.read_text()) for path in sorted((Path(__file__).parent / FOLDER).glob("*.json"))}
CASES = [(name, index) for name, net in NETS.items() if "states" in net for index in range(len(net["states"]))]

OTHER_LOSS_WEIGHTS = {
    # Caffe moves the weight to the Split and then gives the loss layer its default weight again, so that the total it
    # reports counts the loss (2 + 1) times, while its gradients count it twice, as ours do.
    "loss_top_reused": {"loss_loss_0_split_0": 2.0},
}


@pytest.mark.parametrize(("name", "index"), CASES)
def test_net(name: str, index: int, inside: Path, reference: SimpleNamespace) -> None:
    state = NETS[name]["states"][index]
    phase = getattr(pycaffe, state["phase"])
    net = pycaffe.Net(f"{name}.prototxt", phase, level=state.get("level") or 0, stages=state.get("stages"))
    assert net._layer_names == state["layer_names"]
    assert [layer.type for layer in net.layers] == state["layer_types"]
    assert list(net.blobs) == state["blob_names"]
    assert net.inputs == state["inputs"]
    assert net.outputs == state["outputs"]
    assert {n: list(net.blobs[n].shape) for n in state["blob_shapes"]} == state["blob_shapes"]
    shapes = {layer: [list(b.shape) for b in net.params[layer]] for layer in state["param_shapes"]}
    assert shapes == state["param_shapes"]
    assert dict(net.top_names) == state["tops"]
    assert dict(net.bottom_names) == state["bottoms"]
    weights = {k: v for k, v in net.blob_loss_weights.items() if v}
    assert weights == pytest.approx(OTHER_LOSS_WEIGHTS.get(name, state["loss_weights"]))
    needs = [step.layer.name for step in reversed(net.net.steps) if step.runs_backward]
    # Caffe's log, where these come from, also names the layers inside its recurrent ones
    assert needs == [name for name in state["needs_backward"] if name in state["layer_names"]]
    if state.get("npz"):
        with reference.load(inside / state["npz"]) as data:
            reference.feed(net, data)
            net.forward()
            for key, value in data.items():
                if key.startswith("out."):
                    reference.close(key, net.blobs[key[4:]].data, value)
            if any(k.startswith(("botdiff.", "paramdiff.")) for k in data):
                reference.check_gradients(net, data, state.get("no_diff") or [])


def test_sharing(inside: Path) -> None:
    """Who owns a shared parameter."""
    for name, definition in NETS.items():
        for state in definition.get("states", []):
            if not state.get("sharing"):
                continue
            net = pycaffe.Net(
                f"{name}.prototxt",
                getattr(pycaffe, state["phase"]),
                level=state.get("level") or 0,
                stages=state.get("stages"),
            )
            owners = {(p.name, p.layer.name, str(p.index)) for p in net.net.learnable if p.name}
            named = {tuple(map(str, row)) for row in state["sharing"] if row[1] in state["layer_names"]}
            assert named <= owners
