"""Step: one layer of an executable net with everything it needs, prepared once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..layers import Blob, Layer


class Step:
    """A layer with its bottom and top blobs, and who gets a gradient.

    ``losses`` pairs each top that counts as a loss with its weight; ``runs_backward`` says whether the backward pass
    visits this step, ``propagate_down`` which bottoms it fills. ``forward_instead`` and ``backward_instead``, if they
    are not None, are called in the place of the layer's methods.
    """

    __slots__ = (
        "backward_instead",
        "bottom",
        "forward_instead",
        "layer",
        "losses",
        "propagate_down",
        "runs_backward",
        "seen",
        "top",
    )

    def __init__(
        self,
        layer: Layer,
        bottom: Sequence[Blob],
        top: Sequence[Blob],
        loss_weights: Sequence[float],
        runs_backward: bool,
        propagate_down: Sequence[bool],
    ) -> None:
        self.layer = layer
        self.bottom = tuple(bottom)
        self.top = tuple(top)
        self.losses = tuple((t, w) for t, w in zip(top, loss_weights, strict=True) if w)
        self.runs_backward = runs_backward
        self.propagate_down = tuple(propagate_down)
        self.seen = [b.version for b in self.bottom]
        self.forward_instead: Callable[[Sequence[Blob], Sequence[Blob]], None] | None = None
        self.backward_instead: Callable[[Sequence[Blob], Sequence[bool], Sequence[Blob]], None] | None = None

    def reshape(self) -> None:
        """Let the layer follow its bottoms' shapes."""
        self.layer.reshape(self.bottom, self.top)
        self.seen = [b.version for b in self.bottom]

    def forward(self) -> float:
        """Run the layer; returns what its tops add to the loss. Their diffs become their loss weights."""
        for blob, version in zip(self.bottom, self.seen, strict=True):
            if blob.version != version:
                self.reshape()
                break
        (self.forward_instead or self.layer.forward)(self.bottom, self.top)
        loss = 0.0
        for blob, weight in self.losses:
            loss += weight * float(blob.data.item() if blob.count == 1 else blob.data.sum())
            blob.diff[...] = weight
        return loss

    def backward(self) -> None:
        """Run the layer backward, if it takes part."""
        if self.runs_backward:
            (self.backward_instead or self.layer.backward)(self.top, self.propagate_down, self.bottom)
