"""Inference: what is left of a net when only its outputs are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...errors import NetError, nearest
from ...layers import Array
from .fuse import fuse
from .graph import operations, shape_all
from .memory import share_memory

if TYPE_CHECKING:
    from ..net import Net


class Inference:
    """A net made ready for use alone, faster and with less memory than the net itself. ``Net.inference`` makes one.

    - BatchNorm, Scale and Bias that have one number per channel are folded into the convolution before them; its sum
      with another value (Eltwise) and a ReLU are computed in the same pass; convolutions whose outputs are joined by a
      Concat write there; Dropout and Split are gone.
    - What a depthwise convolution makes is computed where a pointwise convolution reads it, and never stored.
    - The weights of convolutions are laid out once as the engine reads them.
    - Values that are not needed at the same time lie in the same memory.

    The results differ from the net's by rounding alone. There is no backward pass, and only the blobs of ``blobs`` can
    be seen. The net keeps its weights and its own blobs; after its weights have changed, ``refresh`` takes them over.

    Parameters: *net*; *keep*, names of blobs to be seen besides the inputs and outputs.
    Attributes: ``net``; ``blobs`` by name; ``inputs`` and ``outputs``, names; ``steps``, what ``forward`` runs, each
    with a text that tells which layers it stands for; ``nbytes``, the memory of the values between.
    Errors: NetError for a name in *keep* that is no blob.

    Example::

        >>> net = cortado.Net("deploy.prototxt", weights="resnet50.caffemodel")     # doctest: +SKIP
        >>> fast = net.inference()                                                  # doctest: +SKIP
        >>> fast(data=images)["prob"].argmax(axis=1)                                # doctest: +SKIP
        array([282,  65])
    """

    def __init__(self, net: Net, keep: Sequence[str] = ()) -> None:
        self.net = net
        self.inputs, self.outputs = net.inputs, net.outputs
        self._keep = list(keep)
        self.refresh()

    def refresh(self) -> None:
        """Fold and lay out the weights that the net has now, for the shapes that its inputs have now."""
        found, seen = operations(self.net, self._keep)
        self.steps = fuse(found)
        shape_all(self.steps)
        self._memory = share_memory(self.steps)
        for step in self.steps:
            step.bind()
        self.blobs = {name: value.blob for name, value in seen.items()}
        self._shapes = self._input_shapes()

    @property
    def nbytes(self) -> int:
        """Bytes of the memory that the values between inputs and outputs share."""
        return self._memory.nbytes

    def __call__(self, **inputs: npt.ArrayLike) -> dict[str, Array]:
        """Run on named input arrays and return copies of the outputs by name.

        An input of another shape than before makes everything ready anew, which takes a while. Errors: NetError for a
        name that is no input.
        """
        for name, value in inputs.items():
            if name not in self.inputs:
                rule = f"net '{self.net.name}' has no input '{name}'"
                raise NetError(rule, hint=nearest(name, self.inputs))
            array = np.asarray(value)
            blob = self.blobs[name]
            blob.reshape(array.shape)
            blob.data[...] = array
        self.forward()
        return {name: self.blobs[name].data.copy() for name in self.outputs}

    @np.errstate(all="ignore")
    def forward(self) -> None:
        """Compute the outputs from what is in the input blobs."""
        if self._input_shapes() != self._shapes:
            self.refresh()
        for step in self.steps:
            step.run()

    def _input_shapes(self) -> list[tuple[int, ...]]:
        return [self.net.blobs[name].shape for name in self.inputs]

    def __repr__(self) -> str:
        return f"<Inference of '{self.net.name}': {len(self.net.layers)} layers in {len(self.steps)} steps>"
