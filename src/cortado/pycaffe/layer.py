"""The base class of Python layers written for pycaffe."""

from __future__ import annotations

from ..layers import Layer as _Layer


class Layer(_Layer):
    """Derive from it as from ``caffe.Layer``: setup, reshape, forward and backward, with ``self.param_str``,
    ``self.phase`` and ``self.blobs``. It runs through a ``Python`` layer of the prototxt."""

    type = ""
    param_str = ""
