"""Feed damaged and malicious files to everything that reads files, for as long as you like.

    python tests/reliability/fuzz.py --seconds 600                  # each target in turn
    python tests/reliability/fuzz.py --seconds 600 --target text

Cases are files of the tests, changed at random: bytes and bits, numbers, tokens and groups moved, doubled, cut, or
spliced into each other. Each target runs in a process with a limit of memory, and each case with one of time. Whatever
is raised must be an error of Cortado's own; a crash, a hang, or memory beyond the limit is a failure, and the case that
made it is kept in ``--keep``. Prints a line per target; the exit status is 1 if anything failed.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

REFERENCE = Path(__file__).parents[1] / "reference"
EXAMPLES = Path(__file__).parents[2] / "examples"
MEMORY = 3 * 2**30
"""Bytes of address space that a process may have."""
LIMIT = 10.0
"""Seconds of processor time for one case."""
NUMBERS = [
    0,
    1,
    2,
    127,
    128,
    255,
    256,
    2**15,
    2**16,
    2**24,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**32,
    2**63 - 1,
    2**63,
    2**64 - 1,
]
WORDS = ["0", "-1", "1", "1e38", "nan", "inf", "4294967295", "2147483648", "18446744073709551616", "true", "MAX",
         "layer", *"{}[]<>:;,#", '"', "'", "\\", "\0"]  # fmt: skip
Target = tuple[Callable[[], list[bytes]], Callable[[bytes, Path], None], bool]


# -- cases -------------------------------------------------------------------------------------------------------


def mutate_bytes(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """Some of: bits flipped, bytes replaced, parts doubled, moved or cut, numbers put in, another file spliced in."""
    out = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        at, size = rng.randrange(len(out) + 1), rng.choice([1, 2, 4, 8, 64, 512])
        kind = rng.randrange(7)
        if kind == 0 and at < len(out):
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            out[at : at + size] = rng.randbytes(min(size, 16))
        elif kind == 2:
            out[at:at] = out[at : at + size] * rng.choice([1, 2, 20])
        elif kind == 3:
            del out[at : at + size]
        elif kind == 4:
            number = rng.choice(NUMBERS).to_bytes(16, rng.choice(["little", "big"]))
            out[at : at + rng.choice([1, 2, 4, 8])] = number[: rng.choice([1, 2, 4, 8])]
        elif kind == 5:
            other = rng.choice(others)
            begin = rng.randrange(len(other) + 1)
            out[at : at + size] = other[begin : begin + size * rng.choice([1, 8])]
        elif rng.random() < 0.3:
            del out[at:]
    return bytes(out)


TOKEN = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|\w[\w.+-]*|\s+|.", re.DOTALL)


def mutate_text(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """The same with words instead of bytes; sometimes bytes after all."""
    if rng.random() < 0.2:
        return mutate_bytes(data, others, rng)
    words = TOKEN.findall(data.decode("utf-8", "surrogateescape"))
    for _ in range(rng.choice([1, 1, 2, 4, 8])):
        at, size, kind = rng.randrange(len(words) + 1), rng.choice([1, 1, 2, 8, 40]), rng.randrange(6)
        if kind == 0:
            words[at : at + 1] = [rng.choice(WORDS)]
        elif kind == 1:
            del words[at : at + size]
        elif kind == 2:
            words[at:at] = words[at : at + size] * rng.choice([1, 1, 3])
        elif kind == 3 and words:
            words[at : at + 1] = [rng.choice(words)]
        elif kind == 4:
            there = [i for i, word in enumerate(words) if word.isdigit()]
            if there:
                words[rng.choice(there)] = str(rng.choice([*NUMBERS, -1, rng.randrange(50)]))
        else:
            other = TOKEN.findall(rng.choice(others).decode("utf-8", "surrogateescape"))
            begin = rng.randrange(len(other) + 1)
            words[at:at] = other[begin : begin + size]
    return "".join(words).encode("utf-8", "surrogateescape")


# -- targets -----------------------------------------------------------------------------------------------------


def texts() -> list[bytes]:
    found = [*REFERENCE.rglob("*.prototxt"), *EXAMPLES.rglob("*.prototxt")]
    return [path.read_bytes() for path in sorted(found) if path.stat().st_size < 20_000]


def old_texts() -> list[bytes]:
    return [path.read_bytes() for path in sorted((REFERENCE / "upgrade").glob("*.in.prototxt"))]


def read_as_text(data: bytes, path: Path) -> None:
    from cortado.errors import CortadoError
    from cortado.plugins import plugin_manager
    from cortado.plugins.dialects import parse_net_text, read_solver
    from cortado.proto import format_text, parse_net, parse_solver, parse_text

    path.write_bytes(data)
    plain = len(data) % 16  # looking for the fork that a file belongs to takes far longer than reading it
    try:
        document = parse_net(data, "case") if plain else parse_net_text(data, "case", plugin_manager())
    except CortadoError:
        parse_solver(data, "case") if plain else read_solver(path, plugin_manager())
        return
    again = parse_text(format_text(document.message), type(document.message), "again").message
    if again.SerializeToString(deterministic=True) != document.message.SerializeToString(deterministic=True):
        raise AssertionError("what was written is read as something else")


def check_text(data: bytes, path: Path) -> None:
    """Parse, upgrade, select, wire, set up and shape all layers."""
    from cortado.netdef.check import check_file

    path.write_bytes(data)
    check_file(path)


def binaries() -> list[bytes]:
    found = [*REFERENCE.rglob("*.caffemodel"), *REFERENCE.rglob("*.solverstate"), *REFERENCE.rglob("*.binaryproto")]
    return [path.read_bytes() for path in sorted(found) if path.stat().st_size < 200_000]


def read_as_binary(data: bytes, path: Path) -> None:
    from cortado.data import parse_datum
    from cortado.data.datum import datum_to_array
    from cortado.errors import CortadoError
    from cortado.netdef.weight_files import read_weight_file
    from cortado.plugins import plugin_manager
    from cortado.proto import blob_to_array, read_binary

    path.write_bytes(data)
    schema = plugin_manager().schema()
    try:
        for layer in read_weight_file(path, plugin_manager()):
            for blob in layer.blobs.values():
                blob.read()
    except CortadoError:
        for blob in read_binary(path, schema.SolverState).history if len(data) % 2 else []:
            blob_to_array(blob)
        datum_to_array(parse_datum(data, "case"), "case", None, data)


def hdf5_files() -> list[bytes]:
    import io

    import h5py
    import numpy as np

    files = [path.read_bytes() for path in sorted(REFERENCE.rglob("*.h5")) if path.stat().st_size < 200_000]
    for options in ({}, {"chunks": (2, 3), "compression": "gzip"}, {"maxshape": (None, 3)}):
        stream = io.BytesIO()
        with h5py.File(stream, "w") as file:
            for name in ("data/ip/0", "x", "history/0"):
                file.create_dataset(name, data=np.arange(12.0, dtype=np.float32).reshape(4, 3), **options)
        files.append(stream.getvalue())
    return files


def read_as_hdf5(data: bytes, path: Path) -> None:
    import numpy as np

    from cortado.data.hdf5 import Hdf5Rows, read_header
    from cortado.errors import CortadoError
    from cortado.netdef.weight_files import read_weight_file
    from cortado.plugins import plugin_manager

    path.write_bytes(data)
    try:
        for layer in read_weight_file(path, plugin_manager()):
            for blob in layer.blobs.values():
                blob.read()
    except CortadoError:
        rows = Hdf5Rows([read_header(path, ["x"])], ["x"])
        rows.read(np.arange(min(4, len(rows))), lambda *_: None)


def databases() -> list[bytes]:
    import numpy as np

    from cortado.data import array_to_datum
    from cortado.data.sources.lmdb import Lmdb

    found = []
    with tempfile.TemporaryDirectory() as folder:
        for count, side in ((3, 4), (200, 12), (40, 60)):
            path = Path(folder) / f"db{count}"
            with Lmdb.create(path) as writer:
                for index in range(count):
                    image = np.full((1, side, side), index, np.uint8)
                    writer.put(b"%05d" % index, array_to_datum(image, index).SerializeToString())
            found.append((path / "data.mdb").read_bytes())
    return found


def read_as_database(data: bytes, path: Path) -> None:
    from itertools import islice

    from cortado.data import parse_datum
    from cortado.data.datum import datum_to_array
    from cortado.data.sources.lmdb import Lmdb

    folder = path.with_name("db")
    folder.mkdir(exist_ok=True)
    (folder / "data.mdb").write_bytes(data)
    source = Lmdb(folder)
    try:
        for record in islice(source.records(), 300):
            datum_to_array(parse_datum(record.value, record.name), record.name, None, record.value)
    finally:
        source.close()


def run_files() -> list[bytes]:
    import numpy as np

    from cortado.solver.run_file import write_run_file

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f"
        write_run_file(path, {"a": [1, 2.5, "x", None], "b": {"c": np.arange(9.0).reshape(3, 3)}, "d": np.arange(4)})
        return [path.read_bytes()]


def read_as_run_file(data: bytes, path: Path) -> None:
    from cortado.solver.run_file import read_run_file

    path.write_bytes(data)
    read_run_file(path)


TARGETS: dict[str, Target] = {
    "text": (texts, read_as_text, True),
    "upgrade": (old_texts, check_text, True),
    "check": (texts, check_text, True),
    "binary": (binaries, read_as_binary, False),
    "hdf5": (hdf5_files, read_as_hdf5, False),
    "lmdb": (databases, read_as_database, False),
    "run": (run_files, read_as_run_file, False),
}


# -- running -----------------------------------------------------------------------------------------------------


def child(target: str, seconds: float, seed: int, folder: Path) -> None:
    """Run cases until the time is over; the case that is running is in ``folder/current``."""
    from cortado.errors import CortadoError

    corpus, run, is_text = TARGETS[target]
    others, rng = corpus(), random.Random(seed)
    mutate = mutate_text if is_text else mutate_bytes
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGVTALRM, _too_long)
    counts: dict[str, Any] = {"cases": 0, "refused": 0, "slowest": 0.0, "failed": []}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        case = mutate(rng.choice(others), others, rng)
        (folder / "current").write_bytes(case)
        begin = time.process_time()
        signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT)
        try:
            run(case, folder / "file")
        except CortadoError:
            counts["refused"] += 1
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            counts["failed"].append(
                [f"{type(error).__name__}: {str(error)[:200]} at {frame.filename}:{frame.lineno}", case.hex()]
            )
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        counts["cases"] += 1
        counts["slowest"] = max(counts["slowest"], time.process_time() - begin)
        if counts["cases"] % 50 == 0 or len(counts["failed"]) > 50:
            counts["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            (folder / "counts").write_text(json.dumps(counts))
        if len(counts["failed"]) > 50:
            return
    (folder / "counts").write_text(json.dumps(counts))


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"a case took more than {LIMIT:g} s")


def fuzz(target: str, seconds: float, seed: int, keep: Path) -> Iterator[str]:
    """Run *target*, in a new process after each crash; yields what failed, and prints a line."""
    end, cases, refused, crashes, slowest, memory = time.monotonic() + seconds, 0, 0, 0, 0.0, 0
    seen: dict[str, str] = {}
    while (left := end - time.monotonic()) > 1:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            command = [sys.executable, __file__, "--child", target, "--seconds", str(left), "--seed", str(seed)]
            process = subprocess.run([*command, "--keep", name], capture_output=True, text=True, check=False)
            seed += 1
            counts = json.loads((folder / "counts").read_text()) if (folder / "counts").exists() else {}
            cases, refused = cases + counts.get("cases", 0), refused + counts.get("refused", 0)
            slowest, memory = max(slowest, counts.get("slowest", 0)), max(memory, counts.get("memory", 0))
            for what, case in counts.get("failed", []):
                seen.setdefault(what, case)
            if process.returncode:
                crashes += 1
                what = f"crash {process.returncode}: {process.stderr.strip()[-300:]}"
                case = (folder / "current").read_bytes().hex() if (folder / "current").exists() else ""
                seen.setdefault(what, case)
                if not case:
                    break
    keep.mkdir(parents=True, exist_ok=True)
    for index, (what, case) in enumerate(seen.items()):
        (keep / f"{target}_{index}").write_bytes(bytes.fromhex(case))
        yield f"{target}_{index}: {what}"
    row = f"{cases:9,} cases, {refused:9,} refused, {len(seen)} kinds of failure, {crashes} crashes"
    print(f"{target:8} {seconds:5.0f} s {row}, slowest {slowest:.2f} s, {memory} MiB", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600, help="per target")
    parser.add_argument("--target", choices=list(TARGETS), action="append")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(10**6)
    if arguments.child:
        child(arguments.child, arguments.seconds, seed, arguments.keep)
        return 0
    failures = [
        f for target in arguments.target or TARGETS for f in fuzz(target, arguments.seconds, seed, arguments.keep)
    ]
    for failure in failures:
        print(failure)
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
