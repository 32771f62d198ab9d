"""pycaffe's ``caffe.proto``: ``from cortado.pycaffe.proto import caffe_pb2``."""

from __future__ import annotations

from ...proto import caffe_pb2

__all__ = ["caffe_pb2"]
