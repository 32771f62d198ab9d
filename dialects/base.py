"""Dialect: one fork of Caffe, as a named set of schema additions and layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from .table import Table

if TYPE_CHECKING:
    from ..layers import Layer

LayerClass: TypeAlias = "type[Layer]"


class Dialect:
    """A fork of Caffe: the fields it added under its own numbers, and its layer types.

    The numbers of the forks collide, so no schema holds them all: a dialect is added to the schema of one file, chosen
    by the fields the file uses, by what its bytes can be, or by name (see ``choose`` and ``evidence``).

    Class attributes of a subclass:

    ``type``      the name, as in ``--dialect ssd``
    ``fork``      which fork this is, for messages
    ``common``    whether it is meant rather than other dialects that fit a file as well (false)
    ``tables``    what it adds to the schema, its own table last (see ``Table``)
    ``layers``    layer classes that its files mean by a type name, where other files mean another class; types that
                  all forks use alike come from the ``cortado_layers`` hook instead
    ``unlike``    types by which it means layers that have no implementation, where other forks mean one that has

    Example::

        class OurFork(Dialect):
            type = "ours"
            fork = "the fork of our company"
            tables = (Table("ours", "extend LayerParameter { float twist = 990; } layer Twist twist;"),)

        @cortado.hookimpl
        def cortado_dialects():
            return [OurFork]
    """

    plugin_kind: ClassVar[str] = "dialects"

    type: ClassVar[str] = ""
    fork: ClassVar[str] = ""
    common: ClassVar[bool] = False
    tables: ClassVar[Sequence[Table]] = ()
    layers: ClassVar[Mapping[str, LayerClass]] = {}
    unlike: ClassVar[Sequence[str]] = ()

    @classmethod
    def normalise(cls, net: Any) -> None:
        """Bring the blobs of *net*, weights just read from a binary file, into the form that stock Caffe writes."""

    @classmethod
    def layer_types(cls) -> dict[str, tuple[str, ...]]:
        """Every layer type of the fork with the fields of LayerParameter that it reads."""
        return {name: fields for table in cls.tables for name, fields in table.layers.items()}

    @classmethod
    def knows(cls, scope: str, name: str) -> bool:
        """Whether the fork added the field *name* to the message *scope* (or that value to the enum)."""
        return any((scope, name) in table.names for table in cls.tables)

    @classmethod
    def size(cls) -> int:
        """How much the dialect adds: of two that fit, the smaller one is meant."""
        return sum(len(table.names) for table in cls.tables)
