"""Layer: the four calls that every Caffe user knows, and the declarations that the checks are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeAlias

import numpy as np

from ..errors import NetError, ParameterError, ShapeError
from .arity import Arity, exactly
from .blob import Array, Blob, Shape
from .context import LayerContext, Phase

if TYPE_CHECKING:
    from ..plugins import ParametersClass
    from ..proto.caffe_pb2 import FillerParameter, LayerParameter

Blobs = Sequence[Blob]
ErrorClass: TypeAlias = type[NetError]


class Layer:
    """A step of a net: reads its bottom blobs, writes its top blobs, and passes gradients the other way.

    A subclass declares what it is in class attributes, and implements ``reshape`` and ``forward``, and usually
    ``setup`` and ``backward``:

    ``type``            the name in ``layer { type: "…" }``
    ``param_field``     the field of LayerParameter with its parameters (stock layers), read as ``self.param``
    ``parameters``      instead of that, a ``Parameters`` class that brings a field of its own (plugins)
    ``bottoms, tops``   how many it takes: ``exactly(n)``, ``at_least(n)``, ``between(a, b)``
    ``paired``          as many tops as bottoms, each from its own
    ``in_place``        whether a top may be the bottom of the same index
    ``needs_top``       what backward reads of the top's data: ``"nothing"``, ``"sign"`` or ``"values"``; a net being
                        trained then gives layers that would overwrite it in place a blob of their own
    ``keeps_sign``      in place it leaves positive numbers positive or zero, and others not positive
    ``is_loss``         its first top is a loss: weight 1 unless set, made up when not named
    ``auto_tops``       missing tops are made up, unnamed
    ``no_gradient_to``  indices of bottoms that never get a gradient (labels, indices); -1 is the last
    ``stochastic``      draws random numbers in forward
    ``stateful``        forward changes what the next forward computes; ``run_state`` says what that is

    In the methods: ``self.param``, ``self.blobs`` (learned parameters, made by ``add_param``),
    ``self.param_propagate_down`` (whether each of those wants a gradient), ``self.runs_backward`` (whether backward is
    ever called in this net), ``self.engine``, ``self.phase``, ``self.rng``, and ``self.fail(…)`` for an error that
    names the layer and the line.

    Example, a complete layer::

        class Cube(cortado.Layer):
            type = "Cube"

            def reshape(self, bottom, top):
                top[0].reshape_like(bottom[0])

            def forward(self, bottom, top):
                top[0].data[...] = bottom[0].data ** 3

            def backward(self, top, propagate_down, bottom):
                if propagate_down[0]:
                    bottom[0].diff[...] = top[0].diff * 3 * bottom[0].data ** 2
    """

    plugin_kind: ClassVar[str] = "layers"

    type: ClassVar[str] = ""
    param_field: ClassVar[str | None] = None
    parameters: ClassVar[ParametersClass | None] = None
    bottoms: ClassVar[Arity] = exactly(1)
    tops: ClassVar[Arity] = exactly(1)
    paired: ClassVar[bool] = False
    in_place: ClassVar[bool] = False
    needs_top: ClassVar[str] = "nothing"
    keeps_sign: ClassVar[bool] = False
    is_loss: ClassVar[bool] = False
    auto_tops: ClassVar[bool] = False
    no_gradient_to: ClassVar[tuple[int, ...]] = ()
    stochastic: ClassVar[bool] = False
    stateful: ClassVar[bool] = False

    def __init__(self, config: LayerParameter, context: LayerContext) -> None:
        self.config = config
        self.context = context
        self.name = config.name
        self.phase = Phase(int(config.phase)) if config.HasField("phase") else context.phase
        self.engine = context.engine
        self.dtype = np.dtype(context.dtype)
        field = self.parameters.field if self.parameters is not None else self.param_field
        self.param: Any = getattr(config, field) if field else None
        self.blobs: list[Blob] = []
        self.frozen: set[int] = set()
        self.param_propagate_down: list[bool] = []
        self.runs_backward = True
        self._rng: np.random.Generator | None = None
        self.moves = type(self).run_state is not Layer.run_state
        """Whether ``run_state`` may have anything to say."""

    # -- the four calls -----------------------------------------------------------------------------------------

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        """Check the parameters and make the learned blobs, once. The bottoms have their shapes; nothing is computed."""

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """Give the tops, and inner buffers, the shapes that follow from the bottoms'. Computes nothing.

        Called after ``setup`` and again whenever a bottom has changed its shape.
        """
        raise self._missing("reshape")

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """Compute the tops' ``data`` from the bottoms' ``data``."""
        raise self._missing("forward")

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        """From the tops' ``diff``, *overwrite* the ``diff`` of each bottom with ``propagate_down[i]``, and *add* to
        the ``diff`` of each of ``self.blobs`` with ``self.param_propagate_down[i]``."""
        raise self._missing("backward")

    @classmethod
    def top_needed(cls, config: LayerParameter, in_place: bool) -> str:
        """What backward reads of the top's data, for a layer so configured and, or not, in place: ``needs_top``."""
        return cls.needs_top

    @classmethod
    def takes_gradient(cls, index: int, count: int) -> bool:
        """Whether bottom *index* of *count* can get a gradient, from ``no_gradient_to``."""
        return index not in cls.no_gradient_to and index - count not in cls.no_gradient_to

    def infer_shapes(self, bottom: Blobs, top: Blobs) -> bool:
        """Give the tops their shapes for a check without data; False where only the data could tell.

        ``setup`` and ``reshape`` do, for every layer that reads nothing but its bottoms.
        """
        self.setup(bottom, top)
        self.reshape(bottom, top)
        return True

    def channel_affine(self, bottom: Blob) -> tuple[Array, Array] | None:
        """The layer as ``y = x · factor[c] + shift[c]`` with c along axis 1 of its only bottom, as double-precision
        arrays of that axis's size; None if it is not of that form, or computes with other numbers next time.

        A net made ready for inference takes such layers into the convolution before them.
        """
        return None

    def kept_output(self) -> Blob | None:
        """A blob that has what forward writes into the only top, and still has it when a layer behind writes over the
        top in place; None where there is none. A net lends it to that layer, which then makes no copy of its own."""
        return None

    def repeats(self) -> bool:
        """Whether forward and backward do nothing but call kernels of the engine, and call the same ones with the same
        arguments as long as all blobs stay where they are. A net then repeats those calls by itself, except of a pass
        in which a kernel returns something."""
        return False

    def speaks_for_forward(self, method: str) -> bool:
        """Whether *method*, which says something of what forward does, is said by the class that has this forward, or
        by one below it: a subclass with another forward has to say it anew."""
        return self._speaks_for("forward", method)

    def speaks_for_backward(self, method: str) -> bool:
        """The same of backward."""
        return self._speaks_for("backward", method)

    def _speaks_for(self, what: str, method: str) -> bool:
        order = [vars(cls) for cls in type(self).__mro__]
        said, done = (next(at for at, own in enumerate(order) if name in own) for name in (method, what))
        return said <= done

    # -- for subclasses -----------------------------------------------------------------------------------------

    def add_param(
        self,
        shape: Sequence[int],
        filler: FillerParameter | None = None,
        *,
        default: str = "constant",
        value: float = 0.0,
        learnable: bool = True,
    ) -> Blob:
        """Make the next learned blob. It is filled when first used, by *filler*, or where that is not set by the
        *default* type with *value*. Blobs that are not *learnable* (statistics) get no gradient and no update."""
        from .fillers import make_filler

        index = len(self.blobs)
        fill = make_filler(self, tuple(shape), filler, default, value, index)
        blob = Blob(shape, self.dtype, f"{self.name}[{index}]", initializer=fill)
        self.blobs.append(blob)
        if not learnable:
            self.frozen.add(index)
        return blob

    @property
    def rng(self) -> np.random.Generator:
        """The layer's own random stream, for use in forward."""
        if self._rng is None:
            rank = self.context.rank
            self._rng = self.context.stream("forward", self.name, *([rank] if rank else []))
            self.moves = True
        return self._rng

    @rng.setter
    def rng(self, generator: np.random.Generator) -> None:
        self._rng, self.moves = generator, True

    def run_state(self) -> dict[str, Any]:
        """What the next forward depends on besides bottoms, parameters and learned blobs: random stream, position …

        Numbers, text, arrays, and lists and dicts of them: what is needed to go on exactly. A subclass that keeps more
        adds it to what ``super().run_state()`` says, and takes it back in ``restore_run_state``.
        """
        return {} if self._rng is None else {"rng": self._rng.bit_generator.state}

    def restore_run_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``run_state`` returned, in this process or another."""
        self._rng = None
        if "rng" in state:
            self.rng.bit_generator.state = state["rng"]

    @property
    def who(self) -> str:
        """The layer as messages name it."""
        return f"layer '{self.name}' ({self.type})"

    def fail(
        self,
        rule: str,
        *path: str | int,
        got: object = None,
        hint: str | None = None,
        error: ErrorClass = ParameterError,
    ) -> NoReturn:
        """Raise *error* (ParameterError) naming this layer and the line of the field at *path*, or of the layer."""
        field = self.param_field or (self.parameters.field if self.parameters is not None else None)
        full = (field, *path) if path and field and path[0] not in ("bottom", "top", "param") else path
        where = self.context.position(*full)
        raise error(rule, where=where, who=self.who, got=None if got is None else str(got), hint=hint)

    def fail_shape(self, rule: str, *blobs: Blob, hint: str | None = None) -> NoReturn:
        """Raise a ShapeError that lists the shapes of *blobs*."""
        got = ", ".join(f"'{b.told}' {'x'.join(map(str, b.shape)) or 'scalar'}" for b in blobs)
        self.fail(rule, got=got, hint=hint, error=ShapeError)

    def axis(self, blob: Blob, index: int, *path: str | int) -> int:
        """``blob.axis(index)``, with errors that name this layer and the field at *path*."""
        try:
            return blob.axis(index)
        except ShapeError as error:
            raise error.located(self.context.position(self.param_field, *path), self.who) from None

    def _missing(self, method: str) -> NetError:
        return NetError(f"the layer does not implement {method}()", where=self.context.position(), who=self.who)

    def __repr__(self) -> str:
        return f"<{self.type} '{self.name}'>"


def product(sizes: Shape) -> int:
    """The product of *sizes*, 1 for none."""
    count = 1
    for size in sizes:
        count *= size
    return count
