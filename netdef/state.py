"""Select: which layers of a definition take part, for a phase, a level and a set of stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import NetError, Position
from ..layers import Phase
from ..proto import Document, Positions

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import LayerParameter, NetStateRule


@dataclass(frozen=True)
class NetState:
    """What a net is made for: ``phase``, ``level``, ``stages``."""

    phase: Phase = Phase.TEST
    level: int = 0
    stages: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, document: Document[Any], phase: Phase, level: int | None = None, stages: Sequence[str] = ()
    ) -> NetState:
        """The state that a caller asks for, laid over the ``state`` that the definition itself has: *phase* counts,
        *level* where it is given, and *stages* are added."""
        own = document.message.state
        return cls(phase, own.level if level is None else level, (*own.stage, *stages))


MOST_LAYERS = 100_000
"""Layers beyond which a definition is taken for a mistake (or an attack); each takes some 7 KiB of memory."""


@dataclass(frozen=True)
class LayerSpec:
    """One layer of a definition with the place it came from; ``positions`` is None for layers that no file holds."""

    config: LayerParameter
    positions: Positions | None = None

    @property
    def where(self) -> Position | None:
        return self.positions.at() if self.positions is not None else None

    @property
    def who(self) -> str:
        return f"layer '{self.config.name}' ({self.config.type})"

    def copy(self) -> LayerSpec:
        """The same layer with a definition of its own, to be changed."""
        config = type(self.config)()
        config.CopyFrom(self.config)
        return LayerSpec(config, self.positions)


def select(document: Document[Any], state: NetState) -> list[LayerSpec]:
    """The layers of *document* that take part in *state*, in order.

    A layer without rules takes part; with ``include`` rules, when any of them is met; with ``exclude`` rules, when
    none is. A rule is met when its phase (if given) is the state's, the level lies in [min_level, max_level], all
    its ``stage`` are among the state's and none of its ``not_stage`` are. The kept layers' ``phase`` becomes the
    state's unless it is set.

    Errors: NetError for a definition without any layer or with more than ``MOST_LAYERS``, and for a layer with both
    kinds of rules.
    """
    if not document.message.layer:
        raise NetError("a net has at least one layer", where=document.positions.at(), got="none")
    if len(document.message.layer) > MOST_LAYERS:
        got = str(len(document.message.layer))
        raise NetError(f"a net has at most {MOST_LAYERS} layers", where=document.positions.at(), got=got)
    kept = []
    for index, config in enumerate(document.message.layer):
        positions = document.positions.child("layer", index)
        if config.include and config.exclude:
            raise NetError(
                "a layer may have include rules or exclude rules, not both",
                where=positions.at("exclude"),
                who=f"layer '{config.name}' ({config.type})",
                hint="turn one kind into the other",
            )
        rules, wanted = (config.include, True) if config.include else (config.exclude, False)
        if not rules or any(meets(state, rule) for rule in rules) is wanted:
            kept.append(LayerSpec(config, positions))
    return kept


def meets(state: NetState, rule: NetStateRule) -> bool:
    """Whether *state* satisfies every part of *rule*."""
    if rule.HasField("phase") and int(rule.phase) != int(state.phase):
        return False
    if rule.HasField("min_level") and state.level < rule.min_level:
        return False
    if rule.HasField("max_level") and state.level > rule.max_level:
        return False
    stages = set(state.stages)
    return stages.issuperset(rule.stage) and stages.isdisjoint(rule.not_stage)
