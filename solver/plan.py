"""Plan: which nets a solver file asks for, and in which states."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SolverError
from ..layers import Phase, confined, find_path
from ..netdef.definition import definition
from ..netdef.state import NetState
from ..plugins import PluginManager
from ..proto import Document

if TYPE_CHECKING:
    from ..proto.caffe_pb2 import NetState as NetStateMessage, SolverParameter

TRAIN_FIELDS = ("net", "net_param", "train_net", "train_net_param")


@dataclass(frozen=True)
class NetPlan:
    """A net to build: its definition, its state, how many batches a test of it takes, and where it came from."""

    document: Document[Any]
    state: NetState
    batches: int
    source: str
    folder: Path


@dataclass(frozen=True)
class SolverPlan:
    """The training net and the test nets of a solver."""

    train: NetPlan
    tests: tuple[NetPlan, ...]


def plan_solver(
    param: SolverParameter,
    plugins: PluginManager,
    folder: Path,
    level: int | None = None,
    stages: Sequence[str] = (),
    root: Path | None = None,
) -> SolverPlan:
    """The nets of *param*, read and upgraded. Paths are looked for as ``find_path`` says.

    The training net is the one of ``net``, ``net_param``, ``train_net`` and ``train_net_param`` that is set. Test
    nets are those of ``test_net_param`` and ``test_net``, then as many of the common net as ``test_iter`` has values
    left. A state is the phase, overlaid by the net's own ``state``, by ``train_state`` or ``test_state``, and for the
    training net by *level* and *stages*. Files outside *root*, if that is set, are refused.

    Errors: SolverError for none or several training nets, or numbers of test fields that do not agree.
    """
    reader = _Reader(param, plugins, folder, root)
    train = reader.read(_train_field(param), Phase.TRAIN, [param.train_state])
    if level is not None or stages:
        new_level = train.state.level if level is None else level
        state = NetState(train.state.phase, new_level, (*train.state.stages, *stages))
        train = NetPlan(train.document, state, 0, train.source, train.folder)
    return SolverPlan(train, tuple(_test_plans(param, reader)))


def _train_field(param: SolverParameter) -> str:
    given = [name for name in TRAIN_FIELDS if param.HasField(name)]
    if len(given) != 1:
        raise SolverError(
            f"a solver needs exactly one training net, in one of {', '.join(TRAIN_FIELDS)}",
            got=" and ".join(given) or "none",
        )
    return given[0]


class _Reader:
    def __init__(self, param: SolverParameter, plugins: PluginManager, folder: Path, root: Path | None) -> None:
        self.param, self.plugins, self.folder, self.root = param, plugins, folder, root

    def read(
        self, field: str, phase: Phase, states: Sequence[NetStateMessage], index: int | None = None, batches: int = 0
    ) -> NetPlan:
        """The net that *field* names, in *phase* with the net's own state and then *states* laid over it."""
        value = getattr(self.param, field)
        value = value if index is None else value[index]
        label = field if index is None else f"{field} #{index}"
        folder = self.folder
        if isinstance(value, str):
            path = confined(find_path(value, folder), self.root)
            document, folder, label = self._from_file(path, field), path.parent, str(path)
        else:
            document = definition(value, self.plugins)
        return NetPlan(document, _overlay(document.message.state, states, phase), batches, label, folder)

    def _from_file(self, path: Path, field: str) -> Document[Any]:
        if not os.path.isfile(path):
            tried = f"{path.absolute()} and below {self.folder.absolute()} and its parents"
            raise SolverError(
                f"'{field}' must name a net file", got=f"'{path}', which is not there", hint=f"tried {tried}"
            )
        return definition(path, self.plugins)


def _overlay(own: NetStateMessage, states: Sequence[NetStateMessage], phase: Phase) -> NetState:
    merged: Any = type(own)()
    merged.phase = int(phase)
    merged.MergeFrom(own)
    for state in states:
        merged.MergeFrom(type(own).FromString(state.SerializeToString()))
    return NetState(Phase(merged.phase), merged.level, tuple(merged.stage))


def _test_plans(param: SolverParameter, reader: _Reader) -> list[NetPlan]:
    own = [("test_net_param", i) for i in range(len(param.test_net_param))]
    own += [("test_net", i) for i in range(len(param.test_net))]
    common = next((name for name in ("net_param", "net") if param.HasField(name)), None)
    count = len(param.test_iter)
    if common is None and count != len(own):
        raise SolverError("test_iter must be given once per test net", got=f"{count} for {len(own)} test nets")
    if count < len(own):
        raise SolverError("test_iter must be given at least once per test net", got=f"{count} for {len(own)} test nets")
    if param.test_state and len(param.test_state) != count:
        raise SolverError(f"test_state must be given once per test net ({count})", got=str(len(param.test_state)))
    if count and param.test_interval <= 0:
        raise SolverError("test_interval must be at least 1 when there are test nets", got=str(param.test_interval))
    fields: list[tuple[str, int | None]] = [*own, *[(common or "net", None)] * (count - len(own))]
    states: list[Any] = list(param.test_state) or [None] * count
    return [
        reader.read(field, Phase.TEST, [state] if state is not None else [], index, batches)
        for (field, index), state, batches in zip(fields, states, param.test_iter, strict=True)
    ]
