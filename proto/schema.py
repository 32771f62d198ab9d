"""The message classes of Caffe, with whatever plugins and dialects add to them.

A schema lives in its own descriptor pool, so any number of them can be used side by side. Messages of two schemas have
different classes and cannot be copied into each other except through bytes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message_factory import GetMessageClass

from ..errors import CortadoError, PluginError, nearest
from .addition import Addition, Rule
from .compose import STOCK, Providers, compose_file

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from . import caffe_pb2

PACKAGE = "caffe"
KEPT = 32
"""How many composed schemas are kept for the next call with the same additions."""


class Schema:
    """Message classes by name: ``schema.NetParameter``, ``schema.message("NetParameter")``; enums and their values too.

    ``additions`` is what was added to the stock schema, ``rules`` and ``type_names`` are those of all additions.
    """

    if TYPE_CHECKING:
        BlobProto: type[caffe_pb2.BlobProto]
        BlobProtoVector: type[caffe_pb2.BlobProtoVector]
        BlobShape: type[caffe_pb2.BlobShape]
        Datum: type[caffe_pb2.Datum]
        FillerParameter: type[caffe_pb2.FillerParameter]
        LayerParameter: type[caffe_pb2.LayerParameter]
        NetParameter: type[caffe_pb2.NetParameter]
        NetState: type[caffe_pb2.NetState]
        ParamSpec: type[caffe_pb2.ParamSpec]
        SolverParameter: type[caffe_pb2.SolverParameter]
        SolverState: type[caffe_pb2.SolverState]

    def __init__(
        self,
        file: FileDescriptorProto,
        providers: Providers,
        additions: tuple[Addition, ...] = (),
    ) -> None:
        self.additions = additions
        self.rules: Mapping[tuple[str, str], Rule] = {k: r for a in additions for k, r in a.rules.items()}
        self.type_names: Mapping[str, str] = {k: t for a in additions for k, t in a.type_names.items()}
        self.open: frozenset[str] = frozenset(name for a in additions for name in a.open)
        self._providers = providers
        self._pool = DescriptorPool()
        self._pool.Add(file)
        self._file = self._pool.FindFileByName(file.name)
        self._known: dict[str, Any] = {}
        _schemas[id(self._pool)] = self

    @staticmethod
    def stock() -> Schema:
        """BVLC Caffe's own schema."""
        return Schema.compose(())

    @staticmethod
    def compose(additions: Iterable[Addition]) -> Schema:
        """The stock schema with *additions*; equal additions give the same object. Raises PluginError on a clash."""
        wanted = tuple(additions)
        key = tuple(addition.key() for addition in wanted)
        schema = _composed.get(key)
        if schema is None:
            schema = _composed[key] = _build(wanted)
            while len(_composed) > KEPT:
                del _composed[next(old for old in _composed if old)]  # the oldest one, but the stock schema stays
        _composed.move_to_end(key)
        return schema

    @staticmethod
    def default() -> Schema:
        """The schema used where none is named: the stock one, unless ``set_default`` was called."""
        return _default[0]() if _default else Schema.stock()

    @staticmethod
    def of(message: Message | type[Message]) -> Schema | None:
        """The schema that *message* belongs to; None for a message of another origin."""
        pool = message.DESCRIPTOR.file.pool
        schema = _schemas.get(id(pool))
        return schema if schema is not None and schema._pool is pool else None

    def message(self, name: str) -> type[Message]:
        """The class of the message *name*; nested ones as ``A.B``."""
        try:
            descriptor = self._pool.FindMessageTypeByName(f"{PACKAGE}.{name}")
        except KeyError:
            hint = nearest(name, self._file.message_types_by_name)
            raise CortadoError(f"the schema has no message '{name}'", hint=hint) from None
        return GetMessageClass(descriptor)

    def provider_of(self, message: str, field: str | None = None) -> str:
        """Who brought *message*, or its *field*: a provider's name, or ``stock Caffe``."""
        own = self._providers.get(f"{message}.{field}" if field else message)
        return own or (self._providers.get(message, STOCK) if field else STOCK)

    def names(self) -> list[str]:
        """The names of all top-level messages, enums and enum values."""
        file = self._file
        values = [v.name for e in file.enum_types_by_name.values() for v in e.values]
        return [*file.message_types_by_name, *file.enum_types_by_name, *values]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._known:
            self._known[name] = self._find(name)
        return self._known[name]

    def _find(self, name: str) -> Any:
        if name == "DESCRIPTOR":
            return self._file
        if name in self._file.message_types_by_name:
            return self.message(name)
        if name in self._file.enum_types_by_name:
            return EnumTypeWrapper(self._file.enum_types_by_name[name])
        for enum in self._file.enum_types_by_name.values():
            if name in enum.values_by_name:
                return enum.values_by_name[name].number
        raise AttributeError(f"the schema has no '{name}'")

    def __repr__(self) -> str:
        return f"<Schema {' + '.join([STOCK, *(a.provider for a in self.additions)])}>"


_schemas: WeakValueDictionary[int, Schema] = WeakValueDictionary()
_composed: OrderedDict[object, Schema] = OrderedDict()
_default: list[Callable[[], Schema]] = []


def set_default(schema: Schema | Callable[[], Schema] | None) -> None:
    """Choose the schema of ``Schema.default()``, or a function that finds it when asked; None is the stock one."""
    _default.clear()
    if isinstance(schema, Schema):
        chosen = schema
        _default.append(lambda: chosen)
    elif schema is not None:
        _default.append(schema)


def _stock_file() -> FileDescriptorProto:
    return FileDescriptorProto.FromString(Path(__file__).with_name("caffe.desc").read_bytes())


def _build(additions: tuple[Addition, ...]) -> Schema:
    file, providers = compose_file(_stock_file(), additions)
    try:
        return Schema(file, providers, additions)
    except (TypeError, KeyError) as error:
        raise PluginError(f"the additions do not make a schema: {error}", who=_culprit(additions)) from None


def _culprit(additions: tuple[Addition, ...]) -> str:
    """The first provider with which the schema can no longer be built."""
    for count in range(1, len(additions)):
        try:
            Schema(*compose_file(_stock_file(), additions[:count]))
        except (TypeError, KeyError, PluginError):
            return additions[count - 1].provider
    return additions[-1].provider
