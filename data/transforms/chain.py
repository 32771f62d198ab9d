"""The transformer with the transforms of plugins in front of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...errors import DataError, PluginError
from ..transformer import DataTransformer
from .base import Array, Shape, Transform

if TYPE_CHECKING:
    from ...plugins import PluginManager
    from ...proto.caffe_pb2 import TransformationParameter

Where = Callable[[str], Any]


def make_transformer(
    param: TransformationParameter,
    plugins: PluginManager,
    train: bool,
    dtype: npt.DTypeLike = np.float32,
    resolve: Callable[[str], Path] = Path,
    where: Where = lambda _: None,
) -> DataTransformer:
    """The transformer that *param* describes, with every transform whose block it has. Arguments: as DataTransformer.

    Errors: those of DataTransformer; ParameterError for a value outside the rule of a transform.
    """
    steps = _steps(param, plugins, train, where)
    if not steps:
        return DataTransformer(param, train, dtype, resolve, where)
    return TransformChain(steps, param, train, dtype, resolve, where)


def _steps(param: Any, plugins: PluginManager, train: bool, where: Where) -> list[Transform]:
    known = {field.name for field, _ in param.ListFields()}
    found = []
    for entry in plugins.registry("transforms").all():
        declared = entry.item.parameters
        if declared is not None and declared.field in known:
            declared.require(param, lambda field, *_: where(field), f"transform '{entry.name}'")
            found.append((entry.item.order, entry.name, entry.item(getattr(param, declared.field), train)))
    return [step for _, _, step in sorted(found, key=lambda row: row[:2])]


class TransformChain(DataTransformer):
    """A ``DataTransformer`` behind *steps*. Each record has one more random number, from which their own are drawn."""

    def __init__(self, steps: Sequence[Transform], *args: Any) -> None:
        super().__init__(*args)
        self.steps = tuple(steps)

    @property
    def is_random(self) -> bool:
        return super().is_random or any(step.is_random for step in self.steps)

    def output_shape(self, shape: Shape) -> Shape:
        return super().output_shape(self._between(shape))

    def check(self, shape: Shape) -> None:
        super().check(self._between(shape))

    def draw(self, rng: np.random.Generator, count: int) -> Array | None:
        return rng.random((count, 4)) if self.is_random else None

    def apply(
        self, image: Array, out: Array, draw: Sequence[float] | Array | None = None, name: str = "record"
    ) -> None:
        own = np.random.Generator(np.random.SFC64(0 if draw is None else int(draw[3] * 2**53)))
        for step in self.steps:
            expected = step.output_shape(image.shape)
            try:
                image = step.apply(image, own)
            except DataError as error:
                raise error.located(who=name) from None
            if image.shape != expected:
                rule = f"output_shape() says {expected} and apply() makes {image.shape}"
                raise PluginError(rule, who=f"transform '{step.type}'")
        super().apply(image, out, None if draw is None else draw[:3], name)

    def _between(self, shape: Shape) -> Shape:
        for step in self.steps:
            shape = step.output_shape(shape)
        return shape
