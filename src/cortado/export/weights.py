"""Weights between the weight formats, without a net."""

from __future__ import annotations

from pathlib import Path

from ..errors import FormatError
from ..layers import Array
from ..netdef.weight_files import StoredBlob, format_for, read_weight_file
from ..plugins import plugin_manager

Layers = dict[str, dict[int, Array]]
"""Learned blobs by layer name and index."""


def read_weights(path: str | Path) -> Layers:
    """The learned blobs in *path*, of any format. Errors: FileError, FormatError, MissingExtraError."""
    stored = read_weight_file(path, plugin_manager())  # whose order is the file's, which may be any
    return {layer.name: {i: _values(layer.blobs[i]) for i in sorted(layer.blobs)} for layer in stored}


def _values(blob: StoredBlob) -> Array:
    return blob.read().reshape(blob.shape)


def write_weights(layers: Layers, path: str | Path, name: str = "") -> None:
    """Write learned blobs in the format that the ending of *path* names; *name* is the net's.

    Errors: FormatError for another ending, or a format that needs a net; MissingExtraError.
    """
    plugins = plugin_manager()
    found = format_for(path, plugins)
    if found is None:
        endings = sorted({end for entry in plugins.registry("weight_formats").all() for end in entry.item.suffixes})
        raise FormatError(f"weight files end in {', '.join(endings)}", got=str(path))
    found.write_layers(layers, Path(path), plugins, name=name)
