"""Rows of the activations."""

from __future__ import annotations

from .kernel import row

SLOPES = ({"negative_slope": 0.0}, {"negative_slope": 0.1}, {"negative_slope": -0.5}, {"negative_slope": 2.0})
ALPHAS = ({"alpha": 1.0}, {"alpha": 0.3})
BETAS = ({"beta": 1.0}, {"beta": 0.5}, {"beta": -2.0})
POWERS = tuple(
    {"power": power, "scale": scale, "shift": shift}
    for power, scale, shift in ((1.0, 1.0, 0.0), (2.0, 0.5, 1.0), (0.5, 1.0, 0.2), (-0.75, 2.0, 1.0), (0.0, 1.0, 1.0))
)

ROWS = (
    row("relu_forward", "x:oci", "y:oci", in_place="y=x", parameters=SLOPES),
    row("relu_backward", "x:oci dy:oci", "dx:oci", parameters=SLOPES, in_place="dx=dy"),
    row("sigmoid_forward", "x:oci", "y:oci", in_place="y=x"),
    row("sigmoid_backward", "y:oci dy:oci", "dx:oci", in_place="dx=dy"),
    row("tanh_forward", "x:oci", "y:oci", in_place="y=x"),
    row("tanh_backward", "y:oci dy:oci", "dx:oci", in_place="dx=dy"),
    row("elu_forward", "x:oci", "y:oci", in_place="y=x", parameters=ALPHAS),
    row("elu_backward", "x:oci y:oci dy:oci", "dx:oci", in_place="dx=dy x=y", parameters=ALPHAS),
    row("bnll_forward", "x:oci", "y:oci", in_place="y=x"),
    row("bnll_backward", "x:oci dy:oci", "dx:oci", in_place="dx=dy"),
    row("swish_forward", "x:oci", "y:oci", in_place="y=x", parameters=BETAS),
    row("swish_backward", "x:oci y:oci dy:oci", "dx:oci", in_place="dx=dy", parameters=BETAS),
    row("prelu_forward", "x:oci slope:c", "y:oci", in_place="y=x"),
    row("prelu_backward_data", "x:oci slope:c dy:oci", "dx:oci", in_place="dx=dy"),
    row("prelu_backward_slope", "x:oci dy:oci", updates="dslope:c", tolerance=10),
    row("power_forward", "x:oci", "y:oci", in_place="y=x", parameters=POWERS, fills={"x": "positive"}),
    row("power_backward", "x:oci dy:oci", "dx:oci", in_place="dx=dy", parameters=POWERS, fills={"x": "positive"}),
)
