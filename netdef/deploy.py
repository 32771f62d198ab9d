"""Deploy: from the definition that a net was trained with to the one that it is used with.

In phase TEST, the layers that bring data in become one Input layer; losses become the function whose value they judge
(SoftmaxWithLoss becomes Softmax), or go; accuracies go, and so does everything else that needs a label. What only
training reads is left out: rules, fillers, rates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import NetError
from ..layers import Phase, Shape
from ..plugins import PluginManager, plugin_manager
from .definition import NetSource, definition
from .passes import run_passes
from .preprocessing import Preprocessing, of_transform
from .state import LayerSpec, NetState, select
from .summary import Summary, summarize

PREDICTIONS = {
    "SoftmaxWithLoss": "Softmax",
    "MultinomialLogisticLoss": "",
    "InfogainLoss": "Softmax",
    "SigmoidCrossEntropyLoss": "Sigmoid",
    "HingeLoss": "",
    "EuclideanLoss": "",
    "ContrastiveLoss": "",
}
"""Losses, and the layer that computes what they judge; nothing where that is the bottom itself."""
JUDGES = ("Accuracy", "Silence", "HDF5Output", "DetectionEvaluate")
KEPT_SOURCES = ("Input", "DummyData", "Parameter")
PROB = "prob"


@dataclass
class Deploy:
    """A deploy net: the NetParameter ``message``; the ``preprocessing`` of its input, as the data layer did it;
    ``notes`` on what became of which layer."""

    message: Any
    preprocessing: Preprocessing
    notes: list[str] = field(default_factory=list)


def deploy(
    source: NetSource,
    *,
    batch: int | None = 1,
    level: int | None = None,
    stages: Sequence[str] = (),
    shapes: dict[str, Shape] | None = None,
    folder: Path | None = None,
    plugins: PluginManager | None = None,
) -> Deploy:
    """The deploy net of the training definition *source*, for batches of *batch* records (None: as many as it has).

    *shapes* gives the shapes of blobs that only data could tell. Errors: NetError where an input's shape is unknown
    or nothing is left; those of building the net.
    """
    plugins = plugins or plugin_manager()
    document = definition(source, plugins)
    state = _state(document, level, stages)
    place = Path(source).parent if folder is None and isinstance(source, (str, Path)) else folder or Path()
    found = summarize(document, state.phase, level=level, stages=stages, shapes=shapes, folder=place, plugins=plugins)
    specs = run_passes(select(document, state), state, plugins)
    return _Maker(document, specs, found, batch, place).make()


def _state(document: Any, level: int | None, stages: Sequence[str]) -> NetState:
    state = NetState.of(document, Phase.TEST, level, stages)
    if any(not spec.config.bottom for spec in select(document, state)):
        return state
    return NetState.of(document, Phase.TRAIN, level, stages)


class _Maker:
    def __init__(
        self, document: Any, specs: list[LayerSpec], summary: Summary, batch: int | None, folder: Path
    ) -> None:
        self.specs, self.summary, self.batch, self.folder = specs, summary, batch, folder
        self.labels: set[str] = set()
        self.made = Deploy(type(document.message)(name=document.message.name), Preprocessing())
        self.inputs: list[str] = []
        self.lost: set[str] = set()
        self.names = {spec.config.name for spec in specs} | {t for spec in specs for t in spec.config.top}

    def make(self) -> Deploy:
        self.labels = self._find_labels()
        side = self._side_branches()
        rows = {row.name: row for row in self.summary.layers}
        for spec in self.specs:
            config, row = spec.config, rows.get(spec.config.name)
            if row is None:  # a Split that the definition has itself
                self._copy(spec)
            elif config.name in side:
                self._drop(spec)
            elif not config.bottom and config.type not in KEPT_SOURCES:
                self._replace_data(spec, [top.shape for top in row.tops])
            elif config.type == "Input":
                self._keep_input(spec, [top.shape for top in row.tops])
            elif config.type in PREDICTIONS or row.is_loss:
                self._replace_loss(spec)
            elif (
                config.type in JUDGES
                or self.labels.issuperset(config.top)
                or any(b in self.labels or b in self.lost for b in config.bottom)
            ):
                self._drop(spec)
            else:
                self._copy(spec)
        if not self.inputs:
            raise NetError("a deploy net needs an input; no layer brings data in", who=f"net '{self.summary.name}'")
        return self.made

    def _find_labels(self) -> set[str]:
        """Tops of data layers that only losses, accuracies and the like read, and never as their first bottom; and
        what is made from such tops alone."""
        judged, used, data = set[str](), set[str](), list[str]()
        for spec in self.specs:
            config = spec.config
            if not config.bottom and config.type != "Parameter":
                data += config.top
            judge = config.type in (*PREDICTIONS, *JUDGES) or self._is_loss(config.name)
            for index, name in enumerate(config.bottom):
                (judged if judge and (index > 0 or config.type == "Silence") else used).add(name)
        labels = {name for name in data if name in judged and name not in used}
        return labels | {name for name in data if name not in used and name not in judged}

    def _side_branches(self) -> set[str]:
        """Losses that weigh less than the heaviest, and the layers from which one comes only to them."""
        losses = {spec.config.name: list(spec.config.loss_weight) or [1.0] for spec in self.specs}
        losses = {name: weights for name, weights in losses.items() if self._is_loss(name)}
        heaviest = max((weights[0] for weights in losses.values()), default=0.0)
        gone = {name for name, weights in losses.items() if weights[0] < heaviest}
        if gone:
            needed: set[str] = set()
            for spec in reversed(self.specs):
                config = spec.config
                judge = config.type in JUDGES
                if config.name in gone or (
                    config.top and not judge and not needed & {*config.top} and self._read(config)
                ):
                    gone.add(config.name)
                elif not judge:
                    needed |= set(config.bottom)
        return gone

    def _read(self, config: Any) -> bool:
        """Whether any other layer reads a top of *config*."""
        return any(set(config.top) & set(other.config.bottom) for other in self.specs if other.config is not config)

    def _is_loss(self, name: str) -> bool:
        return any(row.is_loss for row in self.summary.layers if row.name == name)

    def _replace_data(self, spec: LayerSpec, shapes: list[Shape | None]) -> None:
        for name, shape in zip(spec.config.top, shapes, strict=False):
            if name in self.labels:
                self.lost.add(name)
                self.made.notes.append(f"input '{name}' left out: only losses and scores read it")
                continue
            if shape is None:
                raise NetError(
                    f"the shape of '{name}' is only known from the data",
                    where=spec.where,
                    who=spec.who,
                    hint=f"give it: --shape {name}=1x3x227x227",
                )
            self._input(name, self._batched(shape))
            self.made.notes.append(f"{spec.config.type} layer '{spec.config.name}' is now the input '{name}'")
        if spec.config.HasField("transform_param"):
            self.made.preprocessing = of_transform(spec.config, shapes[0], self.folder)

    def _keep_input(self, spec: LayerSpec, shapes: list[Shape | None]) -> None:
        for name, shape in zip(spec.config.top, shapes, strict=True):
            if name not in self.labels:
                self._input(name, self._batched(shape or ()))
            else:
                self.lost.add(name)

    def _batched(self, shape: Shape) -> Shape:
        return shape if self.batch is None or not shape else (self.batch, *shape[1:])

    def _input(self, name: str, shape: Shape) -> None:
        layer = self.made.message.layer.add(name=name, type="Input")
        layer.top.append(name)
        layer.input_param.shape.add().dim.extend(shape)
        self.inputs.append(name)

    def _replace_loss(self, spec: LayerSpec) -> None:
        config = spec.config
        kind = PREDICTIONS.get(config.type, "")
        if not kind or config.bottom[0] in self.lost or self._judged_before(config):
            self._drop(spec)
            return
        name = PROB if PROB not in self.names else f"{config.name}_{PROB}"
        while name in {layer.name for layer in self.made.message.layer}:
            name += "_"
        layer = self.made.message.layer.add(name=name, type=kind)
        layer.bottom.append(config.bottom[0])
        layer.top.append(name)
        if kind == "Softmax" and config.HasField("softmax_param"):
            layer.softmax_param.CopyFrom(config.softmax_param)
        self.made.notes.append(f"{config.type} layer '{config.name}' is now the {kind} layer '{name}'")

    def _judged_before(self, config: Any) -> bool:
        """Whether a layer that predicts from the same bottom is there already."""
        made = self.made.message.layer
        return any(
            one.type in PREDICTIONS.values() and one.type and config.bottom[0] in (*one.bottom, *one.top)
            and one.type == PREDICTIONS.get(config.type)
            for one in made
        )  # fmt: skip

    def _drop(self, spec: LayerSpec) -> None:
        self.lost |= set(spec.config.top) - set(spec.config.bottom)
        self.made.notes.append(f"{spec.config.type} layer '{spec.config.name}' left out")

    def _copy(self, spec: LayerSpec) -> None:
        layer = self.made.message.layer.add()
        layer.CopyFrom(spec.config)
        for name in ("include", "exclude", "phase", "loss_weight", "propagate_down", "blobs"):
            layer.ClearField(name)
        _strip_params(layer)
        _strip_fillers(layer)


def _strip_params(layer: Any) -> None:
    """Keep only the names of shared parameters."""
    named = [(param.name, param.share_mode, param.HasField("share_mode")) for param in layer.param]
    layer.ClearField("param")
    if any(name for name, _, _ in named):
        for name, mode, given in named:
            param = layer.param.add()
            if name:
                param.name = name
            if given:
                param.share_mode = mode


def _strip_fillers(layer: Any) -> None:
    """Remove what fills learned blobs; Deconvolution keeps bilinear weights, which are often not learned at all."""
    if layer.type in KEPT_SOURCES:
        return
    for descriptor, value in layer.ListFields():
        if descriptor.message_type is None or descriptor.is_repeated:
            continue
        for inner, filler in list(value.ListFields()):
            is_filler = inner.message_type is not None and inner.message_type.name == "FillerParameter"
            if is_filler and not inner.is_repeated and filler.type != "bilinear":
                value.ClearField(inner.name)
