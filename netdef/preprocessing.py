"""Preprocessing: what was done to images before a net saw them, kept in a small JSON file beside its weights.

``lenet.caffemodel`` has ``lenet.preprocessing.json``: what ``cortado predict`` reads, and ``cortado deploy`` writes
from the ``transform_param`` of the data layer.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ..errors import FormatError
from ..layers import Shape, find_path
from ..proto import atomic_write, read_text

SUFFIX = ".preprocessing.json"
ENDINGS = (".caffemodel.h5", ".caffemodel", ".h5", ".safetensors", ".npz")


@dataclass
class Preprocessing:
    """value = (pixel - mean) * scale, of pixels from 0 to 255 in the order blue, green, red.

    ``resize``: height and width that an image is brought to first, None for the size of the input (with ``crop``, of
    the mean, or 256); ``crop``: the side of the square cut from its middle, 0 for none; ``mean``: a number for all
    channels or one for each; ``mean_file``: the path of a .binaryproto or .npy from where this file stands;
    ``channels``: ``BGR``, ``RGB`` or ``GRAY``, None for what the input's channels say (1: GRAY, 3: BGR);
    ``labels``: names of the classes.
    """

    resize: list[int] | None = None
    crop: int = 0
    mean: list[float] = field(default_factory=list)
    mean_file: str = ""
    scale: float = 1.0
    channels: str | None = None
    labels: list[str] = field(default_factory=list)

    def save(self, path: str | Path) -> None:
        """Write it as JSON."""
        atomic_write(path, json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> Preprocessing:
        """Read it. Errors: FileError; FormatError for what is no such file."""
        try:
            values = json.loads(read_text(path))
            return _checked(values)
        except json.JSONDecodeError as error:
            raise FormatError("a preprocessing file is a JSON object", where=str(path), got=str(error)) from None
        except (ValueError, TypeError) as error:
            rule = "a preprocessing file is a JSON object with resize, crop, mean, mean_file, scale, channels, labels"
            raise FormatError(rule, where=str(path), got=str(error)) from None


def _checked(values: Any) -> Preprocessing:
    unknown = [str(name) for name in values if name not in {one.name for one in fields(Preprocessing)}]
    if unknown:
        raise ValueError(f"'{unknown[0]}'")
    made = Preprocessing(**values)
    made.crop, made.scale = int(made.crop), float(made.scale)
    made.mean = [float(v) for v in made.mean]
    made.labels = [str(v) for v in made.labels]
    if made.resize is not None:
        height, width = made.resize
        made.resize = [int(height), int(width)]
    if made.channels not in (None, "BGR", "RGB", "GRAY"):
        raise ValueError(f"channels {made.channels!r}")
    return made


def beside(weights: str | Path) -> Path:
    """Where the preprocessing of a weight file stands."""
    text = str(weights)
    ending = next((e for e in ENDINGS if text.endswith(e)), "")
    return Path(text.removesuffix(ending) + SUFFIX)


def of_transform(config: Any, shape: Shape | None, folder: Path) -> Preprocessing:
    """What the data layer *config*, whose top has *shape*, does to images."""
    param = config.transform_param
    made = Preprocessing(crop=param.crop_size, mean=list(param.mean_value), scale=param.scale)
    if param.mean_file:
        made.mean_file = str(find_path(param.mean_file, folder))
    if config.type == "ImageData" and config.image_data_param.new_height:
        made.resize = [config.image_data_param.new_height, config.image_data_param.new_width]
    if shape is not None and len(shape) == 4:
        made.channels = {1: "GRAY", 3: "BGR"}.get(shape[1])
    return made
