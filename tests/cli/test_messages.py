"""What the command line says of arguments it cannot use, where no other test asks for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cortado.cli import program
from cortado.cli.new_layer import _write
from cortado.data import images
from cortado.errors import DataError, FileError
from cortado.netdef import Net

INPUT = 'layer { name: "in" type: "Input" top: "a" input_param { shape { dim: 1 dim: 3 dim: 4 dim: 4 } } }\n'
TWO_INPUTS = (
    'layer { name: "in" type: "Input" top: "a" top: "b" input_param { shape { dim: 1 dim: 1 dim: 4 dim: 4 } } }\n'
    'layer { name: "c" type: "Concat" bottom: "a" bottom: "b" top: "c" }'
)
TWO_OUTPUTS = INPUT + 'layer { name: "s" type: "Slice" bottom: "a" top: "b" top: "c" slice_param { slice_point: 1 } }'
SOLVER = 'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 1 snapshot_prefix: "s"'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(*arguments: str) -> str:
    """What is said on the way out, on one line without the frame around it."""
    done = CliRunner().invoke(program, list(arguments))
    assert done.exit_code == 2
    return " ".join(done.output.replace("│", " ").split())


def test_commands() -> None:
    assert "No such command 'trian'" in said("trian")
    assert "did you mean 'train'?" in said("trian")
    assert "No such command 'zzzzzz'" in said("zzzzzz")


def test_nets_for_images() -> None:
    Path("two.prototxt").write_text(TWO_INPUTS)
    Net("two.prototxt").save("two.caffemodel")
    text = said("predict", "two.prototxt", "two.caffemodel", "x.png")
    assert "a net for images has one input; two.prototxt has a, b" in text
    Path("out.prototxt").write_text(TWO_OUTPUTS)
    Net("out.prototxt").save("out.caffemodel")
    text = said("predict", "out.prototxt", "out.caffemodel", "x.png")
    assert "name the blob with the scores: --output b or c" in text


def test_the_solver_is_named_once() -> None:
    Path("s.prototxt").write_text(SOLVER)
    for arguments in ((), ("s.prototxt", "--solver", "s.prototxt")):
        assert "give the solver file once, as an argument or as an option" in said("train", *arguments)
    text = said("train", "s.prototxt", "--resume", "auto", "--snapshot", "s.prototxt")
    assert "give --resume or --snapshot, not both" in text


def test_no_image_that_can_be_used() -> None:
    Path("list.txt").write_text("none.png 0\n")
    done = CliRunner().invoke(program, ["convert-imageset", "--skip-bad", "", "list.txt", "db"])
    assert isinstance(done.exception, DataError)
    assert str(done.exception) == "list.txt: there must be at least one image that can be used"
    assert not Path("db").exists()


def test_new_layers(folder: Path) -> None:
    assert "layer type 'ReLU' is there already, from cortado" in said("new-layer", "ReLU")
    (folder / "a").write_text("mine")
    with pytest.raises(FileError, match=f"{folder}/a: this file is there already, and is left as it is"):
        _write({folder / "b": "x", folder / "a": "y"})
    assert ((folder / "a").read_text(), (folder / "b").exists()) == ("mine", False)


def test_labels_that_are_no_text() -> None:
    Path("labels.png").write_bytes(images.encode(np.zeros((2, 2, 3), np.uint8), "png"))
    Path("net.prototxt").write_text(INPUT)
    Path("run.log").write_text("Iteration 0, loss = 1\n")
    text = said("report", "run.log", "--labels", "labels.png")
    assert "--labels is a text file, one class name per line; labels.png is something else" in text


def test_what_is_neither_net_nor_solver() -> None:
    """The reading that got further says what is wrong."""
    Path("x.prototxt").write_text("base_lr: 0.1\nlayer { nam: 3 }\n")
    done = CliRunner().invoke(program, ["test", "x.prototxt", "--weights", "w"])
    assert str(done.exception).startswith("x.prototxt:2:1: SolverParameter has no field 'layer'")
