"""Rows of the activations that came after Caffe's own, and of clipping."""

from __future__ import annotations

from .kernel import Arguments, row

BOUNDS: tuple[Arguments, ...] = ({"low": 0.0, "high": 6.0}, {"low": -0.5, "high": 0.25}, {"low": 0.5, "high": 0.5})
LINES: tuple[Arguments, ...] = ({"alpha": 0.2, "beta": 0.5}, {"alpha": 1.5, "beta": 0.0})

ROWS = (
    row("clip_forward", "x:oci", "y:oci", in_place="y=x", parameters=BOUNDS),
    row("clip_backward", "x:oci dy:oci", "dx:oci", in_place="dx=dy", parameters=BOUNDS),
    row("hard_sigmoid_forward", "x:oci", "y:oci", in_place="y=x", parameters=LINES),
    row("hard_sigmoid_backward", "y:oci dy:oci", "dx:oci", in_place="dx=dy", parameters=({"alpha": 0.2},)),
    row("hard_swish_forward", "x:oci", "y:oci", in_place="y=x"),
    row("hard_swish_backward", "x:oci dy:oci", "dx:oci", in_place="dx=dy"),
    row("mish_forward", "x:oci", "y:oci", in_place="y=x"),
    row("mish_backward", "x:oci dy:oci", "dx:oci", in_place="dx=dy"),
    row("gelu_forward", "x:oci", "y:oci", in_place="y=x"),
    row("gelu_backward", "x:oci dy:oci", "dx:oci", in_place="dx=dy"),
    row("gelu_tanh_forward", "x:oci", "y:oci", in_place="y=x"),
    row("gelu_tanh_backward", "x:oci dy:oci", "dx:oci", in_place="dx=dy"),
)
