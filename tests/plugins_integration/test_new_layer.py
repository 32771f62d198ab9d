"""What ``cortado new-layer`` writes: installed for real, its tests pass, and it takes part in a net."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Environment

NET = """
layer { name: "x" type: "DummyData" top: "x"
        dummy_data_param { shape { dim: 8 dim: 4 } data_filler { type: "gaussian" } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip"
        inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "mine" type: "SoftBend" bottom: "ip" top: "y" soft_bend_param { scale: 0.5 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "x" top: "loss" }
"""
SOLVER = 'net: "bend.prototxt" base_lr: 0.1 lr_policy: "fixed" momentum: 0.5 max_iter: 100 display: 20 random_seed: 1\n'


@pytest.fixture(scope="module")
def author(scratch_environment: Environment) -> Environment:
    """An environment in which a new package was written and installed."""
    out = scratch_environment.cortado("new-layer", "SoftBend").stdout
    assert "cortado-soft-bend/src/cortado_soft_bend/soft_bend.py" in out
    scratch_environment.install(scratch_environment.folder / "cortado-soft-bend")
    for name, text in (("bend.prototxt", NET), ("bend_solver.prototxt", SOLVER)):
        scratch_environment.folder.joinpath(name).write_text(text)
    return scratch_environment


def test_its_tests_pass(author: Environment, kit: list[str]) -> None:
    done = author.run("-m", "pytest", "-q", *kit, folder="cortado-soft-bend")
    assert re.search(r"^4\d passed", done.stdout, re.M), done.stdout


def test_it_is_listed_and_trains_in_a_net(author: Environment) -> None:
    (row,) = json.loads(author.cortado("plugins", "list", "--json").stdout)
    assert (row["distribution"], row["version"], row["registers"]) == (
        "cortado-soft-bend",
        "0.1.0",
        {"layers": ["SoftBend"]},
    )
    assert "0 problems" in author.cortado("plugins", "doctor").stdout
    log = author.cortado("train", "bend_solver.prototxt").stderr
    losses = [float(x) for x in re.findall(r"Iteration \d+ .*loss = ([\d.]+)", log)]
    assert losses[-1] < 0.5 * losses[0], log


def test_another_parameter_is_one_line_more(author: Environment, kit: list[str]) -> None:
    home = author.folder / "cortado-soft-bend"
    path = home / "src" / "cortado_soft_bend" / "soft_bend.py"
    text = path.read_text()
    line = '    offset = Float(2, default=0, maximum=9, doc="what is added")\n'
    path.write_text(re.sub(r"(?m)^    scale = .*\n", lambda found: found[0] + line, text))
    try:
        failed = author.run("-m", "pytest", "-q", *kit, folder="cortado-soft-bend", expect=1).stdout
        assert "docs/soft_bend.md says nothing about offset" in failed
        assert "1 failed, 44 passed" in failed, failed
        code = "import cortado; net = cortado.Net('more.prototxt'); print(net.layers[-1].param.offset)"
        author.folder.joinpath("more.prototxt").write_text(
            'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 } } }\n'
            'layer { name: "m" type: "SoftBend" bottom: "x" top: "y" soft_bend_param { offset: 4 } }\n'
        )
        assert author.run("-c", code, env={"PYTHONPATH": str(home / "src")}).stdout == "4.0\n"
    finally:
        path.write_text(text)


def test_one_file(author: Environment) -> None:
    author.cortado("new-layer", "OneFile", "--one-file", "--dir", "mine")
    folder = str(author.folder / "mine")
    net = NET.replace("SoftBend", "OneFile").replace("soft_bend", "one_file")
    author.folder.joinpath("bend.prototxt").write_text(net)
    try:
        assert "no field 'one_file_param'" in author.cortado("check", "bend.prototxt", expect=1).stdout
        assert author.cortado("--plugins-dir", folder, "check", "bend.prototxt").stdout.startswith("ok")
        assert author.cortado("check", "bend.prototxt", env={"CORTADO_PLUGINS_DIR": folder}).stdout.startswith("ok")
        author.cortado("--plugins-dir", "mine", "train", "bend_solver.prototxt", "--iterations", "2")
    finally:
        author.folder.joinpath("bend.prototxt").write_text(NET)
