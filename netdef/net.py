"""Net: a definition made executable."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..engines import ReferenceEngine
from ..errors import DataError, NetError, WeightsError, choice
from ..layers import Array, Blob, LayerContext, Phase, choose_engine
from ..plugins import PluginManager, plugin_manager
from .build import build
from .chains import find_chains
from .debug_info import DebugInfo
from .definition import NetSource, definition
from .gradient_memory import Gradients, separate, share_gradients
from .gradients import gradient_needs
from .graph import wire
from .loans import find_loans, grant
from .passes import run_passes
from .records import name_record
from .repeated import RepeatedPass
from .sharing import Parameter, learnable_parameters
from .splits import insert_splits
from .state import NetState, select
from .step import Step
from .weights import LoadReport, load_all, load_weights, save_weights

if TYPE_CHECKING:
    from .inference import Inference


class Net:
    """A net ready to run.

    Parameters

    *source*: the path of a prototxt, a ``NetParameter`` message, or a parsed ``Document``;
    *phase*, *level*, *stages*: the state its rules are met with, over the definition's own ``state``;
    *weights*: a path, or several, to load learned blobs from; layers that they leave out are told in a warning of the
    logger "cortado", or refused with *strict*; *skip_mismatch* leaves out, rather than refuses, what has other shapes;
    *engine*: ``"auto"``, ``"native"``, ``"reference"``, a plugin's, or an engine object;
    *dtype*: of all blobs, float32 or float64;
    *seed*: root of all random numbers of this net; None draws one, which ``net.seed`` tells;
    *plugins*: the plugin manager to look types up in (the process's own);
    *allow_python_layers*: whether ``Python`` layers may import the modules they name;
    *folder*: where relative paths in the definition are looked for after the working directory (its own folder);
    *root*: a folder that the paths in the definition, and in the lists it names, must not leave;
    *rank*, *world*: which of how many cooperating processes this is; data layers read only their share, in phase TEST
    only with *divide_tests*; *sum_over_ranks*, which replaces an array by its sum over those processes, makes
    BatchNorm layers use the statistics of all their batches together.

    Attributes: ``name``, ``phase``; ``blobs`` and ``params`` by name; ``layers`` and ``layer_names`` in order;
    ``inputs`` and ``outputs``, names of blobs; ``learnable``, the parameters a solver updates; ``steps``, what
    ``forward`` runs; ``definition``, the message it was made from, with rules applied and splits inserted;
    ``debug_info``, which tells the magnitude of every blob when it is started; ``gradients_are_clear``, whether the
    gradients of learned blobs are 0 since the last update, so that a solver need not clear them.

    Errors: ParseError, NetError and its kin, each with file and line.

    Example::

        >>> net = Net("lenet.prototxt", weights="lenet.caffemodel")     # doctest: +SKIP
        >>> net(data=images)["prob"].argmax(axis=1)                     # doctest: +SKIP
        array([7, 2, 1])
    """

    def __init__(
        self,
        source: NetSource,
        phase: Phase | int | str = Phase.TEST,
        *,
        weights: str | Path | Sequence[str | Path] | None = None,
        strict: bool = False,
        skip_mismatch: bool = False,
        level: int | None = None,
        stages: Sequence[str] = (),
        engine: str | ReferenceEngine = "auto",
        dtype: npt.DTypeLike = np.float32,
        seed: int | None = None,
        plugins: PluginManager | None = None,
        allow_python_layers: bool = False,
        folder: str | Path | None = None,
        root: str | Path | None = None,
        rank: int = 0,
        world: int = 1,
        divide_tests: bool = False,
        sum_over_ranks: Callable[[Array], object] | None = None,
    ) -> None:
        plugins = plugins or plugin_manager()
        document = definition(source, plugins)
        self.phase = Phase.of(phase)
        self.state = NetState.of(document, self.phase, level, stages)
        self.engine = choose_engine(engine, plugins)
        self.seed = secrets.randbits(63) if seed is None else seed
        self.name: str = document.message.name
        self.context = LayerContext(
            self.phase,
            self.engine,
            plugins,
            dtype,
            self.seed,
            _folder(source) if folder is None else Path(folder),
            allow_python_layers=allow_python_layers,
            rank=rank,
            world=world,
            root=None if root is None else Path(root),
            divide_tests=divide_tests,
            sum_over_ranks=sum_over_ranks,
        )
        self._build(document)
        for report in load_all(self, _as_paths(weights), strict=strict, skip_mismatch=skip_mismatch):
            logging.getLogger("cortado").log(logging.WARNING if report.notable else logging.INFO, "%s", report)

    def _build(self, document: Any) -> None:
        kept = run_passes(select(document, self.state), self.state, self.context.plugins)
        specs = insert_splits(kept)
        training = self.phase is Phase.TRAIN or document.message.force_backward
        graph = wire(specs, self.context.plugins, training=training)
        built = build(graph, self.context)
        self.learnable: list[Parameter]
        self.learnable, shared = learnable_parameters(built)
        needs = gradient_needs(built, self.learnable, shared, document.message.force_backward)

        self.layers = built.layers
        self.layer_names = [layer.name for layer in built.layers]
        self.blob_list = built.blobs
        self.blobs = dict(zip(graph.blob_names, built.blobs, strict=True))
        self.params = {layer.name: layer.blobs for layer in built.layers if layer.blobs}
        self.inputs = [graph.blob_names[b] for b in graph.inputs]
        self.outputs = [graph.blob_names[b] for b in graph.outputs]
        self.steps: list[Step] = []
        for index, (node, layer) in enumerate(zip(graph.nodes, built.layers, strict=True)):
            layer.param_propagate_down = needs.params[index]
            layer.runs_backward = needs.layers[index]
            bottom = [built.blobs[b] for b in node.bottoms]
            top = [built.blobs[t] for t in node.tops]
            step = Step(layer, bottom, top, node.loss_weights, needs.layers[index], needs.bottoms[index])
            self.steps.append(step)
        self._forward, self._backward = RepeatedPass(self.steps, "forward"), RepeatedPass(self.steps[::-1], "backward")
        self._loans = find_loans(self.steps)
        self._granted: int | None = None
        self._sharing: Gradients = []
        self.gradients_are_clear = False
        self._chains = find_chains(self.steps)
        self._joined = [False, False]
        self.before_forward: list[Callable[[int], None]] = []
        self.after_forward: list[Callable[[int], None]] = []
        self.before_backward: list[Callable[[int], None]] = []
        self.after_backward: list[Callable[[int], None]] = []
        self.definition = _definition_of(document.message, [spec.config for spec in specs])
        self.debug_info = DebugInfo(self)
        if document.message.debug_info:
            self.debug_info.start()

    # -- running ------------------------------------------------------------------------------------------------

    def __call__(self, **inputs: npt.ArrayLike) -> dict[str, Array]:
        """Run forward on named input arrays and return copies of the outputs by name.

        An input of another shape than its blob reshapes the net. Errors: NetError for a name that is no blob, and
        for a value that is no numbers.
        """
        for name, value in inputs.items():
            blob = self.blob(name)
            try:
                array = np.asarray(value, blob.dtype)
            except (TypeError, ValueError) as error:
                rule = f"'{name}' of net '{self.name}' must be an array of numbers"
                raise NetError(rule, got=f"{type(value).__name__}: {error}") from None
            blob.reshape(array.shape)
            blob.data[...] = array
        self.forward()
        return {name: self.blobs[name].data.copy() for name in self.outputs}

    @np.errstate(all="ignore")
    def forward(self, start: int = 0, end: int | None = None) -> float:
        """Run the layers from *start* to *end* (both included, all by default) and return the weighted loss.

        Infinity and NaN pass through without NumPy's warnings, here and in ``backward``.
        """
        loss = 0.0
        watched = self.before_forward or self.after_forward
        granted = None if watched else start
        if granted != self._granted:
            grant(self._loans, granted)
            self._granted = granted
            self._forward.forget()
            self._backward.forget()
        whole = not (watched or start) and end is None
        if whole is not self._joined[0]:
            self._join(whole, False)
        try:
            if whole:
                return self._forward()
            for index, step in enumerate(self.steps[start : None if end is None else end + 1], start):
                if watched:
                    _call(self.before_forward, index)
                loss += step.forward()
                if watched:
                    _call(self.after_forward, index)
        except DataError as error:
            raise name_record(self.steps, error) from None
        return loss

    @np.errstate(all="ignore")
    def backward(self, start: int | None = None, end: int = 0) -> None:
        """Run the layers backward from *start* (the last) down to *end*, both included."""
        self.gradients_are_clear = False
        first = len(self.steps) - 1 if start is None else start
        watched = self.before_backward or self.after_backward
        whole = not watched and first == len(self.steps) - 1 and not end
        if whole is not self._joined[1]:
            self._join(self._joined[0], whole)
        if whole:
            self._backward()
            return
        for index in range(first, end - 1, -1):
            if watched:
                _call(self.before_backward, index)
            self.steps[index].backward()
            if watched:
                _call(self.after_backward, index)

    def share_gradients(self) -> None:
        """Let gradients of blobs that are never needed at the same time lie in the same place from now on, which spares
        much of the memory of training. The numbers are the same, and the gradients of learned blobs are not concerned;
        but after ``backward`` other blobs' ``diff`` hold what came last to lie there."""
        if not self._sharing:
            self._sharing = share_gradients(self.steps)

    def keep_gradients(self) -> None:
        """Undo ``share_gradients``: after the next ``backward`` every blob's ``diff`` is its gradient."""
        separate(self._sharing)
        self._sharing = []

    @property
    def gradients_are_shared(self) -> bool:
        return bool(self._sharing)

    def _join(self, forward: bool, backward: bool) -> None:
        """Whether chains of layers are computed in one go, each way: see ``chains``."""
        for chain in self._chains:
            chain.join_forward(forward)
            chain.join_backward(backward)
        self._joined = [forward, backward]
        self._forward.forget()
        self._backward.forget()

    def reshape(self) -> None:
        """Pass the shapes of the input blobs on through all layers."""
        for step in self.steps:
            step.reshape()

    def inference(self, keep: Sequence[str] = ()) -> Inference:
        """The net made ready for use alone: layers folded into each other, weights laid out, memory used again.

        *keep* names blobs to be seen besides inputs and outputs. See ``Inference``.
        """
        from .inference import Inference

        return Inference(self, keep)

    def clear_param_diffs(self) -> None:
        """Set the gradients of all learned blobs to zero."""
        self.engine.clear([parameter.blob.diff for parameter in self.learnable])

    # -- contents -----------------------------------------------------------------------------------------------

    def blob(self, name: str) -> Blob:
        """The blob called *name*. Errors: NetError with the nearest name, or those there are."""
        try:
            return self.blobs[name]
        except KeyError:
            raise NetError(f"net '{self.name}' has no blob '{name}'", hint=choice(name, list(self.blobs))) from None

    def layer_index(self, name: str) -> int:
        """The place of the layer called *name* in ``layers``. Errors: NetError with the nearest name."""
        try:
            return self.layer_names.index(name)
        except ValueError:
            hint = choice(name, self.layer_names)
            raise NetError(f"net '{self.name}' has no layer '{name}'", hint=hint) from None

    def load(self, path: str | Path, *, strict: bool = False, skip_mismatch: bool = False) -> LoadReport:
        """Load learned blobs from a weight file, matching layers by name; returns what became of each layer.

        *strict* refuses a file that does not have just the layers of this net; *skip_mismatch* leaves a layer whose
        shapes differ as it is. Nothing is changed on errors: WeightsError, FormatError, FileError.
        """
        return load_weights(self, path, strict=strict, skip_mismatch=skip_mismatch)

    def save(self, path: str | Path, *, with_diff: bool = False) -> None:
        """Write the learned blobs as a ``.caffemodel``, or as HDF5 where *path* ends in ``.h5``."""
        save_weights(self, path, with_diff=with_diff)

    def share_params_with(self, other: Net) -> None:
        """Look at the learned blobs of *other* from now on, layer by layer of equal name; no copies are made."""
        for layer in self.layers:
            theirs = other.params.get(layer.name, [])
            if not theirs or not layer.blobs:
                continue
            if [b.shape for b in layer.blobs] != [b.shape for b in theirs]:
                got = f"{[b.shape for b in layer.blobs]} and {[b.shape for b in theirs]}"
                raise WeightsError("layers that share parameters need equal shapes", who=layer.who, got=got)
            for mine, blob in zip(layer.blobs, theirs, strict=True):
                mine.initializer = None
                mine.share_data(blob)

    def reseed(self, seed: int) -> None:
        """Take *seed* as the root of all random numbers that are still to be drawn from streams of their own."""
        self.seed = seed
        self.context.reseed(seed)

    def run_state(self) -> list[dict[str, Any]]:
        """Where the net is, apart from its learned blobs: the ``run_state`` of each layer that has one."""
        states = [(layer, layer.run_state()) for layer in self.layers if layer.moves]
        return [{"layer": layer.name, "type": layer.type, "state": state} for layer, state in states if state]

    def restore_run_state(self, states: Sequence[Mapping[str, Any]]) -> list[str]:
        """Go on from what ``run_state`` returned; returns the names of layers that only one side has."""
        left = {(s["layer"], s["type"]): s["state"] for s in states}
        missing = []
        for layer in self.layers:
            state = left.pop((layer.name, layer.type), None)
            if state is not None:
                layer.restore_run_state(state)
            elif set(layer.run_state()) <= {"rng"}:
                layer.restore_run_state({})  # it had drawn nothing yet
            else:
                missing.append(layer.name)
        return missing + [name for name, _ in left]

    def _repr_html_(self) -> str:
        """What a notebook shows: a table of the layers."""
        return str(import_module("..report.notebook", __package__).net_html(self))

    def __repr__(self) -> str:
        count = sum(p.blob.count for p in self.learnable)
        return f"<Net '{self.name}' {self.phase.name}: {len(self.layers)} layers, {count} parameters>"


def _call(callbacks: list[Callable[[int], None]], index: int) -> None:
    for callback in callbacks:
        callback(index)


def _folder(source: NetSource) -> Path:
    return Path(source).parent if isinstance(source, (str, Path)) else Path()


def _as_paths(weights: str | Path | Sequence[str | Path] | None) -> list[str | Path]:
    if weights is None:
        return []
    if isinstance(weights, str):
        return [part.strip() for part in weights.split(",") if part.strip()]
    return [weights] if isinstance(weights, Path) else list(weights)


def _definition_of(message: Any, configs: list[Any]) -> Any:
    """A copy of *message* without weights, whose layers are *configs*."""
    copy = type(message)()
    copy.name = message.name
    copy.force_backward = message.force_backward
    for config in configs:
        made = copy.layer.add()
        made.CopyFrom(config)
        made.ClearField("blobs")
    return copy
