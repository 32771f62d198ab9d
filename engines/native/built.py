"""Are the compiled kernels those of the sources? An old build after new sources would fail at random, or be slow."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from types import ModuleType

from ...errors import PluginError

SOURCES = Path(__file__).parent / "cpp"


def check_built(kernels: ModuleType, sources: Path = SOURCES) -> None:
    """See that *kernels* was built from the bindings in *sources*; where these are not installed, it was.

    A kernel with other arguments would be taken for one that refuses these arrays, and the reference would compute.
    Errors: PluginError.
    """
    bindings = bound(sources)
    if bindings and getattr(kernels, "BINDINGS", None) != digest(bindings):
        raise PluginError(
            "the compiled kernels of the native engine must be those of the sources",
            where=str(Path(kernels.__file__ or "").absolute()),
            got=f"older ones than {sources.resolve()}" if hasattr(kernels, "BINDINGS") else "a build without a mark",
            hint="build them again: python -m pip install -e .",
        )


def bound(sources: Path) -> list[Path]:
    """The files that say what Python can call, with which arguments."""
    return sorted([*sources.glob("bind*"), *sources.glob("module.cpp")])


def digest(files: list[Path]) -> str:
    """What `CMakeLists.txt` computes from the same files."""
    return sha256("".join(sha256(path.read_bytes()).hexdigest() for path in files).encode()).hexdigest()
