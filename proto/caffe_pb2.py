"""Caffe's messages under the name that old scripts import: ``caffe_pb2.NetParameter()``, ``caffe_pb2.TRAIN``.

The classes are those of ``Schema.default()``, found when they are first asked for.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    from .schema import Schema

    try:
        return getattr(Schema.default(), name)
    except AttributeError:
        raise AttributeError(f"caffe_pb2 has no '{name}'") from None


def __dir__() -> list[str]:
    from .schema import Schema

    return Schema.default().names()
