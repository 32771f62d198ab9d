"""Learning-rate policies: the rate as a function of the iteration. One file each; ``base.py`` has the interface."""

from .base import LearningRatePolicy

__all__ = ["LearningRatePolicy"]
