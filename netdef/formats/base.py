"""WeightFormat: a kind of file that holds the learned blobs of named layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ...errors import FormatError
from ...layers import Array

if TYPE_CHECKING:
    from ...plugins import PluginManager
    from ..net import Net
    from ..weight_files import StoredLayer

Learned = Mapping[str, Mapping[int, Array]]
"""Learned blobs by layer name and index."""


class WeightFormat:
    """Base of weight formats: what ``Net.load`` and ``--weights`` read, and ``Net.save`` writes.

    ``type`` is the name; ``suffixes`` are the ends of file names that are written in this format. ``recognises(head,
    path)`` says whether a file with these first bytes is of this format; one that nobody recognises is read as a
    ``.caffemodel``. ``read`` returns the stored layers, with the shapes of their blobs and a way to read each;
    ``write`` writes the file whole or not at all (``cortado.proto.atomic_path``), and so does ``write_layers``, for
    ``cortado convert-weights``, which has blobs but no net. A format may do without some of the three.

    Files come from strangers: nothing in them may be run, and a size is looked at before memory is taken.

    Example::

        class Json(WeightFormat):
            type = "json"
            suffixes = (".weights.json",)

            def recognises(self, head, path):
                return head.startswith(b'{"layers"')

            def read(self, path, plugins):
                stored = json.loads(Path(path).read_text())["layers"]
                return [StoredLayer(name, {i: StoredBlob.of(np.array(b)) for i, b in enumerate(blobs)})
                        for name, blobs in stored.items()]
    """

    plugin_kind: ClassVar[str] = "weight_formats"
    type: ClassVar[str] = ""
    suffixes: ClassVar[Sequence[str]] = ()

    def recognises(self, head: bytes, path: Path) -> bool:
        return False

    def read(self, path: Path, plugins: PluginManager) -> list[StoredLayer]:
        raise FormatError(f"weights in the format {self.type} can only be written", where=str(path))

    def write(self, net: Net, path: Path, *, with_diff: bool) -> None:
        raise FormatError(f"weights in the format {self.type} can only be read", where=str(path))

    def write_layers(self, layers: Learned, path: Path, plugins: PluginManager, *, name: str) -> None:
        """Write blobs without their net, which was called *name*."""
        raise FormatError(
            f"weights in the format {self.type} are not written without a net",
            where=str(path),
            hint="load them into their net and save that",
        )
