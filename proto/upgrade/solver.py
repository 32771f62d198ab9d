"""Old solver files: the enum ``solver_type`` as the string ``type``, and old nets written inside the solver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from ...errors import SolverError
from ..document import Document, Positions
from .draft import Draft
from .net import upgrade_draft

if TYPE_CHECKING:
    from .. import caffe_pb2

Solver = TypeVar("Solver", bound="caffe_pb2.SolverParameter")

TYPES = {
    "SGD": "SGD",
    "NESTEROV": "Nesterov",
    "ADAGRAD": "AdaGrad",
    "RMSPROP": "RMSProp",
    "ADADELTA": "AdaDelta",
    "ADAM": "Adam",
}
NETS = ("net_param", "train_net_param", "test_net_param")


def upgrade_solver(document: Document[Solver]) -> Document[Solver]:
    """The solver in the newest format, with positions and notes; the given document is left as it is.

    Raises SolverError when ``solver_type`` and ``type`` are both given, NetError for a net inside.
    """
    message = type(document.message)()
    message.CopyFrom(document.message)
    positions = Positions(document.positions.source, document.positions.offset)
    positions.fields = {name: list(entries) for name, entries in document.positions.fields.items()}
    notes: list[str] = []
    if message.HasField("solver_type"):
        notes.append(_upgrade_type(message, positions))
    for field in NETS:
        notes += _upgrade_nets(message, positions, field)
    return document.changed(message, positions, notes)


def _upgrade_type(solver: Any, positions: Positions) -> str:
    enum = solver.DESCRIPTOR.fields_by_name["solver_type"].enum_type
    old = enum.values_by_number[solver.solver_type].name
    if solver.HasField("type"):
        raise SolverError(
            "a solver has 'type' or the old 'solver_type', not both",
            where=positions.at("solver_type"),
            got=f'type: "{solver.type}" and solver_type: {old}',
        )
    solver.type = TYPES.get(old, old)
    solver.ClearField("solver_type")
    positions.fields["type"] = positions.fields.pop("solver_type", [])
    return f'solver_type: {old} became type: "{solver.type}"'


def _upgrade_nets(solver: Any, positions: Positions, field: str) -> list[str]:
    value = getattr(solver, field)
    nets = list(value) if hasattr(value, "append") else [value] if solver.HasField(field) else []
    notes: list[str] = []
    entries = positions.fields.get(field, [])
    for index, net in enumerate(nets):
        old = positions.child(field, index)
        at = Positions(old.source, old.offset)
        at.fields = {name: list(values) for name, values in old.fields.items()}
        draft = Draft(net, at)
        upgrade_draft(draft)
        notes += draft.notes
        if index < len(entries):
            entries[index] = at
    return notes
