"""Options of the program itself: which plugins are loaded, how files are read, what nets go through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def _choose(name: str) -> Callable[[click.Context, click.Parameter, tuple[str, ...]], None]:
    def callback(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> None:
        if value and not ctx.resilient_parsing:
            from ..plugins import plugin_manager

            choice: dict[str, Any] = {name: value}
            plugin_manager().configure(**choice)

    return callback


def plugin_options(function: F) -> F:
    """The options of the plugin manager. They are looked at before the command, which a plugin may have."""
    options = (
        ("--plugins-dir", "folders", "DIR", "A folder of one-file plugins; may be repeated."),
        ("--only-plugins", "only", "NAMES", "Load only these of the installed plugins; a comma list, '' for none."),
        ("--without-plugins", "without", "NAMES", "Leave these plugins out; a comma list."),
        ("--dialect", "dialect", "NAMES", "Read all files with these dialects, instead of looking; 'stock' for none."),
        ("--net-pass", "passes", "NAME", "Send every net through this pass; may be repeated."),
    )
    for flag, name, metavar, text in reversed(options):
        option = click.option(
            *(flag, f"plugin_{name}"),
            multiple=True,
            metavar=metavar,
            help=text,
            is_eager=True,
            expose_value=False,
            callback=_choose(name),
        )
        function = option(function)
    return function
