"""A layer with typed parameters, an optimizer and a regularizer of somebody else's, installed and trained with."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cortado.proto import Schema

if TYPE_CHECKING:
    from .conftest import Environment

NUMBER = 183_204_511
"""The number of ``scaled_tanh_param`` on the wire."""


def test_the_plugin_is_listed_with_its_version_and_what_it_brings(stranger: Environment) -> None:
    rows = json.loads(stranger.cortado("plugins", "list", "--json").stdout)
    (row,) = [row for row in rows if row["plugin"] == "acme"]
    assert (row["distribution"], row["version"], row["error"]) == ("acme-cortado", "1.2.0", "")
    assert row["registers"] == {"layers": ["ScaledTanH"], "optimizers": ["PowerSign"], "regularizers": ["CappedDecay"]}
    assert "0 problems" in stranger.cortado("plugins", "doctor").stdout


def test_it_trains_from_prototxt(stranger: Environment) -> None:
    assert "ok" in stranger.cortado("check", "solver.prototxt", "net.prototxt").stdout
    log = stranger.cortado("train", "solver.prototxt").stderr
    losses = [float(x) for x in re.findall(r"loss = ([\d.]+)", log) if x]
    assert losses[-1] < 0.6 * losses[0], log
    assert (stranger.folder / "stranger_iter_200.caffemodel").exists()


def test_the_field_keeps_its_number_in_files_that_others_read(stranger: Environment) -> None:
    stranger.cortado("train", "solver.prototxt", "--iterations", "1")
    data = (stranger.folder / "stranger_iter_1.caffemodel").read_bytes()
    tag = NUMBER << 3 | 2
    encoded = bytes((tag >> 7 * i & 0x7F) | (0x80 if tag >> 7 * (i + 1) else 0) for i in range(5) if tag >> 7 * i)
    assert encoded in data
    net = Schema.stock().NetParameter.FromString(data)
    assert encoded in net.SerializeToString(), "a reader without the plugin keeps the field"


def test_it_trains_through_the_interface(stranger: Environment) -> None:
    script = """
import cortado
solver = cortado.Solver("solver.prototxt", seed=3)
metrics = [m for m in solver.train(100)]
assert metrics[-1].loss < 0.6 * metrics[0].loss, (metrics[0], metrics[-1])
assert type(solver.optimizer).__module__ == "acme_cortado.power_sign"
w = solver.net.params["ip1"][0].data
assert solver.regularizer.loss(w, 1.0) > 0
net = cortado.Net("net.prototxt", phase=cortado.Phase.TRAIN)
layer = net.layers[net.layer_index("squash")]
assert (layer.param.height, layer.param.slope, layer.hard) == (1.5, 0.5, False)
print(abs(net()["loss"]) < 1e3)
"""
    assert stranger.run("-c", script).stdout.strip() == "True"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("height: 1.5", "height: -1", r"bad.prototxt:20:31: .*height.*must be greater than 0; got -1"),
        ("slope: 0.5", "slope: 200", r"bad.prototxt:20:42: .*must be greater than 0 and at most 100; got 200"),
        ("slope: 0.5", "shape: ROUND", r"bad.prototxt:20:42: .*one of SMOOTH, HARD; got ROUND"),
        ("slope: 0.5", "slop: 0.5", r"bad.prototxt:20:35: .*no field 'slop'.*did you mean 'slope'"),
        (
            '"ScaledTanH"',
            '"ScaledTanh"',
            r"bad.prototxt:17:3: .*unknown layer type 'ScaledTanh' \(did you mean 'ScaledTanH'",
        ),
    ],
)
def test_mistakes_are_refused_at_their_line(stranger: Environment, old: str, new: str, message: str) -> None:
    text = (stranger.folder / "net.prototxt").read_text()
    (stranger.folder / "bad.prototxt").write_text(text.replace(old, new))
    out = stranger.cortado("check", "bad.prototxt", expect=1).stdout
    assert re.search(message, out), out


def test_a_solver_field_outside_its_range_is_refused_at_its_line(stranger: Environment) -> None:
    text = (stranger.folder / "solver.prototxt").read_text()
    (stranger.folder / "bad_solver.prototxt").write_text(text.replace("beta: 0.98", "beta: 1"))
    error = stranger.cortado("train", "bad_solver.prototxt", expect=1).stderr
    assert re.search(
        r"bad_solver.prototxt:3:34: PowerSignParameter.beta: must be at least 0 and less than 1; got 1", error
    )


def test_switched_off_its_types_are_unknown_and_the_message_says_why(stranger: Environment) -> None:
    off = {"CORTADO_DISABLE_PLUGINS": "acme"}
    text = '{ layer { type: "ScaledTanH" name: "x" bottom: "x" top: "y" } }'
    (stranger.folder / "off.prototxt").write_text(text[1:-1])
    error = stranger.cortado("check", "off.prototxt", expect=1, env=off).stdout
    assert "unknown layer type 'ScaledTanH'" in error
    assert "switched off: acme (acme-cortado 1.2.0)" in error
    (row,) = json.loads(stranger.cortado("plugins", "list", "--json", env={"CORTADO_PLUGINS": ""}).stdout)
    assert (row["plugin"], row["status"], row["registers"]) == ("acme", "off", {})
    assert "ScaledTanH" not in stranger.cortado("--without-plugins", "acme", "layers").stdout
    assert "ScaledTanH" in stranger.cortado("--only-plugins", "acme-cortado", "layers").stdout


def test_its_own_tests_pass_with_the_kit(stranger: Environment, kit: list[str]) -> None:
    shutil.copytree(Path(__file__).with_name("acme-cortado") / "tests", stranger.folder / "tests")
    done = stranger.run("-m", "pytest", "-q", "-W", "error", *kit, "tests")
    assert re.search(r"\b6[0-9] passed", done.stdout), done.stdout
