"""Update: what happens between the gradients and the new weights, in Caffe's order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..layers import Array
from ..layers.blob import Storage
from .optimizers.base import Optimizer
from .regularizers.base import Regularizer

if TYPE_CHECKING:
    from ..engines.engine import Updater
    from .solver import Solver

PIECE = 2**15
"""Numbers of a parameter, per thread, that pass all steps of an update before the next ones do, so that they are read
from memory once and not once a step: with gradient and history they fit the second-level cache."""


class Finite(NamedTuple):
    """Whether all *gradients* that an update met were finite, and all *weights* after it."""

    gradients: bool = True
    weights: bool = True


def apply_update(solver: Solver, watch: bool = False) -> Finite:
    """Clip, average over iter_size and ranks, regularise, and let the optimizer move every learnable parameter.

    The gradients hold the applied updates afterwards, as in Caffe, or, where the solver does not keep these, 0, if that
    costs nothing. With *watch* numbers that are not finite are told; a piece of a parameter whose gradient has any is
    left as it is, with that gradient.
    """
    clip_gradients(solver)
    share = 1.0 / (solver.param.iter_size * solver.parallel.world)
    finite = solver.updates.at_once(share, watch)
    return _one_by_one(solver, share, watch) if finite is None else finite


class Updates:
    """The updates of all parameters of a solver in one call of its engine, where optimizer, regularizer and engine
    allow it."""

    def __init__(self, solver: Solver) -> None:
        self.solver = solver
        self._rule, self._moves = "", -1
        self._updater: Updater | None = None
        self._key: Any = None
        self._factors: list[tuple[float, ...]] = []

    def at_once(self, share: float, watch: bool) -> Finite | None:
        """Update all parameters; None, and nothing done, where they cannot be in one call."""
        solver, optimizer, regularizer = self.solver, self.solver.optimizer, self.solver.regularizer
        own = type(optimizer).update is not Optimizer.update or type(optimizer).decay is not Optimizer.decay
        if own or type(regularizer).add_gradient is not Regularizer.add_gradient:
            return None
        rule, numbers = optimizer.step(solver.rate, solver.iteration)
        if self._moves != Storage.moves or self._rule != rule:
            self._prepare(rule)
        if self._updater is None:
            return None
        decay, multipliers = solver.param.weight_decay, [(p.lr_mult, p.decay_mult) for p in solver.net.learnable]
        key = (numbers, solver.rate, regularizer.factors(decay), decay, multipliers)
        if self._key != key:
            rows = {pair: self._row(*pair) for pair in set(multipliers)}
            self._factors, self._key = [rows[pair] for pair in multipliers], key
        clear = not solver.keeps_updates
        finite = Finite(*self._updater(self._factors, share, watch, clear))
        solver.net.gradients_are_clear = clear and finite.gradients
        return finite

    def _prepare(self, rule: str) -> None:
        pairs = zip(self.solver.net.learnable, self.solver.history, strict=True)
        arrays = [(p.blob.data, p.blob.diff, *history) for p, history in pairs]
        self._updater = self.solver.engine.updater(rule, arrays, PIECE)
        self._rule, self._moves, self._key = rule, Storage.moves, None

    def _row(self, lr_mult: float, decay_mult: float) -> tuple[float, ...]:
        solver = self.solver
        strength, rate = solver.param.weight_decay * decay_mult, solver.rate * lr_mult
        numbers = solver.optimizer.step(rate, solver.iteration)[1]
        if strength and solver.optimizer.decoupled:
            return (1.0 - rate * strength, 0.0, 0.0, *numbers)
        return (1.0, *(solver.regularizer.factors(strength) if strength else (0.0, 0.0)), *numbers)


def _one_by_one(solver: Solver, share: float, watch: bool) -> Finite:
    param, engine, gradients, weights = solver.param, solver.engine, True, True
    size = PIECE * getattr(engine, "threads", 1) if takes_pieces(solver) else 0
    for parameter, history in zip(solver.net.learnable, solver.history, strict=True):
        strength, rate = param.weight_decay * parameter.decay_mult, solver.rate * parameter.lr_mult
        for w, g, *slots in pieces((parameter.blob.data, parameter.blob.diff, *history), size):
            if watch and not math.isfinite(engine.sumsq(g)) and not engine.xp.isfinite(g).all():
                gradients = False
                continue
            if share != 1:
                engine.scale_by(share, g, g)
            if strength and solver.optimizer.decoupled:
                solver.optimizer.decay(w, strength, rate)
            elif strength:
                solver.regularizer.add_gradient(w, g, strength)
            solver.optimizer.update(w, g, slots, rate, solver.iteration)
            if watch and not math.isfinite(engine.sumsq(w)):
                weights = weights and bool(engine.xp.isfinite(w).all())
    return Finite(gradients, weights)


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
    return all(owner in (Optimizer, Regularizer) or vars(owner).get("elementwise", False) for owner in owners)


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
    if not math.isfinite(norm):
        solver.watchdog.check_gradients(solver)
    if norm > limit:
        factor = limit / norm
        text = f"scaling down gradients (L2 norm {norm:g} > {limit:g}) by scale factor {factor:g}"
        solver.message("clip", f"Gradient clipping: {text}")
        for p in solver.net.learnable:
            solver.engine.scale_by(factor, p.blob.diff, p.blob.diff)
