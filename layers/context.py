"""What a layer is told about the net it stands in."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import ParameterError, PermissionRefused
from ..proto.files import check_name

if TYPE_CHECKING:
    from ..engines import ReferenceEngine
    from ..plugins import PluginManager
    from ..proto import Positions


class Phase(IntEnum):
    """What a net is made for; the numbers are those of the schema."""

    TRAIN = 0
    TEST = 1

    @classmethod
    def of(cls, value: int | str) -> Phase:
        """The phase with this number or name. Errors: ParameterError."""
        try:
            return cls[value] if isinstance(value, str) else cls(value)
        except (KeyError, ValueError):
            raise ParameterError("a phase is TRAIN (0) or TEST (1)", got=repr(value)) from None


def find_path(path: str | Path, folder: Path) -> Path:
    """Where a path written in a file in *folder* points, whatever the working directory is.

    Caffe takes paths from the working directory, usually the top of a project. So does this; and where nothing is
    there it looks in *folder*, then in each folder above it. A path that exists nowhere comes back as it is.
    """
    plain = Path(path)
    if plain.is_absolute() or os.path.exists(plain):
        return plain
    here = folder.absolute()
    return next((root / plain for root in (here, *here.parents) if os.path.exists(root / plain)), plain)


def confined(path: Path, root: Path | None) -> Path:
    """*path*, after a check that it lies in the folder *root*, links followed, and so does what links in it lead to.

    Errors: PermissionRefused; FileError for a path with a zero byte.
    """
    if root is None:
        return path
    check_name("open", path)
    whole = root.resolve()
    for place in (path, *_links_in(path)):
        if not place.resolve().is_relative_to(whole):
            rule = f"the paths that a file names must stay inside {root}"
            raise PermissionRefused(rule, got=str(place), hint="the caller set this root folder; see --root-folder")
    return path


def _links_in(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        yield from (path for name in (*folders, *files) if (path := Path(place, name)).is_symlink())


def choose_engine(engine: str | ReferenceEngine, plugins: PluginManager) -> ReferenceEngine:
    """The engine called *engine* (``auto``, ``native``, ``reference``, or a plugin's), or *engine* itself.

    Errors: PluginError for an unknown name, MissingExtraError for ``native`` without its kernels.
    """
    from ..engines import engine_names, get_engine, register_engine

    if not isinstance(engine, str):
        return engine
    if engine != "auto" and engine not in engine_names():
        register_engine(engine, plugins.get("engines", engine).item)
    return get_engine(engine)


class RootSeed:
    """The seed of a net, held in one place by all its layers, so that a resumed run can take on the seed it had."""

    __slots__ = ("value",)

    def __init__(self, value: int) -> None:
        self.value = value


@dataclass(frozen=True)
class LayerContext:
    """The surroundings of a layer.

    ``phase``; ``engine``, which does the arithmetic; ``dtype`` of all blobs; ``plugins``, where fillers and sources
    are looked up; ``seed``, the root of the net's random streams; ``folder`` of the file that declares the net, from
    which ``resolve`` looks for relative paths; ``positions`` of the layer's block in that file;
    ``allow_python_layers``, whether ``Python`` layers may import modules; ``rank`` of ``world`` cooperating processes,
    each of which reads its own share of the records, in phase TEST only with ``divide_tests``; ``sum_over_ranks``,
    there where batch statistics are to be those of all processes together, replaces an array by its sum over them;
    ``root``, the folder that paths in files must not leave, if set.
    """

    phase: Phase
    engine: ReferenceEngine
    plugins: PluginManager
    dtype: npt.DTypeLike = np.float32
    seed: int | RootSeed = 0
    folder: Path = field(default_factory=Path)
    positions: Positions | None = None
    allow_python_layers: bool = False
    rank: int = 0
    world: int = 1
    root: Path | None = None
    divide_tests: bool = False
    sum_over_ranks: Callable[[npt.NDArray[Any]], object] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.seed, RootSeed):
            object.__setattr__(self, "seed", RootSeed(self.seed))

    @property
    def root_seed(self) -> int:
        """The number behind ``seed``."""
        return self.seed.value if isinstance(self.seed, RootSeed) else self.seed

    def reseed(self, seed: int) -> None:
        """Take another root for this context and all that were made from it. Streams that exist stay as they are."""
        if isinstance(self.seed, RootSeed):
            self.seed.value = seed

    def stream(self, *keys: str | int) -> np.random.Generator:
        """The random stream named by *keys*: the same keys and seed give the same numbers, whatever else is drawn."""
        path = tuple(k if isinstance(k, int) else zlib.crc32(k.encode()) for k in keys)
        return np.random.Generator(np.random.SFC64(np.random.SeedSequence(self.root_seed, spawn_key=path)))

    def resolve(self, path: str) -> Path:
        """Where a path in the net file points; see ``find_path``. Errors: PermissionRefused outside ``root``."""
        return self.confine(find_path(path, self.folder))

    def confine(self, path: Path) -> Path:
        """*path* itself, for files that need not exist yet. Errors: PermissionRefused outside ``root``."""
        return confined(path, self.root)

    def position(self, *path: Any) -> Any:
        """The place in the net file of a field of this layer, or None for a net that came from no file."""
        return self.positions.at(*path) if self.positions is not None else None
