"""pycaffe's Classifier: a net with its preprocessing, for images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import io
from .net import TEST, Net

Array = npt.NDArray[Any]


class Classifier(Net):
    """``Classifier(model_file, pretrained_file, image_dims, mean, input_scale, raw_scale, channel_swap)``.

    *image_dims*: height and width that images are brought to before they are cropped to the input (by default the
    input's); the others as for ``io.Transformer``.
    """

    def __init__(
        self,
        model_file: str,
        pretrained_file: str,
        image_dims: Sequence[int] | None = None,
        mean: npt.ArrayLike | None = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
    ) -> None:
        super().__init__(model_file, TEST, weights=pretrained_file)
        self.transformer = make_transformer(self, mean, input_scale, raw_scale, channel_swap)
        self.crop_dims = np.array(self.blobs[self.inputs[0]].shape[2:])
        self.image_dims = np.array(image_dims if image_dims is not None else self.crop_dims)

    def predict(self, inputs: Sequence[npt.ArrayLike], oversample: bool = True) -> Array:
        """Class scores, N x C, of H x W x K images; the mean over ten crops each, or of the centre alone."""
        name = self.inputs[0]
        images = np.stack([io.resize_image(one, self.image_dims) for one in inputs])
        if oversample:
            images = io.oversample(list(images), self.crop_dims)
        else:
            top, left = ((self.image_dims - self.crop_dims) / 2.0).astype(int)
            images = images[:, top : top + self.crop_dims[0], left : left + self.crop_dims[1]]
        ready = np.stack([self.transformer.preprocess(name, one) for one in images])
        scores = self.forward_all(**{name: ready})[self.outputs[0]]
        if oversample:
            scores = scores.reshape(len(scores) // 10, 10, -1).mean(1)
        return scores


def make_transformer(
    net: Net,
    mean: npt.ArrayLike | None,
    input_scale: float | None,
    raw_scale: float | None,
    channel_swap: Sequence[int] | None,
) -> io.Transformer:
    """The Transformer of the net's first input, for H x W x K images."""
    name = net.inputs[0]
    transformer = io.Transformer({name: net.blobs[name].shape})
    transformer.set_transpose(name, (2, 0, 1))
    if mean is not None:
        transformer.set_mean(name, mean)
    if input_scale is not None:
        transformer.set_input_scale(name, input_scale)
    if raw_scale is not None:
        transformer.set_raw_scale(name, raw_scale)
    if channel_swap is not None:
        transformer.set_channel_swap(name, channel_swap)
    return transformer
