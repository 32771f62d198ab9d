"""Calls that a stranger gets wrong: each ends with a status other than 0 and one message that says what to do."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cortado.data import array_to_datum, images
from cortado.data.sources.lmdb import Lmdb
from cortado.netdef import Net

DEPLOY = """
name: "Img"
layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 4 dim: 4 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 2 } }
"""
DATA = """
layer { name: "in" type: "Data" top: "data" top: "label" data_param { source: "db" batch_size: 4 backend: LMDB } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 2 } }
"""
LONG = "x" * 300
Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def files(folder: Path) -> Path:
    """A working directory with one file of each kind."""
    Path("deploy.prototxt").write_text(DEPLOY)
    Path("data.prototxt").write_text(DATA)
    Path("brace.prototxt").write_text(Path("net.prototxt").read_text() + "}\n")
    Path("empty").touch()
    Path("page").write_text("<!DOCTYPE html><html></html>")
    Path("pointer").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:abc\n")
    Path("run.log").write_text("Iteration 0, loss = 1\n")
    Path("a.png").write_bytes(images.encode(np.zeros((4, 4, 3), np.uint8), "png"))
    Path("list.txt").write_text("a.png 0\n")
    with Lmdb.create("db") as writer:
        writer.put(b"0", array_to_datum(np.zeros((3, 4, 4), np.uint8), 0).SerializeToString())
    Net("net.prototxt").save("net.caffemodel")
    Net("deploy.prototxt").save("deploy.caffemodel")
    return folder


FILES = [
    (
        "train net.prototx",
        "net.prototx: cannot read this file: No such file or directory (did you mean 'net.",
    ),
    ("check no/net.prototxt", "No such file or directory (there is no folder {folder}/no)"),
    (
        "convert-weights net.caffemodel no/out.h5",
        "cannot write this file: No such file or directory (there is no",
    ),
    ("train brace.prototxt", "brace.prototxt: a solver is expected here; got a net (a solver names its net"),
    ("summary page", "page: a net is a text file (prototxt); got a web page"),
    ("train pointer", "pointer: a solver is a text file (prototxt); got a Git LFS pointer, not the file itself"),
    ("check empty", "empty: a net has at least one layer; got none"),
    ("test solver.prototxt --weights deploy.caffemodel", "layer 'ip' (InnerProduct): blob 0 is (2, 48) in the file"),
    (f"train solver.prototxt --snapshot {LONG}", "cannot read this file: File name too long"),
    (f"compute-mean {LONG}", f"there is no database at {{folder}}/{LONG}"),
    (f"convert-imageset . list.txt {LONG}", "File name too long"),
    (f"new-layer SoftBend --dir {LONG}", "cannot write: File name too long"),
    (f"predict deploy.prototxt deploy.caffemodel {LONG}", "cannot read the image"),
    (f"report run.log --solver {LONG}", "cannot read this file: File name too long"),
    ("report run.log --solver no.prototxt", "no.prototxt: cannot read this file"),
    ("report run.log --solver solver.prototxt --weights no", "no: cannot read this file"),
    ("extract-features deploy.caffemodel deploy.prototxt ip f 1", "no layer fills data"),
    (
        "convert-imageset --resize-width 99999 --resize-height 99999 . list.txt d",
        "a.png, resized, may have at most",
    ),
    ("predict deploy.prototxt deploy.caffemodel a.png --shape data=1x3x9x9", "'data' is 1x3x4x4; got 1x3x9x9 (change"),
    ("train solver.prototxt --set snapshot_prefix=net.prototxt/x", "this folder for snapshots: a file is in its place"),
    ("pictures deploy.prototxt deploy.caffemodel -o net.prototxt/x", "cannot make this folder: Not a directory"),
    ("--only-plugins acme layers", "no plugin that is installed is called 'acme' (cortado plugins list tells"),
]
USE = [
    ("train solver.prototxt --weights ''", "it must name a file; got ''"),
    ("train solver.prototxt --resume ''", "it must name a file; got ''"),
    ("test net.prototxt --weights ,", "it must name a file; got ','"),
    ("export onnx deploy.prototxt '' -o a.onnx", "it must name a file; got ''"),
    ("train solver.prototxt --threads 100000", "100000 is not in the range 1<=x<=1024"),
    ("train solver.prototxt --set =", "--set takes FIELD=VALUE; got '='"),
    ("check net.prototxt --shape data=-1x3", "--shape takes BLOB=NxCxHxW with sizes of at least 1; got 'data=-1x3'"),
    ("check net.prototxt --shape dat=1x3", "there is no blob 'dat' to give a shape to (did you mean 'data'?)"),
    ("compute-mean db mean.npy", "OUTPUT is a .binaryproto file; got 'mean.npy'"),
    ("convert-imageset --encode-type gif . list.txt d", "'gif' is not one of 'png', 'jpg', 'jpeg', 'bmp'"),
    (
        "deploy data.prototxt --labels a.png",
        "one class name per line; a.png is something else",
    ),
    ("deploy data.prototxt --labels empty", "--labels is a text file, one class name per line; empty is empty"),
    ("extract-features net.caffemodel net.prototxt ip,loss f,f 1", "each blob needs a database of its own; got f, f"),
    ("extract-features net.caffemodel net.prototxt , , 1", "each blob needs a database of its own; got no blob"),
    ("formula x --input 1x", "--input and --scalar take names of letters, digits and _; got '1x'"),
    ("formula x --scalar x=1", "--input and --scalar give each name once; got 'x' twice"),
    ("formula x*a --scalar a=nan", "--scalar takes NAME=VALUE with a number; got 'a=nan'"),
    ("formula x --seed -1", "-1 is not in the range x>=0"),
    ("jacobian deploy.prototxt ip --seed -1", "-1 is not in the range x>=0"),
    ("pictures deploy.prototxt deploy.caffemodel --record 1", "--record counts from 0 in the batch of a data layer"),
    ("pictures data.prototxt deploy.caffemodel --record 4", "in the batch of a data layer; it has 4 records"),
    ("report run.log -o page.pdf", "--output ends in .html; got 'page.pdf'"),
    ("upgrade net empty new.prototxt", "empty is empty: there is nothing to upgrade"),
    ("export tensorflow", "No such command 'tensorflow' (there are onnx)"),
    ("plugins lst", "No such command 'lst' (did you mean 'list'?)"),
]


@pytest.mark.parametrize(("line", "message"), FILES)
def test_files(run: Run, folder: Path, line: str, message: str) -> None:
    before = sorted(os.listdir())
    done = run(*shlex.split(line))
    assert done.status == 1
    assert message.format(folder=folder) in done.err + done.out
    assert "internal error" not in done.err
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize(("line", "message"), USE)
def test_use(run: Run, line: str, message: str) -> None:
    before = sorted(os.listdir())
    done = run(*shlex.split(line))
    assert done.status == 2
    assert message in " ".join(done.err.replace("│", " ").split())
    assert sorted(os.listdir()) == before


def test_a_net_that_nothing_fills_is_scored_with_a_note(run: Run) -> None:
    done = run("test", "deploy.prototxt", "--weights", "deploy.caffemodel", "--iterations", "1")
    assert done.status == 0
    assert "note: no layer fills the input data; the scores are those of 0" in done.err


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (OSError(28, "No space left on device"), "error: the system refuses this: No space left on device"),
        (OSError(13, "Permission denied", "a/b"), "error: a/b: the system refuses this: Permission denied"),
        (MemoryError("112 GiB"), "error: there is not enough memory: 112 GiB"),
    ],
)
def test_what_the_system_refuses(run: Run, monkeypatch: pytest.MonkeyPatch, raised: Exception, told: str) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr("cortado.cli.program", refuse)
    done = run("layers")
    assert (done.status, done.err) == (1, told + "\n")
