"""Inference: a net made ready for use alone, with layers taken together and memory used again.

The way: ``graph`` (the net's steps as operations on values, each written once), ``fuse`` (operations taken together),
``memory`` (which values may lie in the same place), then ``Inference`` runs the list.
"""

from .inference import Inference

__all__ = ["Inference"]
