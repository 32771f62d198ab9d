"""What the fuzzer feeds: for each target the files that cases are made from, and what reads them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

REFERENCE = Path(__file__).parents[1] / "reference"
EXAMPLES = Path(__file__).parents[2] / "examples"
Target = tuple[Callable[[], list[bytes]], Callable[[bytes, Path], None], bool]
"""The files, what reads a case, and whether cases are text."""


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
    from cortado.solver.snapshot import read_hdf5_state

    path.write_bytes(data)
    try:
        for layer in read_weight_file(path, plugin_manager()):
            for blob in layer.blobs.values():
                blob.read()
    except CortadoError:
        if len(data) % 2:
            read_hdf5_state(path)
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
    """A whole file, and members of it, to which no checksum of the archive is a barrier."""
    import io
    import zipfile

    import numpy as np

    from cortado.solver.run_file import pack_tree

    arrays = {"b": {"c": np.arange(9.0).reshape(3, 3)}, "d": np.arange(4)}
    whole = pack_tree({"version": 1, "iteration": 3, "a": [1, 2.5, "x", None], **arrays})
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        return [whole, *(archive.read(name) for name in archive.namelist())]


def read_as_run_file(data: bytes, path: Path) -> None:
    import zipfile

    from cortado.solver.run_file import read_run_file

    if data.startswith(b"PK"):
        path.write_bytes(data)
    else:
        array = data.startswith(b"\x93NUMPY")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("run.json", b'{"a": {"array": "0.npy"}}' if array else data)
            archive.writestr("0.npy", data)
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
