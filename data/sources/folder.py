"""A folder of images as a source: one folder per class, nothing to convert."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from ...errors import DataError
from ...plugins import hookimpl
from ..datum import datum_class
from .base import Record, Source, missing

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm", ".webp")


class ImageFolder(Source):
    """``folder/CLASS/IMAGE.png``: the label of an image is the number of its class among the sorted class names.

    Keys are ``CLASS/IMAGE.png``, values encoded Datums. ``classes`` lists the names. Files with other endings than
    those of images, and names that begin with a dot, are left out.

    Example::

        cortado_data_param { backend: "FOLDER" shuffle: true }
    """

    type: ClassVar[str] = "FOLDER"

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        if not os.path.isdir(self.path):
            raise missing(self.path, "folder of images")
        self.classes = sorted(e.name for e in os.scandir(self.path) if e.is_dir() and not e.name.startswith("."))

    def records(self, start: int = 0, step: int = 1) -> Iterator[Record]:
        for key in self.keys()[start::step]:
            yield Record(key, self.read(key))

    def list_keys(self) -> Sequence[bytes]:
        names = (f"{folder}/{entry.name}" for folder in self.classes for entry in os.scandir(self.path / folder))
        return sorted(n.encode() for n in names if n.lower().endswith(ENDINGS) and "/." not in n)

    def read(self, key: bytes) -> bytes:
        name = key.decode()
        try:
            content = (self.path / name).read_bytes()
        except OSError as error:
            raise DataError(f"cannot read the image {self.path / name}: {error.strerror}") from None
        label = self.classes.index(name.partition("/")[0])
        return datum_class()(data=content, label=label, encoded=True).SerializeToString()


@hookimpl
def cortado_sources() -> list[type[Source]]:
    return [ImageFolder]
