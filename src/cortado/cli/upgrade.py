"""``cortado upgrade net|solver|weights``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ._group import Group

if TYPE_CHECKING:
    from ..proto import Document

OLD_LAYERS = 2
"""The field number of ``layers``, the V0 and V1 form, in a NetParameter."""


@click.group(cls=Group, epilog="Example: cortado upgrade net deploy_2014.prototxt deploy.prototxt")
def command() -> None:
    """Write old files in today's format, and tell what was changed.

    Upgrading is never needed to use a file: everything reads files of any age. IN and OUT may be the same file.
    Comments are not kept.
    """


@command.command("net", epilog="Example: cortado upgrade net old.prototxt new.prototxt")
@click.argument("old", metavar="IN")
@click.argument("new", metavar="OUT")
def net(old: str, new: str) -> None:
    """Rewrite a net definition: V0 and V1 layers, `input` fields, transform fields of data layers, BatchNorm rates."""
    from ..plugins import plugin_manager
    from ..plugins.dialects import read_net

    _write(read_net(old, plugin_manager()), old, new)


@command.command("solver", epilog="Example: cortado upgrade solver old_solver.prototxt solver.prototxt")
@click.argument("old", metavar="IN")
@click.argument("new", metavar="OUT")
def solver(old: str, new: str) -> None:
    """Rewrite a solver definition: `solver_type: ADAM` becomes `type: "Adam"`; nets inside are rewritten too."""
    from ..plugins import plugin_manager
    from ..plugins.dialects import read_solver

    _write(read_solver(old, plugin_manager()), old, new)


@command.command("weights", epilog="Example: cortado upgrade weights old.caffemodel new.caffemodel")
@click.argument("old", metavar="IN")
@click.argument("new", metavar="OUT")
def weights(old: str, new: str) -> None:
    """Rewrite a .caffemodel: V0 and V1 layers become new ones, half-precision blobs become float.

    The blobs keep their values, and old four-axis shapes, which load into blobs of fewer axes, stay as they are.
    """
    from ..netdef.weight_files import is_hdf5
    from ..plugins import plugin_manager
    from ..plugins.dialects import read_weights
    from ..proto import check_writable, write_binary

    if is_hdf5(old):
        raise click.UsageError(
            f"{old} is an HDF5 file, a format that has had only one form: there is nothing to upgrade"
        )
    check_writable(new)
    message = read_weights(old, plugin_manager())
    count = _count_old(old)
    write_binary(message, new)
    _tell([f"layers of an old format, upgraded: {count} of {len(message.layer)}"] if count else [], new)


def hidden(named: click.Command, name: str) -> click.Command:
    """The same command under Caffe's *name* for it, left out of the list of commands."""
    epilog = (named.epilog or "").replace(f"upgrade {named.name}", name)
    return click.Command(
        name, callback=named.callback, params=named.params, help=named.help, epilog=epilog, hidden=True
    )


def _count_old(path: str) -> int:
    from ..proto.wire import top_fields

    with open(path, "rb") as file:
        return sum(field.number == OLD_LAYERS for field in top_fields(file, file.seek(0, 2)))


def _write(document: Document[Any], old: str, new: str) -> None:
    from ..proto import write_text

    if not document.message.ListFields():
        raise click.UsageError(f"{old} is empty: there is nothing to upgrade")
    write_text(document.message, new)
    _tell(list(document.notes), new)


def _tell(notes: list[str], path: str) -> None:
    for note in notes or ["nothing to change: the file is in today's format"]:
        click.echo(note)
    click.echo(f"written: {path}")
