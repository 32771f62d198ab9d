"""Parameters: which learned blobs the solver updates, how fast, and which of them are one and the same."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import NetError, ShapeError
from ..layers import Blob, Layer
from .build import Built
from .state import LayerSpec


@dataclass
class Parameter:
    """One learnable blob: the layer that owns it, its index there, its ``name`` if it is shared, and its multipliers.

    ``lr_mult`` times the solver's rate is its learning rate; ``decay_mult`` times the solver's weight_decay its decay.
    """

    blob: Blob
    layer: Layer
    index: int
    name: str = ""
    lr_mult: float = 1.0
    decay_mult: float = 1.0
    lr_mult_given: bool = False
    decay_mult_given: bool = False

    @property
    def label(self) -> str:
        """How messages and logs call it: ``conv1[0]``."""
        return f"{self.layer.name}[{self.index}]"


@dataclass(frozen=True)
class Shared:
    """A learned blob that is another layer's: ``name``, and the parameter that owns the memory."""

    layer: Layer
    index: int
    owner: Parameter


def learnable_parameters(built: Built) -> tuple[list[Parameter], list[Shared]]:
    """The learnable parameters of the net in order, and the blobs that share one of them.

    Blobs whose ``param { name }`` is the same are one parameter: the first layer owns it, the others look at its
    memory. With share_mode STRICT (the default) the shapes must be equal, with PERMISSIVE the counts. A multiplier
    given by several of them must be the same; where only a later one gives it, it counts.

    Errors: ShapeError and NetError for shapes or multipliers that disagree.
    """
    owned: list[Parameter] = []
    shared: list[Shared] = []
    by_name: dict[str, Parameter] = {}
    for node, layer in zip(built.graph.nodes, built.layers, strict=True):
        for index, blob in enumerate(layer.blobs):
            parameter = _declared(node.spec, layer, index, blob)
            owner = by_name.get(parameter.name) if parameter.name else None
            if owner is None:
                owned.append(parameter)
                if parameter.name:
                    by_name[parameter.name] = parameter
                continue
            _share(owner, parameter, _mode(node.spec, index))
            shared.append(Shared(layer, index, owner))
    return owned, shared


def _declared(spec: LayerSpec, layer: Layer, index: int, blob: Blob) -> Parameter:
    parameter = Parameter(blob, layer, index)
    if index in layer.frozen:
        parameter.lr_mult = 0.0
        parameter.decay_mult = 1.0
    if index < len(spec.config.param):
        block = spec.config.param[index]
        parameter.name = block.name
        parameter.lr_mult, parameter.lr_mult_given = block.lr_mult, block.HasField("lr_mult")
        parameter.decay_mult, parameter.decay_mult_given = block.decay_mult, block.HasField("decay_mult")
    return parameter


def _mode(spec: LayerSpec, index: int) -> int:
    return int(spec.config.param[index].share_mode)


def _share(owner: Parameter, other: Parameter, mode: int) -> None:
    strict = mode == 0
    fits = owner.blob.shape == other.blob.shape if strict else owner.blob.count == other.blob.count
    where = other.layer.context.position("param", other.index)
    if not fits:
        raise ShapeError(
            f"parameter '{owner.name}' is shared, so its {'shapes' if strict else 'counts'} must be equal",
            where=where,
            who=other.layer.who,
            got=f"{owner.label} {owner.blob.shape}, {other.label} {other.blob.shape}",
            hint="share_mode: PERMISSIVE needs only equal counts" if strict else None,
        )
    for field in ("lr_mult", "decay_mult"):
        if getattr(other, field + "_given"):
            if getattr(owner, field + "_given") and getattr(owner, field) != getattr(other, field):
                raise NetError(
                    f"parameter '{owner.name}' is shared, so its {field} must be the same everywhere",
                    where=where,
                    who=other.layer.who,
                    got=f"{owner.label} {getattr(owner, field):g}, {other.label} {getattr(other, field):g}",
                )
            setattr(owner, field, getattr(other, field))
            setattr(owner, field + "_given", True)
    other.blob.initializer = None
    other.blob.share_data(owner.blob)
    other.blob.share_diff(owner.blob)
