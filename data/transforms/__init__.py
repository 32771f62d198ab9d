"""Transforms: what plugins do to an image before ``transform_param`` crops, mirrors and scales it. One file each."""

from .base import Transform
from .chain import make_transformer

__all__ = ["Transform", "make_transformer"]
