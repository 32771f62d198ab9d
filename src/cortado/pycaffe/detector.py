"""pycaffe's Detector: scores for windows of images, as R-CNN does it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import CortadoError, ParameterError
from . import io
from .classifier import make_transformer
from .net import TEST, Net

Array = npt.NDArray[Any]


class Detector(Net):
    """``Detector(model_file, pretrained_file, mean, input_scale, raw_scale, channel_swap, context_pad)``.

    *context_pad*: how many pixels of the input show what is around the window; beyond the image stands the mean.
    """

    def __init__(
        self,
        model_file: str,
        pretrained_file: str,
        mean: npt.ArrayLike | None = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
        context_pad: int | None = None,
    ) -> None:
        super().__init__(model_file, TEST, weights=pretrained_file)
        self.transformer = make_transformer(self, mean, input_scale, raw_scale, channel_swap)
        self.configure_crop(context_pad)

    def detect_windows(self, images_windows: Iterable[tuple[str | Path, npt.ArrayLike]]) -> list[dict[str, Any]]:
        """Scores of windows, given as (image file, rows of ymin, xmin, ymax, xmax).

        Returns a dict per window, with ``window``, ``prediction`` and ``filename``.
        """
        places, crops = [], []
        name = self.inputs[0]
        for file, windows in images_windows:
            image = io.load_image(file)
            for window in np.asarray(windows):
                places.append((file, window))
                crops.append(self.transformer.preprocess(name, self.crop(image, window)))
        if not crops:
            return []
        scores = self.forward_all(**{name: np.stack(crops)})[self.outputs[0]]
        scores = scores.reshape(len(scores), -1) if scores.shape[2:] == (1, 1) else scores
        return [
            {"window": window, "prediction": score, "filename": file}
            for (file, window), score in zip(places, scores, strict=True)
        ]

    def detect_selective_search(self, image_fnames: Iterable[str]) -> list[dict[str, Any]]:
        """Not available: it needs the MATLAB program selective_search_ijcv. Errors: CortadoError that says so."""
        rule = "selective search is a MATLAB program that Cortado does not run"
        raise CortadoError(rule, hint="find windows with another program and call detect_windows")

    def crop(self, im: Array, window: npt.ArrayLike) -> Array:
        """The part of *im* in *window* (ymin, xmin, ymax, xmax), with its surroundings if ``context_pad`` is set."""
        y0, x0, y1, x1 = (int(v) for v in np.asarray(window))
        if not self.context_pad:
            return im[y0:y1, x0:x1]
        size = int(self.blobs[self.inputs[0]].shape[3])
        scale = size / (size - 2.0 * self.context_pad)
        half = np.array([(y1 - y0 + 1) / 2.0, (x1 - x0 + 1) / 2.0])
        centre = np.array([y0, x0]) + half
        box = np.round(np.concatenate([centre - scale * half, centre + scale * half])).astype(int)
        factor = size / (box[2:] - box[:2] + 1.0)
        pad = np.round(np.maximum(0, -box[:2]) * factor).astype(int)
        limits = np.array([*im.shape[:2], *im.shape[:2]])
        box = np.clip(box, 0, limits)
        extent = box[2:] - box[:2] + 1
        if min(extent) <= 1:
            raise ParameterError("a window must lie in its image", got=f"{(y0, x0, y1, x1)} in {im.shape[:2]}")
        height, width = np.minimum(np.round(extent * factor).astype(int), size - pad)
        part = io.resize_image(im[box[0] : box[2], box[1] : box[3]], (height, width))
        crop = np.ones(self.crop_dims, np.float32) * self.crop_mean
        crop[pad[0] : pad[0] + height, pad[1] : pad[1] + width] = part
        return crop

    def configure_crop(self, context_pad: int | None) -> None:
        """Set the context and work out what the mean is in terms of images."""
        name = self.inputs[0]
        order = self.transformer.transpose[name] or (2, 0, 1)
        inverse = np.argsort(order)
        self.crop_dims = np.array(self.blobs[name].shape[1:])[inverse]
        self.context_pad = context_pad
        self.crop_mean = np.zeros(tuple(self.crop_dims), np.float32)
        mean = self.transformer.mean.get(name)
        if context_pad and mean is not None:
            swap, raw = self.transformer.channel_swap.get(name), self.transformer.raw_scale.get(name)
            mean = np.broadcast_to(mean, self.blobs[name].shape[1:])
            mean = mean[np.argsort(swap)] if swap is not None else mean
            self.crop_mean = (mean.transpose(inverse) / (raw or 1.0)).astype(np.float32)
