"""Records of images with boxes: read, changed at random with their boxes, and written into batches."""

from .batches import AnnotatedBatches, BoxRows, ClassLabels, Labels, YoloRows
from .recipe import Recipe
from .sample import Annotations, Sample, datum_class, read_sample

__all__ = [
    "AnnotatedBatches",
    "Annotations",
    "BoxRows",
    "ClassLabels",
    "Labels",
    "Recipe",
    "Sample",
    "YoloRows",
    "datum_class",
    "read_sample",
]
