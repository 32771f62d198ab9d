"""ImageLabelmapData: images, and images of edges beside them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ...layers import Array
from .dense_image_data import DenseImageData


class ImageLabelmapData(DenseImageData):
    """Batches of images with 0 or 1 for every pixel, from a list of ``image labels`` lines, both image files.

    Tops: ``data``, N × C × H × W in the order blue, green, red; ``label``, N × 1 × H × W, 1 where the grey value of the
    label image is 128 or more. ``transform_param`` (see ``DataTransformer``) works on the images; what crops and
    mirrors them does the same to the labels.

    Parameters, in ``image_data_param``: ``source``, the list; ``root_folder`` (empty), put before each path;
    ``batch_size`` (1); ``shuffle`` (false); ``new_height`` and ``new_width`` (as they are), both or neither;
    ``is_color`` (true); ``rand_skip`` (0).
    Errors: ParameterError; FileError for the list; DataError for an image that cannot be used.

    Example::

        layer {
          name: "data" type: "ImageLabelmapData" top: "data" top: "label"
          image_data_param { root_folder: "HED-BSDS/" source: "train_pair.lst" batch_size: 1 shuffle: true }
        }

    Source: HED's ImageLabelmapData layer (Xie and Tu, "Holistically-Nested Edge Detection", 2015).
    """

    type: ClassVar[str] = "ImageLabelmapData"
    param_field: ClassVar[str | None] = "image_data_param"
    linear: ClassVar[bool] = True

    @staticmethod
    def labels_of(grey: Array) -> Array:
        return (grey >= 128).astype(np.uint8)
