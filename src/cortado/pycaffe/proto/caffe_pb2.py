"""Caffe's messages, as ``cortado.proto.caffe_pb2`` has them."""

from __future__ import annotations

from typing import Any

from ...proto import caffe_pb2 as _messages


def __getattr__(name: str) -> Any:
    return getattr(_messages, name)


def __dir__() -> list[str]:
    return dir(_messages)
