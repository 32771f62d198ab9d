"""pycaffe's ``caffe.io``: blobs and datums to and from arrays, images, and the Transformer.

Images are H x W x K arrays of floats from 0 to 1, in the order red, green, blue; the Transformer brings them to what a
net reads. Errors are those of ``cortado``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data import array_to_datum as _array_to_datum, datum_to_array, images as _images
from ..errors import FileError, ParameterError, ShapeError
from ..proto import array_to_blob, blob_shape, blob_to_array, caffe_pb2

Array = npt.NDArray[Any]

__all__ = [
    "Transformer",
    "array_to_blobproto",
    "array_to_datum",
    "arraylist_to_blobprotovector_str",
    "blobproto_to_array",
    "blobprotovector_str_to_arraylist",
    "datum_to_array",
    "load_image",
    "oversample",
    "resize_image",
]

LUMINANCE = np.array([0.2125, 0.7154, 0.0721], np.float32)
"""Of red, green and blue, as scikit-image weighs them."""


# -- messages -----------------------------------------------------------------------------------------------------


def blobproto_to_array(blob: Any, return_diff: bool = False) -> Array:
    """The values (or the gradient) of a BlobProto, of four axes where it has the old fields num, channels ….

    Errors: FormatError where counts do not fit.
    """
    if return_diff:
        return np.asarray(blob.diff or blob.double_diff, np.float32).reshape(blob_shape(blob))
    return blob_to_array(blob)


def array_to_blobproto(arr: npt.ArrayLike, diff: npt.ArrayLike | None = None) -> Any:
    """A BlobProto of *arr*, with the gradient *diff*."""
    blob = caffe_pb2.BlobProto()
    array_to_blob(np.asarray(arr, np.float32), blob)
    if diff is not None:
        array_to_blob(np.asarray(diff, np.float32), blob, diff=True)
    return blob


def arraylist_to_blobprotovector_str(arraylist: Iterable[npt.ArrayLike]) -> bytes:
    """Several arrays as a serialized BlobProtoVector."""
    vector = caffe_pb2.BlobProtoVector()
    vector.blobs.extend(array_to_blobproto(arr) for arr in arraylist)
    content: bytes = vector.SerializeToString()
    return content


def blobprotovector_str_to_arraylist(content: bytes) -> list[Array]:
    """The arrays of a serialized BlobProtoVector."""
    return [blobproto_to_array(blob) for blob in caffe_pb2.BlobProtoVector.FromString(content).blobs]


def array_to_datum(arr: npt.ArrayLike, label: int | None = None) -> Any:
    """A Datum of a C x H x W array: ``data`` for uint8, ``float_data`` for others. Errors: DataError."""
    datum = _array_to_datum(arr, label)
    return caffe_pb2.Datum.FromString(datum.SerializeToString())


# -- images -------------------------------------------------------------------------------------------------------


def load_image(filename: str | Path, color: bool = True) -> Array:
    """The image in a file, H x W x 3 (RGB), or H x W x 1 if *color* is false; float32 from 0 to 1; alpha is dropped.

    Errors: FileError; DataError for what is no image; MissingExtraError without Pillow.
    """
    try:
        content = Path(filename).read_bytes()
    except OSError as error:
        raise FileError(f"cannot read this image: {error.strerror}", where=str(Path(filename).absolute())) from None
    pixels = _images.decode(content, f"the image {filename}", None)
    if pixels.shape[2] == 1:
        grey: Array = pixels.astype(np.float32) / np.float32(255)
        return np.repeat(grey, 3, axis=2) if color else grey
    rgb: Array = pixels[..., 2::-1].astype(np.float32) / np.float32(255)
    weighed: Array = rgb @ LUMINANCE
    return rgb if color else weighed[..., None]


def resize_image(im: npt.ArrayLike, new_dims: Sequence[int] | Array, interp_order: int = 1) -> Array:
    """*im*, H x W x K, at another height and width; float32.

    *interp_order* 1 is bilinear between pixel centres, without smoothing before shrinking; 0 takes the nearest pixel.
    pycaffe leaves this to scikit-image, whose numbers differ a little between versions. Errors: ParameterError.
    """
    image = np.asarray(im, np.float32)
    height, width = int(new_dims[0]), int(new_dims[1])
    if interp_order not in (0, 1):
        raise ParameterError("interp_order is 0 (nearest) or 1 (bilinear)", got=str(interp_order))
    if image.shape[:2] == (height, width):
        return image.copy()
    for axis, size in ((0, height), (1, width)):
        image = _resize_axis(image, axis, size, interp_order)
    return image


def _resize_axis(image: Array, axis: int, size: int, order: int) -> Array:
    place = (np.arange(size) + 0.5) * (image.shape[axis] / size) - 0.5
    last = image.shape[axis] - 1
    if order == 0:
        nearest: Array = image.take(np.clip(np.rint(place), 0, last).astype(np.int64), axis)
        return nearest
    before = np.clip(np.floor(place), 0, last).astype(np.int64)
    weight = np.clip(place - before, 0, 1).astype(np.float32)
    weight = weight.reshape([-1 if i == axis else 1 for i in range(image.ndim)])
    near, far = image.take(before, axis), image.take(np.minimum(before + 1, last), axis)
    result: Array = near + (far - near) * weight
    return result


def oversample(images: Sequence[npt.ArrayLike], crop_dims: Sequence[int] | Array) -> Array:
    """Ten crops per image, (10·N) x H x W x K: the four corners, the centre, and the same five mirrored."""
    first = np.asarray(images[0])
    height, width = (int(n) for n in crop_dims)
    tops, lefts = (0, first.shape[0] - height), (0, first.shape[1] - width)
    if min(tops[1], lefts[1]) < 0:
        raise ShapeError(f"a crop of {height}x{width} must fit the images", got=f"{first.shape[0]}x{first.shape[1]}")
    corners = [(y, x) for y in tops for x in lefts]
    corners.append((int(first.shape[0] / 2 - height / 2), int(first.shape[1] / 2 - width / 2)))
    crops = np.empty((10 * len(images), height, width, first.shape[-1]), np.float32)
    for index, image in enumerate(images):
        own = crops[10 * index : 10 * index + 10]
        for number, (y, x) in enumerate(corners):
            own[number] = np.asarray(image)[y : y + height, x : x + width]
        own[5:] = own[:5, :, ::-1]
    return crops


# -- Transformer --------------------------------------------------------------------------------------------------


class Transformer:
    """Brings images to the form that inputs of a net have, and back.

    *inputs*: shapes of the inputs by name. What ``preprocess`` does, each step only if it is set: resize to the
    input's height and width; ``set_transpose`` (axes, H x W x K to K x H x W by (2, 0, 1)); ``set_channel_swap``
    ((2, 1, 0) for RGB to BGR); ``set_raw_scale`` (factor, 255 for pixels from 0 to 255); ``set_mean`` (subtract);
    ``set_input_scale`` (factor).
    """

    def __init__(self, inputs: Mapping[str, Sequence[int]]) -> None:
        self.inputs = dict(inputs)
        self.transpose: dict[str, Sequence[int] | None] = {}
        self.channel_swap: dict[str, Sequence[int] | None] = {}
        self.raw_scale: dict[str, float | None] = {}
        self.mean: dict[str, Array | None] = {}
        self.input_scale: dict[str, float | None] = {}

    def preprocess(self, in_: str, data: npt.ArrayLike) -> Array:
        """*data*, one H x W x K image, as the input *in_* takes it. *data* itself is not changed."""
        self._check(in_)
        image = np.array(data, np.float32)
        dims = tuple(self.inputs[in_][2:])
        if image.shape[:2] != dims:
            image = resize_image(image, dims)
        transpose, swap = self.transpose.get(in_), self.channel_swap.get(in_)
        if transpose is not None:
            image = image.transpose(transpose)
        if swap is not None:
            image = image[list(swap)]
        if (raw := self.raw_scale.get(in_)) is not None:
            image = image * np.float32(raw)
        if (mean := self.mean.get(in_)) is not None:
            image = image - mean
        if (scale := self.input_scale.get(in_)) is not None:
            image = image * np.float32(scale)
        return image

    def deprocess(self, in_: str, data: npt.ArrayLike) -> Array:
        """What ``preprocess`` did, undone (but for the resizing)."""
        self._check(in_)
        image = np.array(data, np.float32).squeeze()
        if (scale := self.input_scale.get(in_)) is not None:
            image = image / np.float32(scale)
        if (mean := self.mean.get(in_)) is not None:
            image = image + mean
        if (raw := self.raw_scale.get(in_)) is not None:
            image = image / np.float32(raw)
        transpose, swap = self.transpose.get(in_), self.channel_swap.get(in_)
        if swap is not None:
            image = image[np.argsort(swap)]
        if transpose is not None:
            image = image.transpose(np.argsort(transpose))
        return image

    def set_transpose(self, in_: str, order: Sequence[int]) -> None:
        """The order of axes, e.g. (2, 0, 1)."""
        self._check(in_)
        if len(order) != len(self.inputs[in_]) - 1:
            raise ParameterError(f"the order of '{in_}' has as many axes as the input", got=str(tuple(order)))
        self.transpose[in_] = order

    def set_channel_swap(self, in_: str, order: Sequence[int]) -> None:
        """The order of channels, e.g. (2, 1, 0) for RGB to BGR."""
        self._check(in_)
        if len(order) != self.inputs[in_][1]:
            raise ParameterError(f"the channel swap of '{in_}' names each channel", got=str(tuple(order)))
        self.channel_swap[in_] = order

    def set_raw_scale(self, in_: str, scale: float) -> None:
        """A factor before the mean: 255 for images from 0 to 1 and nets that read 0 to 255."""
        self._check(in_)
        self.raw_scale[in_] = scale

    def set_mean(self, in_: str, mean: npt.ArrayLike) -> None:
        """What to subtract: a number per channel, or K x H x W (resized where its height and width differ)."""
        self._check(in_)
        channels, *dims = self.inputs[in_][1:]
        values = np.asarray(mean)
        if values.ndim == 1:
            if values.shape[0] != channels:
                raise ShapeError(f"the mean has a number per channel of '{in_}' ({channels})", got=str(values.shape))
            values = values[:, None, None]
        else:
            values = values[None] if values.ndim == 2 else values
            if values.ndim != 3 or values.shape[0] not in (1, channels):
                raise ShapeError(f"the mean fits the input '{in_}' {tuple(self.inputs[in_])}", got=str(values.shape))
            if list(values.shape[1:]) != dims:
                values = resize_image(values.transpose(1, 2, 0), dims).transpose(2, 0, 1)
        self.mean[in_] = values.astype(np.float32)

    def set_input_scale(self, in_: str, scale: float) -> None:
        """A factor after the mean."""
        self._check(in_)
        self.input_scale[in_] = scale

    def _check(self, in_: str) -> None:
        if in_ not in self.inputs:
            raise ParameterError(f"'{in_}' must be one of the inputs {tuple(self.inputs)}")
