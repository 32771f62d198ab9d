"""Weights in the files of other programs: safetensors and NumPy's .npz, both ways.

A learned blob is called ``LAYER/INDEX`` there, ``conv1/0`` and ``conv1/1``. Which kind a file is, its ending says.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FormatError, MissingExtraError
from ..layers import Array
from ..netdef.weight_files import import_h5py, read_weight_file
from ..plugins import plugin_manager
from ..proto import array_to_blob, atomic_path, atomic_write, read_bytes, write_binary

Layers = dict[str, dict[int, Array]]
"""Learned blobs by layer name and index."""
ENDINGS = (".caffemodel", ".h5", ".hdf5", ".safetensors", ".npz")
HEADER = "cortado"


def read_weights(path: str | Path) -> Layers:
    """The learned blobs in *path*, of any kind. Errors: FileError, FormatError, MissingExtraError."""
    text = str(path)
    if text.endswith(".npz"):
        return _by_layer(_read_npz(path), text)
    if text.endswith(".safetensors"):
        return _by_layer(_read_safetensors(path), text)
    stored = read_weight_file(path, plugin_manager())
    return {layer.name: {i: blob.read().reshape(blob.shape) for i, blob in layer.blobs.items()} for layer in stored}


def write_weights(layers: Layers, path: str | Path, name: str = "") -> None:
    """Write learned blobs as the kind of file that the ending of *path* says. Errors: FormatError for others."""
    text = str(path)
    tensors = {f"{layer}/{i}": np.ascontiguousarray(a) for layer, blobs in layers.items() for i, a in blobs.items()}
    if text.endswith(".npz"):
        stream = io.BytesIO()
        np.savez(stream, **tensors)  # type: ignore[arg-type]
        atomic_write(path, stream.getvalue())
    elif text.endswith(".safetensors"):
        atomic_write(path, _safetensors().save(tensors, {"format": HEADER, "name": name}))
    elif text.endswith((".h5", ".hdf5")):
        _write_hdf5(layers, path)
    elif text.endswith(".caffemodel"):
        _write_caffemodel(layers, path, name)
    else:
        raise FormatError(f"weight files end in {', '.join(ENDINGS)}", got=text)


def _read_npz(path: str | Path) -> Mapping[str, Array]:
    content = read_bytes(path)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (ValueError, OSError, KeyError, AttributeError, EOFError) as error:
        raise FormatError(f"this is no .npz file of arrays: {error}", where=str(path)) from None
    except Exception as error:
        if type(error).__name__ != "BadZipFile":
            raise
        raise FormatError(f"this is no .npz file: {error}", where=str(path)) from None


def _read_safetensors(path: str | Path) -> Mapping[str, Array]:
    content = read_bytes(path)
    module = _safetensors()
    try:
        found: Mapping[str, Array] = module.load(content)
    except Exception as error:
        raise FormatError(f"this is no safetensors file: {error}", where=str(path)) from None
    return found


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError:
        raise MissingExtraError.for_package("safetensors", "safetensors", "reading and writing .safetensors") from None
    return safetensors.numpy


def _by_layer(tensors: Mapping[str, Array], file: str) -> Layers:
    """Tensors called LAYER/INDEX by layer, in the order of the file. Errors: FormatError for another name."""
    layers: Layers = {}
    for name, array in tensors.items():
        layer, slash, index = name.rpartition("/")
        if not slash or not index.isdigit():
            rule = "tensors are called LAYER/INDEX, as conv1/0"
            raise FormatError(rule, where=file, got=json.dumps(name))
        if array.dtype.kind not in "fiu":
            raise FormatError("learned blobs are numbers", where=file, who=name, got=str(array.dtype))
        layers.setdefault(layer, {})[int(index)] = array
    return {layer: dict(sorted(blobs.items())) for layer, blobs in layers.items()}


def _write_hdf5(layers: Layers, path: str | Path) -> None:
    h5py = import_h5py("writing HDF5 weights")
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        group = file.create_group("data")
        for layer, blobs in layers.items():
            place = group.require_group(layer)
            for index, array in blobs.items():
                place.create_dataset(str(index), data=array)


def _write_caffemodel(layers: Layers, path: str | Path, name: str) -> None:
    net: Any = plugin_manager().schema().message("NetParameter")(name=name)
    for layer, blobs in layers.items():
        config = net.layer.add(name=layer)
        if list(blobs) != list(range(len(blobs))):
            rule = "a .caffemodel stores all blobs of a layer, from 0 on"
            got = f"only {', '.join(map(str, blobs))}"
            raise FormatError(rule, who=f"layer '{layer}'", got=got, hint="write .h5, .npz or .safetensors")
        for array in blobs.values():
            single = array if array.dtype == np.float64 else array.astype(np.float32)
            array_to_blob(single, config.blobs.add())
    write_binary(net, path)
