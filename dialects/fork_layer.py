"""The base of the forks' layers: their parameters are read even in a file that never mentions them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import NetError, PluginError
from ..layers import Layer, LayerContext
from ..proto import Schema
from .combine import combine
from .table import Table

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import LayerParameter


class ForkLayer(Layer):
    """A layer whose ``param_field`` comes from one of ``tables``.

    A file is read with the tables of the fields that it uses. A layer that stands in it without any parameters, or in a
    net made in code, gets the defaults of its own tables.
    """

    tables: ClassVar[Sequence[Table]] = ()
    without: ClassVar[Sequence[str]] = ()
    """Fields of the layer's block that some fork has and that are refused where they are set to anything else than
    their default: they would change the result."""

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        if self.param_field and self.param_field not in config.DESCRIPTOR.fields_by_name:
            config = _with_tables(config, self.tables)
        super().__init__(config, context)
        if self.param_field:
            self._check_block()

    def _check_block(self) -> None:
        known = self.param.DESCRIPTOR.fields_by_name
        ours: Any = combine(Schema.stock(), self.tables).LayerParameter.DESCRIPTOR.fields_by_name[str(self.param_field)]
        if not any(field.name in known for field in ours.message_type.fields):
            rule = f"this {self.param_field} is of a fork whose layer {self.type} has no implementation here"
            names = ", ".join(field.name for field in ours.message_type.fields)
            self.fail(rule, error=NetError, hint=f"the one that has takes {names}")
        for name in self.without:
            if name in known and getattr(self.param, name) not in (known[name].default_value, [], ()):
                got, hint = getattr(self.param, name), "leave it out if the result may differ"
                self.fail(f"{name} is read and not implemented", name, got=got, hint=hint)


def _with_tables(config: LayerParameter, tables: Sequence[Table]) -> LayerParameter:
    schema = Schema.of(config) or Schema.stock()
    try:
        schema = combine(schema, tables)
    except PluginError:
        schema = combine(Schema.stock(), tables)
    return schema.LayerParameter.FromString(config.SerializeToString())
