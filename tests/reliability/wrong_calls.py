"""Every command of the program, with a wrong name in place of each file that it reads or writes.

    python tests/reliability/wrong_calls.py               # all, some 1000 calls
    python tests/reliability/wrong_calls.py "draw img"    # those that contain a text
    python tests/reliability/wrong_calls.py --show        # with what they say

A wrong name is that of nothing, of a folder, of an empty file, of random bytes, of a file of each other kind, of
weights of another net …; where something is written, of a folder that is missing, of a file taken for a folder …. Each
call is a process of its own. It must end within a minute, without a traceback or an internal error, and leave the
files that were there as they were. Calls that end well although a name was wrong are listed, to be looked at: a name
may be right for the command after all. The exit status is 1 if a call failed the rules.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import NamedTuple

import numpy as np

import cortado.cli
from cortado import Net
from cortado.__main__ import main as program
from cortado.data import array_to_datum, images
from cortado.data.sources.lmdb import Lmdb

LIMIT = 60
NET = """name: "Img"
layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 4 dim: 4 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 2 kernel_size: 3
  weight_filler { type: "xavier" } } }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip" inner_product_param { num_output: 3 } }
layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }
"""
SOURCE = 'type: "Data" top: "data" top: "label" data_param { source: "db" batch_size: 4 backend: LMDB }'
DATA = NET.replace('type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 4 dim: 4 } }', SOURCE)
DATA = DATA.replace('type: "Softmax" bottom: "ip"', 'type: "SoftmaxWithLoss" bottom: "ip" bottom: "label"')
SOLVER = 'net: "data.prototxt" base_lr: 0.01 lr_policy: "fixed" max_iter: 4 snapshot_prefix: "run" display: 1\n'
CALLS = """train solver.prototxt --weights img.caffemodel --log | 1 3
train solver.prototxt --snapshot run_iter_4.solverstate --log | 1 3
train solver.prototxt --resume run_iter_4.solverstate --log | 3
test data.prototxt --weights img.caffemodel --iterations 1 | 1 3
check data.prototxt | 1
compute-mean db mean.binaryproto | 1 | 2
convert-imageset . list.txt newdb | 1 2 | 3
convert-mnist folder outdir | 1 | 2
convert-weights img.caffemodel out.h5 | 1 | 2 .h5
deploy data.prototxt -o out.prototxt --weights img.caffemodel --labels labels.txt | 1 5 7 | 3 .prototxt
diagnose solver.prototxt --iterations 5 --weights img.caffemodel --plot out.svg | 1 5 | 7 .svg
draw img.prototxt -o out.svg | 1 | 3 .svg
export onnx img.prototxt img.caffemodel -o out.onnx --no-compare | 2 3 | 5 .onnx
extract-features img.caffemodel data.prototxt conv out 1 lmdb | 1 2 | 4
extract-features img.caffemodel data.prototxt conv out 1 hdf5 | | 4
gradcheck img.prototxt --samples 1 --weights img.caffemodel | 1 5
jacobian img.prototxt prob --weights img.caffemodel | 1 4
new-layer SoftBend --dir out | | 3
parse-log run.log outdir | 1 | 2
pictures img.prototxt img.caffemodel a.png -o out.html --preprocessing steps.json | 1 2 3 7 | 5 .html
plot run.log -o out.svg | 1 | 3 .svg
predict img.prototxt img.caffemodel a.png --preprocessing steps.json | 1 2 3 5
report run.log --solver solver.prototxt --weights img.caffemodel --labels labels.txt -o out.html | 1 3 5 7 | 9 .html
summary img.prototxt | 1
time img.prototxt --iterations 1 | 1
upgrade net img.prototxt out.prototxt | 2 | 3 .prototxt
upgrade solver solver.prototxt out.prototxt | 2 | 3 .prototxt
upgrade weights img.caffemodel out.caffemodel | 2 | 3 .caffemodel
"""
"""Each: a call that is right, the places of the files that it reads, and of those that it writes, with their ending."""
READ = ["missing", "folder", "empty", "bytes", "prose", "a.png", "db", "img.caffemodel", "solver.prototxt",
        "img.prototxt", "brace.prototxt", "page", "pointer", "cut.caffemodel", "other.caffemodel",
        "run_iter_4.solverstate", "", "-", "x" * 300]  # fmt: skip
WRITTEN = ["no/such/folder/out", "img.prototxt/out", "folder", "/proc/out", "out.xyz", "", "x" * 300]


class Outcome(NamedTuple):
    status: int
    seconds: float
    text: str

    @property
    def bad(self) -> bool:
        fault = any(word in self.text for word in ("internal error", "Traceback"))
        return fault or self.status not in (0, 1, 2) or self.seconds > LIMIT


def make_files() -> None:
    """One file of each kind, in the working directory."""
    texts = {"img.prototxt": NET, "data.prototxt": DATA, "solver.prototxt": SOLVER, "brace.prototxt": NET + "}\n",
             "empty": "", "prose": "Dear all,\nthis is a letter.\n", "page": "<!DOCTYPE html><html></html>",
             "pointer": "version https://git-lfs.github.com/spec/v1\noid sha256:abc\n", "list.txt": "a.png 0\n",
             "labels.txt": "x\ny\nz\n", "steps.json": "{}"}  # fmt: skip
    for name, text in texts.items():
        Path(name).write_text(text)
    Path("folder").mkdir()
    rng = np.random.default_rng(0)
    Path("bytes").write_bytes(rng.bytes(5000))
    Path("a.png").write_bytes(images.encode(rng.integers(0, 256, (4, 4, 3), np.uint8), "png"))
    with Lmdb.create("db") as writer:
        for index in range(8):
            record = array_to_datum(rng.integers(0, 256, (3, 4, 4), np.uint8), index % 3)
            writer.put(b"%d" % index, record.SerializeToString())
    Net("img.prototxt").save("img.caffemodel")
    Path("other.prototxt").write_text(NET.replace("num_output: 3", "num_output: 5"))
    Net("other.prototxt").save("other.caffemodel")
    Path("cut.caffemodel").write_bytes(Path("img.caffemodel").read_bytes()[:-40])
    Path("run.log").write_text(call(["train", "solver.prototxt", "--log"]).text)


def calls() -> Iterator[tuple[list[str], bool]]:
    """The arguments of every call, and whether it is a right one."""
    for line in CALLS.splitlines():
        text, read, written = (*line.split("|"), "")[:3]
        words = text.split()
        yield words, True
        places = [(int(place), name) for place in read.split() for name in READ]
        if written.split():
            place, ending = (*written.split(), "")[:2]
            endings = [name if name in ("", "folder", "out.xyz") else name + ending for name in WRITTEN]
            places += [(int(place), name) for name in endings]
        for at, name in places:
            if words[at] != name:
                yield [*words[:at], name, *words[at + 1 :]], False


def call(words: list[str]) -> Outcome:
    """The program in a process of its own."""
    begin = time.monotonic()
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            sys.argv = ["cortado", *words]
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            status = 99
            with suppress(SystemExit):
                try:
                    program()
                except SystemExit as ended:
                    status = int(ended.code or 0)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
        ended = (0, 0)
        while ended[0] == 0 and time.monotonic() - begin < LIMIT:
            ended = os.waitpid(child, os.WNOHANG)
            time.sleep(0.005)
        if ended[0] == 0:
            os.kill(child, 9)
            ended = os.waitpid(child, 0)
        said.seek(0)
        text = said.read().decode(errors="replace")
    return Outcome(os.waitstatus_to_exitcode(ended[1]), time.monotonic() - begin, text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--show", action="store_true", help="tell what each call says")
    parser.add_argument("part", nargs="?", default="", help="only calls that contain this text")
    options = parser.parse_args()
    for module in iter_modules(cortado.cli.__path__):
        import_module(f"cortado.cli.{module.name}")
    bad = well = total = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        make_files()
        kept = {path.name: path.read_bytes() for path in Path().iterdir() if path.is_file()}
        for words, right in calls():
            if options.part not in " ".join(words):
                continue
            done = call(words)
            changed = [name for name, content in kept.items() if not _has(name, content)]
            changed = [name for name in changed if not name.startswith("run")]  # a right run writes them anew
            total, bad, well = total + 1, bad + (done.bad or bool(changed)), well + (not right and not done.status)
            verdict = "BAD" if done.bad or changed else "well" if not right and not done.status else ""
            if verdict or options.show:
                print(f"{verdict:5}{done.status:3} {' '.join(word[:60] for word in words)} {changed or ''}")
            if done.bad or options.show:
                print("      " + done.text.strip()[-400:].replace("\n", "\n      "))
            _clear(kept)
    print(f"{total} calls, {bad} bad, {well} that ended well")
    return bool(bad)


def _has(name: str, content: bytes) -> bool:
    return os.path.isfile(name) and Path(name).read_bytes() == content


def _clear(kept: dict[str, bytes]) -> None:
    """Leave what was there before the call."""
    for path in Path().iterdir():
        if path.name not in (*kept, "folder", "db"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name, content in kept.items():
        Path(name).write_bytes(content)
    shutil.rmtree("folder", ignore_errors=True)
    Path("folder").mkdir()


if __name__ == "__main__":
    sys.exit(main())
