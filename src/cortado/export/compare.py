"""Compare: what ONNX Runtime and Cortado make of the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import MissingExtraError, NumericsError
from ..layers import Array
from ..netdef import Net
from .lowering import Lowered

TOLERANCE = 1e-4


@dataclass(frozen=True)
class Difference:
    """How far apart two arrays are: the largest ``absolute`` difference beside the ``largest`` value; ``spread``, the
    largest less the smallest value; and of ``count`` values the ``bare`` ones, NaN or infinite in both, which show
    nothing."""

    absolute: float
    largest: float
    spread: float
    count: int
    bare: int = 0

    @property
    def judged(self) -> float:
        """The difference in units of the largest value where that is above 1."""
        return self.absolute / max(1.0, self.largest)

    @property
    def relative(self) -> float:
        """The difference in units of the largest value."""
        return self.absolute / self.largest if self.largest else self.absolute

    @property
    def doubt(self) -> str | None:
        """Why agreement here says little, if it does."""
        if self.bare:
            return f"{self.bare:,} of {self.count:,} values are NaN or infinite on both sides, and show nothing"
        if self.count > 1 and self.spread == 0:
            return "all values are equal, which shows little"
        return None


def compare(model: Any, made: Lowered, seed: int = 0) -> dict[str, Difference]:
    """Run *model* by ONNX Runtime and the net it was made from, on random inputs; the difference of each output, and
    of what goes into a last Softmax or Sigmoid.

    Layers whose result jumps (lists of detections, the largest of several) are judged by what goes into them, and by
    what they make of the very numbers that ONNX Runtime had. Errors: MissingExtraError without onnxruntime;
    NumericsError where numbers differ by more than 1e-4, in units of the largest where that is above 1, or where there
    is no number to compare.
    """
    net, squeezed = made.net, made.squeezed()
    rng = np.random.default_rng(seed)
    inputs = {name: random_input(net, name, rng) for name in net.inputs}
    read = [name for names in made.read.values() for name in names]
    more = [name for name in dict.fromkeys([*squeezed.values(), *read]) if name not in (*made.outputs, *inputs)]
    theirs = inputs | run_onnx(model, inputs, more)
    found: dict[str, Difference] = {}
    for name, value in inputs.items():
        net.blobs[name].reshape(value.shape)
        net.blobs[name].data[...] = value
    for index in range(len(net.steps)):
        for blob, tensor in zip(net.steps[index].bottom, made.read.get(index, ()), strict=False):
            if tensor not in inputs:
                found[tensor] = _difference(net, tensor, blob.data, theirs[tensor])
            blob.reshape(theirs[tensor].shape)
            blob.data[...] = theirs[tensor]
        net.forward(index, index)
    for name, tensor in [*zip(net.outputs, made.outputs, strict=True), *squeezed.items()]:
        found[name] = _difference(net, name, net.blobs[name].data, theirs[tensor])
    return found


def _difference(net: Net, name: str, wanted: Array, got: Array) -> Difference:
    """How far apart they are. Errors: NumericsError."""
    who = f"net '{net.name}'"
    rule = f"ONNX Runtime must agree with Cortado within {TOLERANCE:g} in '{name}'"
    if wanted.shape != got.shape:
        raise NumericsError(rule, who=who, got=f"shape {got.shape} for {wanted.shape}")
    finite = np.isfinite(wanted)
    if wanted.size and not finite.any():
        raise NumericsError(
            f"'{name}' must have numbers to compare",
            who=who,
            got=f"{wanted.size:,} values that are NaN or infinite",
            hint="weights under which values do not overflow, or --no-compare",
        )
    with np.errstate(invalid="ignore"):
        same = (wanted == got) | (np.isnan(wanted) & np.isnan(got))
        apart = np.where(same, 0.0, np.abs(wanted - got))
    numbers = wanted[finite]
    largest, spread = (float(f(numbers)) if numbers.size else 0.0 for f in (lambda v: np.abs(v).max(), np.ptp))
    found = Difference(float(apart.max(initial=0.0)), largest, spread, wanted.size, int(wanted.size - numbers.size))
    if not found.judged <= TOLERANCE:
        raise NumericsError(rule, who=who, got=f"{found.judged:.3g}")
    return found


def random_input(net: Net, name: str, rng: np.random.Generator) -> Array:
    """Normal numbers; for bottoms that mean something else (marks, indices, places, regions) such ones."""
    shape = net.blobs[name].shape
    for step in net.steps:
        for index, blob in enumerate(step.bottom):
            kind = step.layer.type
            maker = MEANINGS.get((kind, index)) or MEANINGS.get((kind, index - len(step.bottom)))
            if blob is net.blobs[name] and maker is not None:
                return np.asarray(maker(step, shape, rng), np.float32)
    return rng.normal(size=shape).astype(np.float32)


def _marks(step: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    return rng.random(shape) < 0.7


def _places(step: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Pixels of the top, none twice in a plane."""
    pixels = int(np.prod(step.top[0].shape[2:]))
    planes = np.tile(np.arange(pixels), (shape[0] * shape[1], 1))
    return rng.permuted(planes, axis=1)[:, : int(np.prod(shape[2:]))].reshape(shape)


def _regions(step: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Regions of which some reach beyond the image."""
    num, _, height, width = step.bottom[0].shape
    size = np.array([width, height]) / step.layer.param.spatial_scale
    first, second = rng.uniform(-0.1, 0.7, (shape[0], 2)), rng.uniform(0.1, 0.5, (shape[0], 2))
    corners = np.concatenate([first * size, (first + second) * size], 1)
    return np.concatenate([rng.integers(0, num, (shape[0], 1)), corners.round(1)], 1).reshape(shape)


def _priors(step: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Boxes, none inside out, and their variances."""
    boxes = rng.uniform(0, 0.6, (shape[2] // 4, 4))
    boxes[:, 2:] = boxes[:, :2] + 0.3
    return np.concatenate([boxes.reshape(-1), np.full(shape[2], 0.1)]).reshape(shape)


MEANINGS: dict[tuple[str, int], Any] = {
    ("LSTM", 1): _marks,
    ("RNN", 1): _marks,
    ("Lstm", 1): _marks,
    ("LSTMUnit", 2): _marks,
    ("Filter", -1): _marks,
    ("Embed", 0): lambda step, shape, rng: rng.integers(0, step.layer.param.input_dim, shape),
    ("BatchReindex", 1): lambda step, shape, rng: rng.integers(0, step.bottom[0].shape[0], shape),
    ("Upsample", 1): _places,
    ("Unpooling", 1): _places,
    ("ROIPooling", 1): _regions,
    ("DetectionOutput", 2): _priors,
}
"""What makes a bottom of a layer type, counted from the first or the last, that does not hold just any numbers."""


def run_onnx(model: Any, inputs: dict[str, Array], more: Sequence[str] = ()) -> dict[str, Array]:
    """The outputs of an ONNX model by ONNX Runtime, and *more* tensors inside. Errors: MissingExtraError."""
    try:
        import onnxruntime
    except ImportError:
        need = "comparing with ONNX Runtime (which may be switched off)"
        raise MissingExtraError.for_package("onnxruntime", "onnx", need) from None
    if more:
        from onnx import ModelProto, TensorProto, helper

        model = ModelProto.FromString(model.SerializeToString())
        model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in more)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))
