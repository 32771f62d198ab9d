"""Writing HDF5 files on disks that may run full."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import FileError
from .optional import need_h5py


@contextmanager
def writing_hdf5(path: Path, mode: str = "w", purpose: str = "writing HDF5 files") -> Iterator[tuple[Any, HdfFile]]:
    """The file *path*, open in h5py to be written anew (*mode* ``"w"``) or added to (``"a"``), and what is below it,
    the ``check`` of which tells early whether the writing has failed.

    The HDF5 library does not get over a write that failed: objects cannot be closed, and the process may crash at its
    end. So it writes through a ``HdfFile``.

    Example::

        with atomic_path("net.h5") as temporary, writing_hdf5(temporary) as (file, _):
            file.create_dataset("x", data=array)

    Errors: OSError, with the system's reason; FileError where what is to be added to is no HDF5 file;
    MissingExtraError without h5py, which is said to be missing for *purpose*.
    """
    h5py = need_h5py(purpose)
    with open(path, "r+b" if mode == "a" and path.exists() else "w+b", buffering=0) as raw:
        below = HdfFile(raw)
        try:
            with _opened(h5py, below, path, mode) as file:
                yield file, below
        except Exception:
            below.check()  # the reason of what came after it
            raise
        below.check()


def _opened(h5py: Any, below: HdfFile, path: Path, mode: str) -> Any:
    try:
        return h5py.File(below, mode)
    except OSError as error:
        below.check()
        raise FileError(f"cannot open the HDF5 file {path.absolute()}: {error}") from None


class HdfFile:
    """A *file* for the HDF5 library, which is never told of a failure: the first one is kept, for ``check`` to raise.
    What is written after it is lost, and what is not there is read as zeros."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._error: OSError | None = None

    def check(self) -> None:
        """Raise the OSError of the first write that failed."""
        if self._error is not None:
            raise self._error

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        done = 0
        with self._kept():
            while done < len(view) and self._error is None:
                done += self._file.write(view[done:])
        return len(view)

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        done = 0
        with self._kept():
            while done < len(view) and (got := self._file.readinto(view[done:])):
                done += got
        view[done:] = bytes(len(view) - done)
        return len(view)

    def read(self, size: int = -1) -> bytes:
        data = bytearray(max(0, size))
        self.readinto(data)
        return bytes(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def truncate(self, size: int | None = None) -> int:
        with self._kept():
            self._file.truncate(size)
        return size or 0

    def flush(self) -> None:
        """Nothing: what is written has gone to the system."""

    @contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._error = self._error or error
