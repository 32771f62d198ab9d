"""How Scale and Bias lay their operand along the axes of the input."""

from __future__ import annotations

from .blob import Blob, Shape
from .layer import Layer, product


def operand_shape(layer: Layer, x: Blob) -> Shape:
    """The shape of a learned operand, from the layer's ``axis`` and ``num_axes``.

    Errors: ParameterError or ShapeError for axes that *x* does not have.
    """
    num_axes = layer.param.num_axes
    if num_axes == 0:
        return ()
    if num_axes < -1:
        layer.fail("num_axes must be at least -1", "num_axes", got=num_axes)
    axis = layer.axis(x, layer.param.axis, "axis")
    if num_axes == -1:
        return x.shape[axis:]
    if axis + num_axes > x.num_axes:
        hint = "num_axes: -1 takes all axes that are left"
        layer.fail_shape(f"axis {axis} and num_axes {num_axes} must lie within the bottom's axes", x, hint=hint)
    return x.shape[axis : axis + num_axes]


def operand_view(layer: Layer, x: Blob, operand: Blob) -> tuple[int, int, int]:
    """*x* as (outer, C, inner), where the C of the middle are those of *operand*.

    Errors: ShapeError if the operand's shape is not that of *x* from the layer's ``axis`` on.
    """
    axis = layer.axis(x, layer.param.axis, "axis") if operand.num_axes else 0
    end = axis + operand.num_axes
    if x.shape[axis:end] != operand.shape:
        layer.fail_shape(
            f"the {layer.type.lower()} must have the sizes of the first bottom's axes from axis {axis} on",
            x,
            operand,
            hint="axis says where the two meet",
        )
    return product(x.shape[:axis]), operand.count, product(x.shape[end:])


def along_channels(layer: Layer, x: Blob, operand: Blob) -> bool:
    """Whether a learned *operand* has one number per channel, axis 1 of *x*."""
    return x.num_axes > 1 and layer.axis(x, layer.param.axis, "axis") == 1 and operand.shape == x.shape[1:2]
