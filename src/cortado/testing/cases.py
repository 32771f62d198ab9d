"""LayerCase: a layer with its inputs, as the conformance checks run it; Subject: the same, with the means to run it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..layers import Array, Blob, Layer, Phase
from ..plugins import PluginManager, plugin_manager
from ..plugins.dialects import layer_class as find_layer_class, text_schema
from ..proto import Schema, format_text, parse_text
from .layers import FILE, LayerRun, make_layer

Input = tuple[int, ...] | npt.ArrayLike
"""The shape of an input, which is then drawn from a normal distribution, or its values."""


@dataclass(frozen=True)
class LayerCase:
    """One layer with its inputs.

    *text*: a ``layer { }`` block or what stands inside one, as for ``make_layer``;
    *bottoms*: per bottom a shape, as a tuple of sizes, whose values are then drawn, or an array;
    *id*: how a test is called, the layer's type by default;
    *expected_failures*: per check that is known to fail the reason why; a check that then passes is a failure;
    *reshaped*: other bottoms for the check ``reshape``; by default each bottom twice along its first axis;
    *phase*: of all checks that do not look at both;
    *gradient*: options of ``check_gradient``, such as ``rtol``, ``step``, ``check_bottoms``, ``ignore_tops``;
    *tolerance*: by how much float32 may differ from float64, and engines from each other, relative to the largest
    value;
    *options*: for ``make_layer``, such as ``allow_python_layers``.
    """

    text: str
    bottoms: Sequence[Input] = ()
    id: str = ""
    expected_failures: Mapping[str, str] = field(default_factory=dict)
    reshaped: Sequence[Input] | None = None
    phase: Phase = Phase.TRAIN
    gradient: Mapping[str, Any] = field(default_factory=dict)
    tolerance: float = 1e-4
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """The layer type that the text names."""
        found = re.search(r'\btype:\s*["\']([^"\']+)', self.text)
        return found[1] if found else "layer"

    @property
    def label(self) -> str:
        return self.id or self.type


class Subject:
    """A case with its layer class, values for its inputs and its learned blobs, and fresh layers at every ``make``."""

    def __init__(self, case: LayerCase, plugins: PluginManager | None = None) -> None:
        self.case = case
        self.plugins = plugins or plugin_manager()
        rng = np.random.default_rng(1701)
        self.inputs = [_values(given, rng) for given in case.bottoms]
        self._reshaped = None if case.reshaped is None else [_values(given, rng) for given in case.reshaped]

    @cached_property
    def layer_class(self) -> type[Layer]:
        """The class that a net would take; where a dialect has its own for the type, that one."""
        text = self.case.text
        block = text if text.lstrip().startswith("layer") else f"layer {{ {text} }}"
        message: Any = self.parse(block)
        found: type[Layer] = find_layer_class(message.layer[0], self.plugins)
        return found

    @cached_property
    def config(self) -> Any:
        """The LayerParameter, with all names filled in."""
        return self.plain().layer.config

    def make(self, *, text: str | None = None, inputs: Sequence[Array] | None = None, **options: Any) -> LayerRun:
        """The layer with random learned blobs, the same at every call; *options* as for ``make_layer``."""
        run = self.plain(text=text, inputs=inputs, **options)
        fill_params(run.layer)
        return run

    def plain(self, *, text: str | None = None, inputs: Sequence[Array] | None = None, **options: Any) -> LayerRun:
        """The layer as its fillers leave it."""
        given = {"phase": self.case.phase, "plugins": self.plugins, **self.case.options, **options}
        return make_layer(text or self.case.text, self.inputs if inputs is None else inputs, **given)

    def reshaped(self) -> list[Array]:
        """Inputs of other shapes."""
        if self._reshaped is not None:
            return self._reshaped
        return [np.concatenate([x, x[::-1]]) if x.ndim else x for x in self.inputs]

    def differentiable(self) -> list[bool]:
        """Per bottom, whether the class lets it have a gradient."""
        count = len(self.inputs)
        return [self.layer_class.takes_gradient(index, count) for index in range(count)]

    @cached_property
    def has_backward(self) -> bool:
        """Whether there is any gradient to compute."""
        layer = self.plain().layer
        return any(self.differentiable()) or any(index not in layer.frozen for index in range(len(layer.blobs)))

    def results(self, run: LayerRun, *inputs: Array, spoil: Callable[[Blob], None] | None = None) -> list[Array]:
        """The tops, the gradients of bottoms that get one, and those of learned blobs, of one pass over *inputs* (those
        of the case). *spoil* may change the tops, but those that are the memory of a bottom, between the two passes."""
        tops = run.forward(*inputs, same_draws=True)
        if not self.has_backward:
            return tops
        if spoil is not None:
            for blob in run.top:
                if blob in run.bottom or not any(np.shares_memory(blob.data, other.data) for other in run.bottom):
                    spoil(blob)
        for blob in run.layer.blobs:
            blob.diff[...] = 0
        wanted = self.differentiable()
        bottoms = run.backward(*top_diffs(run), propagate_down=wanted)
        learned = [blob.diff.copy() for blob in run.layer.blobs]
        return tops + [diff for diff, w in zip(bottoms, wanted, strict=True) if w] + learned

    def block(self, **fields: Any) -> str:
        """The layer as a ``layer { }`` text, all names filled in, with *fields* set to other values."""
        schema = Schema.of(self.config) or self.plugins.schema()
        message: Any = schema.message("NetParameter")()
        config = message.layer.add()
        config.CopyFrom(self.config)
        config.ClearField("phase")
        for name, value in fields.items():
            config.ClearField(name)
            if isinstance(value, (list, tuple)):
                getattr(config, name).extend(value)
            else:
                setattr(config, name, value)
        return format_text(message)

    def parse(self, text: str) -> Any:
        """*text* as a NetParameter, of the schema that it needs."""
        return parse_text(text, text_schema(text, "NetParameter", self.plugins).message("NetParameter"), FILE).message


def fill_params(layer: Layer) -> None:
    """Draw the learned blobs, but for statistics, so that no gradient vanishes by accident."""
    rng = np.random.default_rng(42)
    for index, blob in enumerate(layer.blobs):
        if index not in layer.frozen:
            blob.data[...] = rng.normal(size=blob.shape)


def top_diffs(run: LayerRun) -> list[Array]:
    """A random gradient for each top."""
    rng = np.random.default_rng(7)
    return [rng.normal(size=blob.shape) for blob in run.top]


def _values(given: Input, rng: np.random.Generator) -> Array:
    if isinstance(given, tuple) and all(isinstance(n, int) for n in given):
        return rng.normal(size=given)
    return np.array(given, np.float64)
