"""What the commands that make and read databases share: Caffe's way to write flags, a progress line, the backend."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TypeVar

import click

T = TypeVar("T")

FLAG = re.compile(r"--?([A-Za-z]\w[\w-]*)(=.*)?", re.DOTALL)
TRUE, FALSE = ("true", "1", "t", "yes", "y"), ("false", "0", "f", "no", "n")

backend = click.option(
    "--backend",
    type=click.Choice(["lmdb", "leveldb"], case_sensitive=False),
    default="lmdb",
    show_default=True,
    help="The kind of database to write.",
)


class CaffeCommand(click.Command):
    """A command that also takes flags as Caffe's tools did: one dash, underscores, ``-gray=true``, ``-nogray``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        flags = {
            name: isinstance(param, click.Option) and param.is_flag for param in self.params for name in param.opts
        }
        return super().parse_args(ctx, list(_usual(args, flags)))


def progress(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """*items*, counted on a line of the terminal; nothing is shown where the output is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield from items
        return
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        yield from bar.track(items, total=total)


def _usual(args: list[str], flags: dict[str, bool]) -> Iterator[str]:
    for index, arg in enumerate(args):
        if arg == "--":
            yield from args[index:]
            return
        match = FLAG.fullmatch(arg)
        name = f"--{match[1].replace('_', '-')}" if match else arg
        value = (match[2] or "") if match else ""
        positive = name.replace("--no", "--", 1)
        if flags.get(name) and value:
            if value[1:].lower() not in TRUE + FALSE:
                raise click.BadParameter(f"{name} is on or off, true or false; got {value[1:]}")
            if value[1:].lower() in TRUE:
                yield name
        elif name in flags:
            yield name + value
        elif not flags.get(positive) or value:
            yield arg
