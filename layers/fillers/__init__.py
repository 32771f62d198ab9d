"""Fillers: what learned blobs hold before training. One file each; ``base.py`` has the interface."""

from .base import Filler, fans, make_filler

__all__ = ["Filler", "fans", "make_filler"]
