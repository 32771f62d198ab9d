"""The commands of the ``cortado`` program, one file each.

A file ``cli/some_thing.py`` with a click command called ``command`` is ``cortado some-thing``. Plugins add theirs by
the hook ``cortado_commands``.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

import click

from .. import __version__
from ._group import Group
from ._plugin_options import plugin_options


class Program(Group):
    """A group that imports a command when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        own = [info.name.replace("_", "-") for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_")]
        return sorted({*own, *_plugin_commands()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = cmd_name.replace("-", "_")
        if module in {info.name for info in pkgutil.iter_modules(__path__)} and not module.startswith("_"):
            command: click.Command = import_module(f".{module}", __name__).command
            command.name = cmd_name
            return command
        return _plugin_command(cmd_name)


def _plugin_commands() -> list[str]:
    from ..plugins import plugin_manager

    return plugin_manager().registry("commands").names()


def _plugin_command(name: str) -> click.Command | None:
    """The command of a plugin, as ``name`` or ``distribution/name``. Errors: PluginError where several have it."""
    from ..plugins import plugin_manager

    if name.rpartition("/")[2] not in _plugin_commands():
        return None
    command: click.Command = plugin_manager().get("commands", name).item
    return command


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Example: cortado train examples/digits/solver.prototxt",
)
@plugin_options
@click.version_option(__version__, prog_name="cortado")
def program() -> None:
    """Train, test and look into Caffe networks.

    Networks and solvers are prototxt files; layers are plugins. `cortado COMMAND --help` tells more, with an example.
    """
