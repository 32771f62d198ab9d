"""Writes down where errors of Cortado are made, and whether anybody then reads them.

Each process appends to a file of its own in the folder ``$CORTADO_RAISED``: one line ``made`` or ``read`` for each
stack, which is the places within Cortado that were being executed, the innermost first.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

SOURCE = str(Path(__file__).resolve().parents[2] / "src" / "cortado") + os.sep
seen: set[tuple[str, tuple[str, ...]]] = set()


def start() -> None:
    """Watch the bases of all errors: of Cortado, and of the command line."""
    import click

    from cortado.errors import CortadoError

    _watch(CortadoError, "__str__")
    _watch(click.UsageError, "format_message")
    _read(click.BadParameter, "format_message")  # which has words of its own


def _watch(base: Any, reader: str) -> None:
    """Write down each *base* that is made, and each on which *reader* is called."""
    make = base.__init__

    def init(self: Any, *args: Any, **named: Any) -> None:
        make(self, *args, **named)
        self.__dict__["_stack"] = stack = _stack(sys._getframe(1))
        _write("made", stack)

    base.__init__ = init
    _read(base, reader)


def _read(base: Any, reader: str) -> None:
    """Write down each *base* on which *reader* is called."""
    text = getattr(base, reader)

    def read(self: Any) -> Any:
        if "_stack" in self.__dict__:
            _write("read", self.__dict__["_stack"])
        return text(self)

    setattr(base, reader, read)


def _stack(frame: FrameType | None) -> tuple[str, ...]:
    places: list[str] = []
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(SOURCE):
            places.append(f"{name[len(SOURCE) :]}:{frame.f_lineno}")
        frame = frame.f_back
    return tuple(places)


def _write(what: str, stack: tuple[str, ...]) -> None:
    if (what, stack) not in seen:
        with suppress(OSError), open(Path(os.environ["CORTADO_RAISED"]) / f"{os.getpid()}.jsonl", "a") as file:
            file.write(json.dumps([what, *stack]) + "\n")  # fails where a test lets no file grow
            seen.add((what, stack))


if "CORTADO_RAISED" in os.environ:  # a test may take it away
    start()
