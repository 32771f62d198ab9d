"""Effects: which fields of a fork a net sets that make no difference here.

A fork's field in one of its own messages is its layer's to read, and a layer without an implementation is refused. What
is left are the fields that forks put into stock messages: ``convolution_param { relu: true }`` of Intel's Caffe. Those
that nothing here reads are named, so that nobody takes them for granted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..errors import CortadoError
from ..proto import Schema
from .base import Dialect

ROOT = __name__.partition(".")[0]
READ = {
    "LossParameter.pre_fixed_normalizer",
    "ConvolutionParameter.kernel_depth",
    "ConvolutionParameter.temporal_pad",
    "ConvolutionParameter.temporal_stride",
    "PoolingParameter.kernel_depth",
    "PoolingParameter.temporal_stride",
}
"""Fields that every layer type that could have them reads; others stand in ``reads`` of a layer's class."""
HOW = re.compile(
    "engine|cudnn|algo|threads|cache|prefetch|debug|verbose|device|gpu|flavor|autotune|memory|mem_|reduce_buckets"
    "|global_grad_scale|_math$|(forward|backward|data)_type$"
)
"""In the name of a field: it only says how something is computed, or how fast, and not what."""

ClassOf = Callable[[Any], Any]


def without_effect(root: Any, dialects: Sequence[type[Dialect]], class_of: ClassOf) -> list[str]:
    """Notes on the fields of *root*, a net or solver, that came with *dialects* and that nothing reads.

    *class_of* gives the class of a layer; where it raises an error, the layer is passed over.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for path, scope, name in _fork_fields(root, dialects, ()):
        found.setdefault((path, f"{scope}.{name}"), [])
    for layer in getattr(root, "layer", ()):
        fields = list(_fork_fields(layer, dialects, ()))
        reads = _read_by(layer, class_of) if fields else None
        for path, scope, name in fields if reads is not None else ():
            if reads is not None and f"{scope}.{name}" not in reads:
                found.setdefault((path, f"{scope}.{name}"), []).append(layer.name)
    return [_note(path, scoped, layers, dialects) for (path, scoped), layers in found.items()]


def _fork_fields(
    message: Any, dialects: Sequence[type[Dialect]], path: tuple[str, ...]
) -> Iterator[tuple[str, str, str]]:
    """The path, scope and name of each field that is set in a stock message and is no stock field."""
    scope = message.DESCRIPTOR.full_name.partition(".")[2]
    stock = Schema.stock().DESCRIPTOR.message_types_by_name.get(scope)
    if stock is None:
        return
    for field, value in message.ListFields():
        here = (*path, field.name)
        if field.name in stock.fields_by_name:
            if field.message_type is not None and not (scope == "NetParameter" and field.name in ("layer", "layers")):
                for one in value if field.is_repeated else [value]:
                    yield from _fork_fields(one, dialects, here)
        elif _counts(scope, field) and any(d.knows(scope, field.name) for d in dialects):
            yield _spelled(here), scope, field.name


def _counts(scope: str, field: Any) -> bool:
    """Whether somebody must read the field for the file to mean what it says. The blocks of layers are theirs."""
    return (scope != "LayerParameter" or field.message_type is None) and not HOW.search(field.name)


def _read_by(layer: Any, class_of: ClassOf) -> set[str] | None:
    """The fork fields that the class of *layer* reads; None for a class that cannot be asked."""
    try:
        found = class_of(layer)
    except CortadoError:
        return None
    if not found.__module__.startswith(f"{ROOT}."):
        return None
    return READ.union(*(vars(base).get("reads", ()) for base in found.__mro__))


def _spelled(path: tuple[str, ...]) -> str:
    *outer, last = path
    return "".join(f"{name} {{ " for name in outer) + last + " }" * len(outer)


def _note(path: str, scoped: str, layers: Sequence[str], dialects: Sequence[type[Dialect]]) -> str:
    scope, _, name = scoped.rpartition(".")
    fork = next(d.fork for d in dialects if d.knows(scope, name))
    more = f" and {len(layers) - 1} more" if len(layers) > 1 else ""
    where = f" (layer '{layers[0]}'{more})" if layers else ""
    return f"{path}, of {fork}, is read and has no effect{where}"
