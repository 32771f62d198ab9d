"""DummyData: blobs that a filler fills."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from ..errors import ParameterError
from ..plugins import hookimpl
from .arity import Arity, at_least, exactly
from .blob import Blob, Shape
from .fillers import Filler
from .layer import Blobs, Layer


class DummyData(Layer):
    """Fills its tops with numbers, for tests and timings. Constant ones are filled once, random ones anew in each
    forward.

    No bottoms. Tops: one or more. Parameters, ``dummy_data_param``: ``shape { dim: … }``, once for all tops or once
    per top, or the old ``num``, ``channels``, ``height``, ``width``, likewise; ``data_filler`` (constant 0), once for
    all tops or once per top.
    Errors: ParameterError for numbers of shapes or fillers that do not fit; PluginError for an unknown filler.

    Example::

        layer {
          name: "data" type: "DummyData" top: "data" top: "label"
          dummy_data_param {
            shape { dim: 10 dim: 3 dim: 32 dim: 32 } data_filler { type: "gaussian" }
            shape { dim: 10 } data_filler { type: "constant" value: 1 }
          }
        }

    Source: Caffe's DummyData layer.
    """

    type: ClassVar[str] = "DummyData"
    param_field: ClassVar[str | None] = "dummy_data_param"
    bottoms: ClassVar[Arity] = exactly(0)
    tops: ClassVar[Arity] = at_least(1)
    stochastic: ClassVar[bool] = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        shapes = self._shapes(len(top))
        fillers = self._fillers(shapes)
        self.refilled: list[tuple[int, Filler]] = []
        for index, (blob, shape, filler) in enumerate(zip(top, shapes, fillers, strict=True)):
            blob.reshape(shape)
            if filler.type == "constant":
                blob.initializer = self._initializer(filler)
            else:
                self.refilled.append((index, filler))

    def _shapes(self, tops: int) -> list[Shape]:
        old = ("num", "channels", "height", "width")
        used = [name for name in old if len(getattr(self.param, name))]
        if used and self.param.shape:
            self.fail(f"shape and the old {used[0]} must not both be given", used[0])
        if used:
            columns = [self._once_or_per_top(name, tops) for name in old]
            return [tuple(sizes) for sizes in zip(*columns, strict=True)]
        return [tuple(shape.dim) for shape in self._once_or_per_top("shape", tops)]

    def _once_or_per_top(self, name: str, tops: int) -> list[Any]:
        given = list(getattr(self.param, name))
        if len(given) not in (1, tops):
            rule = f"{name} must be given once, or once per top ({tops})"
            self.fail(rule, name, got=f"{len(given)} times")
        return given if len(given) == tops else given * tops

    def _fillers(self, shapes: list[Shape]) -> list[Filler]:
        plugins = self.context.plugins
        default = [] if self.param.data_filler else [plugins.schema().message("FillerParameter")()]
        params = default * len(shapes) or self._once_or_per_top("data_filler", len(shapes))
        fillers = []
        for index, (param, shape) in enumerate(zip(params, shapes, strict=True)):
            where = self.context.position(self.param_field, "data_filler", index)
            filler: Filler = plugins.get("fillers", param.type, where=where, who=self.who).item(param)
            try:
                filler.check(shape)
            except ParameterError as error:
                raise error.located(where, self.who) from None
            fillers.append(filler)
        return fillers

    def _initializer(self, filler: Filler) -> Callable[[Blob], None]:
        return lambda blob: filler.fill(blob.data, self.rng)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """Nothing to do: the shapes are those of the parameters."""

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        for index, filler in self.refilled:
            filler.fill(top[index].data, self.rng)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        """Nothing to do: there is nothing before it."""


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [DummyData]
