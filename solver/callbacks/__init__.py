"""Callbacks: what watches or steers a training run. One file each; ``base.py`` has the interface."""

from .base import Callback

__all__ = ["Callback"]
