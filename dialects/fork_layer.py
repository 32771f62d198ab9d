"""The base of the forks' layers: their parameters are read even in a file that never mentions them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from ..errors import PluginError
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

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        if self.param_field and self.param_field not in config.DESCRIPTOR.fields_by_name:
            config = _with_tables(config, self.tables)
        super().__init__(config, context)


def _with_tables(config: LayerParameter, tables: Sequence[Table]) -> LayerParameter:
    schema = Schema.of(config) or Schema.stock()
    try:
        schema = combine(schema, tables)
    except PluginError:
        schema = combine(Schema.stock(), tables)
    return schema.LayerParameter.FromString(config.SerializeToString())
