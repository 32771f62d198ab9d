"""Layers: blobs, the Layer base class, and one file per layer type. The public names are those of ``__all__``."""

from .arity import Arity, at_least, between, exactly
from .autodiff import AutodiffLayer
from .blob import Array, Blob, Shape
from .context import LayerContext, Phase, choose_engine, confined, find_path
from .fillers import Filler
from .layer import Blobs, Layer, product
from .neuron import NeuronLayer

__all__ = [
    "Arity",
    "Array",
    "AutodiffLayer",
    "Blob",
    "Blobs",
    "Filler",
    "Layer",
    "LayerContext",
    "NeuronLayer",
    "Phase",
    "Shape",
    "at_least",
    "between",
    "choose_engine",
    "confined",
    "exactly",
    "find_path",
    "product",
]
