"""Optimizers: what a gradient does to a parameter. One file each; ``base.py`` has the interface."""

from .base import Optimizer

__all__ = ["Optimizer"]
