"""``input`` fields at the top of a net as an Input layer in front of the others."""

from __future__ import annotations

from typing import Any

from ..document import Positions
from .draft import Draft

AXES = 4
"""``input_dim`` gives num, channels, height and width of each input."""


def has_inputs(net: Any) -> bool:
    """Whether *net* has the old fields."""
    return bool(len(net.input) or len(net.input_shape) or len(net.input_dim))


def upgrade_inputs(draft: Draft) -> None:
    """Put a layer called ``input`` first, with a top and a shape per ``input``; clear the old fields."""
    net, names = draft.net, list(draft.net.input)
    shapes = _shapes(draft) if names else []
    if names and shapes:
        layer = type(net)().layer.add(name="input", type="Input", top=names)
        for dims in shapes:
            layer.input_param.shape.add(dim=dims)
        net.layer.insert(0, layer)
        draft.positions.fields.setdefault("layer", []).insert(0, _positions(draft.positions))
        draft.notes.append(f"'input' fields became an Input layer: {', '.join(names)}")
    elif not names:
        draft.notes.append("'input_shape' and 'input_dim' without 'input' have no effect")
    for field in ("input", "input_shape", "input_dim"):
        net.ClearField(field)
        draft.positions.fields.pop(field, None)


def _shapes(draft: Draft) -> list[list[int]]:
    """The shape of each input; empty (only when not strict) where they cannot be known."""
    net = draft.net
    count, dims = len(net.input), list(net.input_dim)
    shapes = [list(shape.dim) for shape in net.input_shape]
    from_dims = [dims[i : i + AXES] for i in range(0, len(dims), AXES)]
    if dims and len(dims) != AXES * count:
        rule = f"{count} 'input' take {AXES * count} 'input_dim' (num, channels, height and width of each)"
        draft.refuse(rule, "input_dim", got=str(len(dims)), hint="input_shape { dim: ... } takes any number of axes")
    if shapes and len(shapes) != count:
        draft.refuse(f"{count} 'input' take {count} 'input_shape'", "input_shape", got=str(len(shapes)))
    if shapes and dims and shapes != from_dims:
        rule = "'input_shape' and 'input_dim' give the same shapes"
        draft.refuse(rule, "input_dim", got=f"{shapes} and {from_dims}", hint="keep input_shape")
    if not shapes and not dims:
        hint = "give input_shape { dim: ... }"
        draft.refuse(f"input '{net.input[0]}' has a shape", "input", got="none", hint=hint)
    found = shapes or from_dims
    return found if len(found) == count else []


def _positions(root: Positions) -> Positions:
    """Positions of the Input layer, from those of the old fields."""
    node = Positions(root.source, root.child("input").offset)
    node.fields["top"] = list(root.fields.get("input", ()))
    param = Positions(root.source, node.offset)
    param.fields["shape"] = list(root.fields.get("input_shape") or root.fields.get("input_dim", ())[::AXES])
    node.fields["input_param"] = [param]
    return node
