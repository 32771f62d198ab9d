"""Weight formats: the kinds of files that learned blobs are loaded from and saved to. One file each."""

from .base import WeightFormat

__all__ = ["WeightFormat"]
