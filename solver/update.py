"""Update: what happens between the gradients and the new weights, in Caffe's order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..layers import Array
from .optimizers.base import Optimizer

if TYPE_CHECKING:
    from .solver import Solver

PIECE = 2**15
"""Numbers of a parameter, per thread, that pass all steps of an update before the next ones do, so that they are read
from memory once and not once a step: with gradient and history they fit the second-level cache."""


def apply_update(solver: Solver) -> float:
    """Clip, average over iter_size and ranks, regularise, and let the optimizer move every learnable parameter.

    The gradients hold the applied updates afterwards, as in Caffe. Returns the sum of squares of the new weights, or 0
    where nobody watches for NaN and infinity.
    """
    param, engine, total = solver.param, solver.engine, 0.0
    batches = param.iter_size * solver.parallel.world
    clip_gradients(solver)
    size = PIECE * getattr(engine, "threads", 1) if takes_pieces(solver) else 0
    for parameter, history in zip(solver.net.learnable, solver.history, strict=True):
        strength, rate = param.weight_decay * parameter.decay_mult, solver.rate * parameter.lr_mult
        for w, g, *slots in pieces((parameter.blob.data, parameter.blob.diff, *history), size):
            if batches > 1:
                engine.scale_by(1.0 / batches, g, g)
            if strength and solver.optimizer.decoupled:
                solver.optimizer.decay(w, strength, rate)
            elif strength:
                solver.regularizer.add_gradient(w, g, strength)
            solver.optimizer.update(w, g, slots, rate, solver.iteration)
            if solver.watchdog.watches:
                total += engine.sumsq(w)
    return total


def pieces(arrays: Sequence[Array], size: int) -> Iterator[Sequence[Array]]:
    """The *arrays*, which have one shape, in parts of *size* numbers; whole where that is 0 or all there is, or where
    they are not contiguous."""
    count = arrays[0].size
    if not size or count <= size or not all(array.flags.c_contiguous for array in arrays):
        yield arrays
        return
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, count, size):
        yield [array[start : start + size] for array in flat]


def takes_pieces(solver: Solver) -> bool:
    """Whether optimizer and regularizer treat each number by itself, as the very classes say that define the methods:
    one that derives from them may do otherwise."""
    optimizer, regularizer = type(solver.optimizer), type(solver.regularizer)
    owners = [_owner(optimizer, "update"), _owner(regularizer, "add_gradient"), _owner(optimizer, "decay")]
    return all(owner is Optimizer or vars(owner).get("elementwise", False) for owner in owners)


def _owner(kind: type, method: str) -> type:
    return next(c for c in kind.__mro__ if method in vars(c))


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
