"""Regularizers: terms of the loss that depend on the weights alone. One file each; ``base.py`` has the interface."""

from .base import Regularizer

__all__ = ["Regularizer"]
