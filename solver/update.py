"""Update: what happens between the gradients and the new weights, in Caffe's order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .solver import Solver


def apply_update(solver: Solver) -> None:
    """Clip, average over iter_size and ranks, regularise, and let the optimizer move every learnable parameter.

    The gradients hold the applied updates afterwards, as in Caffe.
    """
    param = solver.param
    batches = param.iter_size * solver.parallel.world
    clip_gradients(solver)
    for parameter, history in zip(solver.net.learnable, solver.history, strict=True):
        w, g = parameter.blob.data, parameter.blob.diff
        if batches > 1:
            solver.engine.scale_by(1.0 / batches, g, g)
        strength, rate = param.weight_decay * parameter.decay_mult, solver.rate * parameter.lr_mult
        if strength and solver.optimizer.decoupled:
            solver.optimizer.decay(w, strength, rate)
        elif strength:
            solver.regularizer.add_gradient(w, g, strength)
        solver.optimizer.update(w, g, history, rate, solver.iteration)


def clip_gradients(solver: Solver) -> None:
    """Scale all gradients down where their common L2 norm is above ``clip_gradients``.

    The norm is that of the sum over iter_size and ranks, before averaging and regularising; a NaN is left alone.
    """
    limit = solver.param.clip_gradients
    if limit < 0:
        return
    norm = math.sqrt(sum(solver.engine.sumsq(p.blob.diff) for p in solver.net.learnable))
    if norm > limit:
        factor = limit / norm
        text = f"scaling down gradients (L2 norm {norm:g} > {limit:g}) by scale factor {factor:g}"
        solver.message("clip", f"Gradient clipping: {text}")
        for p in solver.net.learnable:
            solver.engine.scale_by(factor, p.blob.diff, p.blob.diff)
