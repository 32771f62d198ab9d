"""Anatomy: a net in pictures: its filters, what they make of one record, and where its weights lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import NoReturn

import numpy as np

from ..errors import NetError, choice
from ..layers import Array, Blob, Layer
from ..netdef import Net
from ..netdef.summary import by
from .histogram import histogram
from .pictures import filter_grid, image_tag, to_pixels
from .tiles import fit, shades, tiles

MOST_MAPS = 64
MOST_KERNELS = 16
MOST_UNITS = 4096
MOST_NAMED = 20
CONVOLUTIONS = ("Convolution", "ConvolutionDepthwise", "DepthwiseConvolution", "Deconvolution")


@dataclass
class Picture:
    """One picture: ``kind`` is filters, image, activations or histogram; it is made of ``pixels`` or is an ``svg``."""

    kind: str
    name: str
    note: str
    pixels: Array | None = None
    svg: str = ""

    @property
    def file(self) -> str:
        """The name of a file for it."""
        safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in self.name)
        return f"{self.kind}-{safe}.{'svg' if self.svg else 'png'}"


def filters(net: Net, names: Sequence[str] = ()) -> list[Picture]:
    """The filters of the layers called *names*; by default of the first layer that sees the image.

    Errors: NetError for a layer that is not there or has no filters.
    """
    having = {layer.name: kernels for layer in net.layers if (kernels := _kernels(net, layer)) is not None}
    chosen = names or list(having)[:1]
    for name in chosen:
        if name not in having:
            _missing(net, f"no layer '{name}' with filters", name, list(having))
    return [_filters(name, having[name]) for name in chosen]


def _missing(net: Net, what: str, name: str, known: list[str]) -> NoReturn:
    raise NetError(f"net '{net.name}' has {what}", hint=choice(name, known, MOST_NAMED))


def _kernels(net: Net, layer: Layer) -> Array | None:
    """The weights of a layer as filters x channels x H x W, None where they are not like pictures."""
    if not layer.blobs:
        return None
    weights = layer.blobs[0]
    if layer.config.type in CONVOLUTIONS and weights.num_axes == 4 and max(weights.shape[2:]) > 1:
        return weights.data
    if layer.config.type == "InnerProduct" and not layer.param.transpose and layer.param.axis == 1:
        step = next(step for step in net.steps if step.layer is layer)
        shape = step.bottom[0].shape
        if len(shape) == 4 and shape[1] in (1, 3) and min(shape[2:]) > 1:
            return weights.data.reshape(-1, *shape[1:])
    return None


def _filters(name: str, kernels: Array) -> Picture:
    if kernels.shape[1] in (1, 3):
        note = "in colour, grey is 0" if kernels.shape[1] == 3 else "grey is 0"
        return Picture(
            "filters", name, f"{by(kernels.shape)}; {note}, each with its own contrast", filter_grid(kernels)
        )
    part = kernels[:MOST_KERNELS, :MOST_KERNELS]
    each = part / np.maximum(np.abs(part).max(axis=(1, 2, 3), keepdims=True), 1e-30)
    grid = tiles(shades(fit(each.reshape(-1, *part.shape[2:]))), columns=part.shape[1])
    shown = f"{part.shape[0]} of {kernels.shape[0]} filters in rows, {part.shape[1]} of {kernels.shape[1]} channels"
    return Picture("filters", name, f"{by(kernels.shape)}; {shown}; blue is below 0, orange above", grid)


def activations(net: Net, names: Sequence[str] = (), record: int = 0) -> list[Picture]:
    """What the blobs called *names* hold of one *record*; by default all that layers make, in order.

    Errors: NetError for a blob that is not there.
    """
    having = dict(_made(net))
    for name in names:
        if name not in having:
            _missing(net, f"no blob '{name}' with activations", name, list(having))
    return [_activations(name, having[name], record) for name in names or having]


def _made(net: Net) -> Iterator[tuple[str, Blob]]:
    """Blobs that layers compute, once each, under the name of the definition."""
    labels = {id(step.bottom[1]) for step in net.steps if len(step.bottom) > 1 and step.losses}
    own = {id(blob): name for name, blob in reversed(net.blobs.items())}
    done: set[int] = set()
    for step in net.steps:
        if not step.bottom or step.layer.config.type in ("Split", "Silence", "Accuracy") or step.losses:
            continue
        for blob in step.top:
            if id(blob) not in done | labels and blob.num_axes >= 2 and blob.count > blob.shape[0]:
                done.add(id(blob))
                yield own.get(id(blob), blob.name), blob


def _activations(name: str, blob: Blob, record: int) -> Picture:
    values = blob.data[min(record, blob.shape[0] - 1)]
    zero = float(np.mean(values == 0))
    note = f"{by(values.shape)}, {values.min():.3g} to {values.max():.3g}, mean {values.mean():.3g}"
    if zero > 0.01:
        note += f", {zero:.0%} zero"
    if values.ndim == 3 and min(values.shape[1:]) > 1:
        dead = int((np.abs(values).max(axis=(1, 2)) == 0).sum())
        note += f", {dead} of {len(values)} channels all zero" if dead else ""
        if len(values) > MOST_MAPS:
            note += f"; the first {MOST_MAPS} channels"
        return Picture("activations", name, note, tiles(shades(fit(values[:MOST_MAPS]))))
    row = values.reshape(1, -1)[:, :MOST_UNITS]
    columns = min(row.shape[1], 32)
    padded = np.zeros((1, -(-row.shape[1] // columns) * columns), row.dtype)
    padded[:, : row.shape[1]] = row
    side = max(12, min(40, 480 // columns))
    pixels = shades(padded.reshape(1, -1, columns)).repeat(side, axis=1).repeat(side, axis=2)
    note += f"; the first {MOST_UNITS} units" if values.size > MOST_UNITS else ""
    return Picture("activations", name, f"{note}; one square a unit", pixels[0])


def image(net: Net, record: int = 0) -> Picture | None:
    """The record that went in, where it is an image."""
    blobs = [net.blobs[name] for name in net.inputs] + [b for step in net.steps if not step.bottom for b in step.top]
    for blob in blobs:
        if blob.num_axes == 4 and blob.shape[1] in (1, 3) and min(blob.shape[2:]) > 1:
            values = blob.data[min(record, blob.shape[0] - 1)]
            return Picture("image", blob.name, f"{by(values.shape)}, as the net gets it", to_pixels(values))
    return None


def histograms(net: Net) -> list[Picture]:
    """Where the numbers of every learned blob lie."""
    made = []
    owned = {id(parameter.blob) for parameter in net.learnable}
    for layer in net.layers:
        for index, blob in enumerate(layer.blobs):
            if id(blob) not in owned or blob.count < 2:
                continue
            values = blob.data
            note = f"{by(blob.shape)}, mean {values.mean():.2g}, deviation {values.std():.2g}"
            name = f"{layer.name}[{index}]"
            made.append(Picture("histogram", name, note, svg=histogram(name, values, note)))
    return made


FIGURES = """
.pixels{image-rendering:pixelated;background:#888;outline:1px solid #8888}
.figures{display:flex;flex-wrap:wrap;gap:20px 24px;align-items:flex-start}
.small-figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,270px),1fr));gap:14px}
.figures figure,.small-figures figure{margin:0;max-width:100%}
.figures img{max-width:100%;height:auto}.figures b{font-size:14px}
figcaption{font-size:12px;color:#5b6870;overflow-wrap:anywhere}
@media (prefers-color-scheme: dark){figcaption{color:#a3b0b8}}
"""
"""The style of ``figures``."""


def figures(pictures: Sequence[Picture]) -> str:
    """*pictures* as a grid of HTML figures, each with its name and note."""
    small = all(picture.svg for picture in pictures)
    made = []
    for one in pictures:
        if one.pixels is None:
            made.append(f"<figure>{one.svg}</figure>")
            continue
        width = _width(one)
        tag = image_tag(one.pixels, f"{one.kind} of {one.name}", width)
        made.append(
            f'<figure style="width:{max(200, width)}px"><b>{escape(one.name)}</b><br>{tag}'
            f"<figcaption>{escape(one.note)}</figcaption></figure>"
        )
    return f'<div class="{"small-figures" if small else "figures"}">{"".join(made)}</div>'


def _width(picture: Picture) -> int:
    """How wide a picture is shown: small ones some times as large as they are."""
    width = 1 if picture.pixels is None else int(picture.pixels.shape[1])
    return width * max(1, (260 if picture.kind == "image" else 440) // width)
