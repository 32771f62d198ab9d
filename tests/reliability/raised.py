"""Which errors of Cortado, and of its command line, does no test make, and which are made but read by nobody?

    python tests/reliability/raised.py                # runs all tests
    python tests/reliability/raised.py --quick        # those that speak of errors
    python tests/reliability/raised.py tests/layers   # a part of them
    python tests/reliability/raised.py --list         # every place that raises, with the message

A place is a ``raise`` in ``src/cortado`` that makes a new error, or an error that is made otherwise (``yield``,
``return``). It is reached when an error is made while the place is being executed, in the process of a test or one
that it started. Prints the places that are not; the exit status is 1 if there are any.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cortado import errors

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[1] / "src" / "cortado"
CLASSES = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
CLASSES |= {"UsageError", "BadParameter"}
PASSED_ON = ("max", "name_record")
"""Functions that return an error which they were given."""


class Place(NamedTuple):
    """A place that makes an error: file, first and last line, function, and what it says."""

    file: str
    first: int
    last: int
    function: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.first} {self.function}: {self.text}"


def places() -> list[Place]:
    """All places in the sources."""
    return [
        place
        for path in sorted(_sources())
        for place in _places(path.relative_to(SOURCE).as_posix(), ast.parse(path.read_text()))
    ]


def _sources() -> Iterator[Path]:
    for folder, _, names in os.walk(SOURCE, followlinks=True):
        yield from (Path(folder, name) for name in names if name.endswith(".py") and name != "errors.py")


def _places(file: str, tree: ast.Module) -> Iterator[Place]:
    known = CLASSES | {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and any(_name(base) in CLASSES for base in node.bases)
    }

    def walk(node: ast.AST, function: str) -> Iterator[Place]:
        for child in ast.iter_child_nodes(node):
            inner = child.name if isinstance(child, (ast.FunctionDef, ast.ClassDef)) else function
            if isinstance(child, ast.Raise) and _makes(child.exc, known):
                yield Place(file, child.lineno, child.end_lineno or 0, function, _said(child.exc))
            elif isinstance(child, ast.Call) and _class(child.func, known):
                yield Place(file, child.lineno, child.end_lineno or 0, function, _said(child))
            else:
                yield from walk(child, inner)

    yield from walk(tree, "")


def _makes(raised: ast.expr | None, known: set[str]) -> bool:
    """Whether a new error is raised: not a name, not ``error.located(...)``, not an exception of another kind."""
    if not isinstance(raised, ast.Call):
        return False
    if isinstance(raised.func, ast.Attribute) and raised.func.attr in ("located", "with_traceback"):
        return _makes(raised.func.value, known)
    name = _name(raised.func)
    return _class(raised.func, known) or not (name[:1].isupper() or name in PASSED_ON)


def _class(called: ast.expr, known: set[str]) -> bool:
    if isinstance(called, ast.Attribute) and _name(called.value) == "pytest":
        return False  # of the kit's plugin, which says it to pytest
    return _name(called) in known or (isinstance(called, ast.Attribute) and _name(called.value) in known)


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _said(node: ast.expr | None) -> str:
    return " ".join(ast.unparse(node).split()) if node else ""


def record(arguments: list[str]) -> tuple[set[str], set[str]]:
    """Run tests; the lines that were executed while an error was made, and those of the errors that were read."""
    with tempfile.TemporaryDirectory() as name:
        folder, hook = Path(name) / "out", Path(name) / "hook"
        folder.mkdir()
        hook.mkdir()
        (hook / "sitecustomize.py").write_text(
            "try:\n    import raised_recorder\nexcept ImportError:\n    pass  # a Python without Cortado\n"
        )
        environment = {**os.environ, "CORTADO_RAISED": str(folder), "PYTHONPATH": f"{hook}{os.pathsep}{HERE}"}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        if subprocess.run(command, env=environment, check=False).returncode not in (0, 1):
            raise SystemExit("the tests did not run")
        made: dict[str, set[str]] = {"made": set(), "read": set()}
        for file in folder.glob("*.jsonl"):
            for line in file.read_text().splitlines():
                what, *stack = json.loads(line)
                made[what].update(stack)
    return made["made"], made["read"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--quick", action="store_true", help="leave out tests that do not speak of errors")
    parser.add_argument("arguments", nargs="*", help="for pytest; after --, if they begin with -")
    options = parser.parse_args()
    found = places()
    if options.list:
        print("\n".join(map(str, found)))
        return 0
    quick = ["-p", "raised_quick"] if options.quick else []
    made, read = record([*quick, *(options.arguments or ["-n", "2", str(HERE.parent)])])
    reached = [place for place in found if _in(place, made)]
    unread = [place for place in reached if not _in(place, read)]
    missed = [place for place in found if place not in reached]
    for title, group in (("made by no test", missed), ("made, and read by nobody", unread)):
        print(f"\n{len(group)} of {len(found)} places: {title}")
        print("\n".join(f"  {place}" for place in group))
    return bool(missed)


def _in(place: Place, lines: set[str]) -> bool:
    return any(f"{place.file}:{line}" in lines for line in range(place.first, place.last + 1))


if __name__ == "__main__":
    sys.exit(main())
