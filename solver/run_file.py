"""Run files: a tree of plain values and arrays in one file that a crash cannot leave half written.

The file is a zip archive without compression: ``run.json``, in which an array stands as ``{"array": "0.npy"}``, and the
arrays. ``unzip -p x.cortado run.json`` shows the one, ``numpy.load("x.cortado")`` reads the others. No pickle is read.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..data.npy import DAMAGE, parse_npy
from ..errors import FormatError, PluginError
from ..layers import Array
from ..proto import atomic_path, read_bytes

MAIN = "run.json"
MOST_MEMBERS = 100_000
"""Arrays in one file beyond which it is taken for an attack."""


def write_run_file(path: str | Path, tree: Mapping[str, Any]) -> None:
    """Write *tree* to *path*, whole or not at all. Errors: FileError; PluginError for a value of another kind."""
    with atomic_path(path) as temporary:
        _write(tree, temporary)


def pack_tree(tree: Mapping[str, Any]) -> bytes:
    """*tree* as the bytes of a run file. Errors: PluginError for a value of another kind."""
    stream = io.BytesIO()
    _write(tree, stream)
    return stream.getvalue()


def unpack_tree(data: bytes, name: str = "a state") -> dict[str, Any]:
    """What ``pack_tree`` was given; *name* is for messages. Errors: FormatError."""
    return _read(data, name)


def _write(tree: Mapping[str, Any], target: Path | io.BytesIO) -> None:
    arrays: list[Array] = []
    text = json.dumps(_plain(tree, "", arrays), indent=1)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_member(MAIN), text)
        for index, array in enumerate(arrays):
            stream = io.BytesIO()
            np.lib.format.write_array(stream, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(_member(f"{index}.npy"), stream.getvalue())


def read_run_file(path: str | Path) -> dict[str, Any]:
    """The tree in *path*. Errors: FileError; FormatError for a file that is damaged or something else."""
    return _read(read_bytes(path), path)


def _read(data: bytes, path: str | Path) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            sizes_fit = all(m.compress_type == zipfile.ZIP_STORED and m.file_size <= len(data) for m in members)
            if len(members) > MOST_MEMBERS or not sizes_fit:
                raise FormatError("the members of a run file are not compressed", where=str(path))
            tree = json.loads(archive.read(MAIN))
            filled = _filled(tree, archive)
    except DAMAGE as error:
        reason = f"this is no run file, or it is damaged: {error}"
        raise FormatError(reason, where=str(path), hint="resume from another snapshot") from None
    if not isinstance(filled, dict):
        raise FormatError("a run file holds a table", where=str(path), got=type(filled).__name__)
    return filled


def _member(name: str) -> zipfile.ZipInfo:
    """Without the time of day, so that equal states are equal files."""
    return zipfile.ZipInfo(name)


def _plain(value: Any, place: str, arrays: list[Array]) -> Any:
    """*value* as JSON has it; arrays are moved to *arrays*."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _plain(item, f"{place}.{key}", arrays) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{place}[{index}]", arrays) for index, item in enumerate(value)]
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        arrays.append(value)
        return {"array": f"{len(arrays) - 1}.npy"}
    rule = "a state is made of numbers, text, arrays, and lists and tables of them"
    raise PluginError(rule, got=f"{type(value).__name__} at {place.lstrip('.') or 'the top'}")


def _filled(value: Any, archive: zipfile.ZipFile) -> Any:
    """*value* with the arrays back in their places."""
    if isinstance(value, list):
        return [_filled(item, archive) for item in value]
    if isinstance(value, dict):
        if set(value) == {"array"} and isinstance(value["array"], str):
            return parse_npy(archive.read(value["array"]))
        return {key: _filled(item, archive) for key, item in value.items()}
    return value
