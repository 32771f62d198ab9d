"""``cortado predict``: the numbers of the data layer, the preprocessing beside the weights, folders, JSON."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from cortado.cli import program
from cortado.data import write_mean
from cortado.errors import ParameterError
from cortado.netdef import Net
from cortado.netdef.prepare import Preparation
from cortado.netdef.preprocessing import Preprocessing

DEPLOY = """layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 8 dim: 8 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }
"""
LIST = """layer { name: "data" type: "ImageData" top: "data" top: "label"
        transform_param { crop_size: 6 scale: 0.5 mean_value: 104 mean_value: 117 mean_value: 123 }
        image_data_param { source: "list.txt" batch_size: 2 new_height: 8 new_width: 9 } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""


def run(*args: object) -> Result:
    return CliRunner().invoke(program, ["predict", *(str(a) for a in args)])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three images of 20 x 16, a net and weights, in the working directory."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    for name in "abc":
        Image.fromarray(rng.integers(0, 255, (20, 16, 3), np.uint8)).save(tmp_path / "images" / f"{name}.png")
    (tmp_path / "images" / "notes.txt").write_text("no image")
    (tmp_path / "deploy.prototxt").write_text(DEPLOY)
    Net("deploy.prototxt", seed=1).save("digits.caffemodel")
    Preprocessing(scale=0.01, labels=["w", "x", "y", "z"]).save("digits.preprocessing.json")
    return tmp_path


@pytest.mark.usefixtures("place")
def test_example_of_the_help() -> None:
    line = next(one for one in run("--help").output.splitlines() if "Example:" in one)
    result = run(*shlex.split(line)[3:])
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0] == "images/a.png"
    assert len(lines) == 12
    assert lines[1].split()[1] in "wxyz"


@pytest.mark.usefixtures("place")
def test_json() -> None:
    result = run("deploy.prototxt", "digits.caffemodel", "images/b.png", "--json")
    told = json.loads(result.output)
    assert sum(told["scores"]) == pytest.approx(1, abs=1e-5)
    assert told["top"][0]["score"] == max(told["scores"])


def test_the_same_numbers_as_the_data_layer(place: Path) -> None:
    """A training net: its deploy net is derived, and its transform_param applied."""
    (place / "train.prototxt").write_text(LIST)
    (place / "list.txt").write_text("images/a.png 0\nimages/b.png 1\n")
    trained = Net("train.prototxt", seed=3)
    trained.save("t.caffemodel")
    trained.forward()
    scores = trained.blobs["ip"].data
    wanted = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    result = run("train.prototxt", "t.caffemodel", "images/a.png", "images/b.png", "--json")
    assert result.exit_code == 0, result.output
    told = np.array([json.loads(line)["scores"] for line in result.output.splitlines()])
    np.testing.assert_allclose(told, wanted, rtol=1e-5)


def test_a_mean_file(place: Path) -> None:
    mean = np.arange(3 * 8 * 8, dtype=np.float32).reshape(3, 8, 8)
    write_mean("mean.binaryproto", mean)
    ready = Preparation(Preprocessing(crop=6, mean_file="mean.binaryproto"), (1, 3, 6, 6), place)
    assert ready.size == (8, 8)
    pixels = np.full((8, 8, 3), 200, np.uint8)
    np.testing.assert_array_equal(ready.apply(pixels), 200 - mean[:, 1:7, 1:7])
    np.save("mean.npy", mean.mean((1, 2)))
    ready = Preparation(Preprocessing(mean_file="mean.npy", channels="RGB"), (1, 3, 6, 6), place)
    assert ready.apply(pixels)[0, 0, 0] == pytest.approx(200 - mean[0].mean())


def test_sizes_of_crops() -> None:
    sizes = [Preparation(Preprocessing(crop=c), (1, 3, c, c)).size for c in (227, 224, 28)]
    assert sizes == [(256, 256), (256, 256), (32, 32)]


def test_what_does_not_fit(place: Path) -> None:
    with pytest.raises(ParameterError, match="channels RGB"):
        Preparation(Preprocessing(channels="RGB"), (1, 1, 6, 6))
    with pytest.raises(ParameterError, match="mean has one number"):
        Preparation(Preprocessing(mean=[1, 2]), (1, 3, 6, 6))
    (place / "empty").mkdir()
    assert run("deploy.prototxt", "digits.caffemodel", "empty").exit_code == 2
