"""Running: in place, in both phases, with a seed, in single precision, with other engines, in several threads."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np

from ...engines import engine_names, get_engine
from ...errors import MissingExtraError
from ...layers import Array, Blob, Layer, Phase
from ..cases import Subject, top_diffs
from ..layers import LayerRun
from .check import NotApplicable, compare, compare_all, require


def inputs_unchanged(subject: Subject) -> None:
    """Forward leaves the bottoms and the learned blobs alone; backward all data, and the diffs of the tops."""
    run = subject.make()
    learned = (
        []
        if run.layer.stateful
        else [(f"learned blob {i}", b) for i, b in enumerate(run.layer.blobs) if i not in run.layer.frozen]
    )
    inputs = [(f"bottom {i}", blob) for i, blob in enumerate(run.bottom)]
    run.forward()
    for (name, blob), value in zip(inputs, subject.inputs, strict=True):
        compare(f"forward() changed {name}", blob.data, value, 0)
    before = {name: blob.data.copy() for name, blob in learned}
    run.forward()
    for name, blob in learned:
        compare(f"forward() changed {name}", blob.data, before[name], 0)
    if not subject.has_backward:
        return
    watched = [*inputs, *learned, *((f"top {i}", blob) for i, blob in enumerate(run.top))]
    before = {name: blob.data.copy() for name, blob in watched}
    diffs = top_diffs(run)
    run.backward(*diffs, propagate_down=subject.differentiable())
    for name, blob in watched:
        compare(f"backward() changed the data of {name}", blob.data, before[name], 0)
    for index, (blob, diff) in enumerate(zip(run.top, diffs, strict=True)):
        compare(f"backward() changed the diff of top {index}", blob.diff, diff, 0)


def in_place(subject: Subject) -> None:
    """Where the class allows it, writing a top over its bottom changes no result."""
    if not subject.layer_class.in_place:
        raise NotApplicable("the class does not run in place")
    names, tops = list(subject.config.bottom), list(subject.config.top)
    count = len(tops) if subject.layer_class.paired else 1
    apart, together = subject.block(top=[f"apart {t}" for t in tops]), subject.block(top=names[:count] + tops[count:])
    expected = subject.results(subject.make(text=apart))
    got = subject.results(subject.make(text=together))
    compare_all("in place, result {} differs (tops, then gradients)", got, expected)


def needs_top(subject: Subject) -> None:
    """Backward reads of the tops' data no more than ``needs_top`` says, since a layer behind may write over it; what
    ``keeps_sign`` says holds."""
    cls, names = subject.layer_class, list(subject.config.bottom)
    tops = list(subject.config.top)
    if not tops or not subject.has_backward:
        raise NotApplicable("no backward that could read a top")
    texts = {"out of": subject.block(top=[f"apart {t}" for t in tops])}
    if cls.in_place:
        count = len(tops) if cls.paired else 1
        texts["in"] = subject.block(top=names[:count] + tops[count:])
    for where, text in texts.items():
        run = subject.make(text=text)
        need = cls.top_needed(run.layer.config, where == "in")
        expected = subject.results(run)[len(tops) :]
        _require_sign_kept(cls, run, subject)
        got = subject.results(run, spoil=partial(_spoil, need))[len(tops) :]
        rule = (
            f"{where} place, backward reads the tops' data, and needs_top is '{need}': gradient {{}} changes with them"
        )
        compare_all(rule, got, expected)


def _spoil(need: str, blob: Blob) -> None:
    """Other values in a top, of which *need* is the same."""
    y = blob.data
    if need == "nothing":
        y[...] = np.nan
    elif need == "sign":
        drawn = np.random.default_rng(3).uniform(0.5, 2, y.shape)
        y[...] = np.where(y > 0, drawn, np.where(y < 0, -drawn, 0))


def _require_sign_kept(cls: type[Layer], run: LayerRun, subject: Subject) -> None:
    if cls.keeps_sign:
        x, y = subject.inputs[0], run.top[0].data
        kept = bool(((y >= 0) | (x <= 0)).all() and ((y <= 0) | (x > 0)).all())
        require(kept, "keeps_sign is declared, and a top has another sign than its bottom")


def phases(subject: Subject) -> None:
    """The layer works in TRAIN and TEST; a forward in TEST changes no statistics."""
    for phase in Phase:
        run = subject.make(phase=phase)
        results = subject.results(run)
        for index, array in enumerate(results):
            require(not np.isnan(array).any(), f"in {phase.name}, result {index} (tops, then gradients) has NaN")
    statistics = [run.layer.blobs[index].data.copy() for index in sorted(run.layer.frozen)]
    run.forward()
    after = [run.layer.blobs[index].data for index in sorted(run.layer.frozen)]
    compare_all("a forward in TEST changed statistics {}", after, statistics, 0)


def channel_affine(subject: Subject) -> None:
    """Where the layer says that it is a factor and a shift per channel, it is."""
    said = False
    for phase in Phase:
        run = subject.make(phase=phase)
        if len(run.bottom) != 1 or len(run.top) != 1 or run.bottom[0].num_axes < 2:
            continue
        affine = run.layer.channel_affine(run.bottom[0])
        if affine is None:
            continue
        said = True
        x, channels = subject.inputs[0], run.bottom[0].shape[1]
        rule = f"channel_affine() must give a factor and a shift for each of {channels} channels"
        require([np.shape(numbers) for numbers in affine] == [(channels,)] * 2, rule)
        factor, shift = (np.reshape(numbers, (-1, *(1,) * (x.ndim - 2))) for numbers in affine)
        compare(f"in {phase.name}, channel_affine() says another result", run.forward()[0], x * factor + shift, 1e-8)
    if not said:
        raise NotApplicable("the layer is no factor and shift per channel")


def seed(subject: Subject) -> None:
    """Equal seeds give equal results; draws come from ``self.rng`` alone; without draws or state, a forward can be
    repeated."""
    cls = subject.layer_class
    with _Watch():
        one, two = subject.make(seed=5), subject.make(seed=5)
        first, second = [one.forward() for _ in range(2)], [two.forward() for _ in range(2)]
        if subject.has_backward:
            one.backward(*top_diffs(one), propagate_down=subject.differentiable())
    for a, b in zip(first, second, strict=True):
        compare_all("two layers with the same seed differ in top {}", a, b, 0)
    if not cls.stochastic and not cls.stateful:
        rule = "two forwards differ in top {}, and the class declares neither 'stochastic' nor 'stateful'"
        compare_all(rule, first[1], first[0], 0)


class _Watch:
    """Requires that the global generators of NumPy and Python are not drawn from in the block."""

    def __enter__(self) -> None:
        self.before = self._states()

    def __exit__(self, kind: object, *rest: object) -> None:
        rule = "the layer draws from a global random generator; self.rng is the layer's own"
        require(kind is not None or self.before == self._states(), rule)

    @staticmethod
    def _states() -> tuple[Any, ...]:
        state: Any = np.random.get_state()
        return random.getstate(), state[1].tobytes(), state[2:]


def float32(subject: Subject) -> None:
    """Single precision gives float32 tops, and nearly the results of double precision."""
    exact, single = subject.make(), subject.make(dtype=np.float32)
    expected, got = subject.results(exact), subject.results(single)
    for index, blob in enumerate((*single.top, *single.layer.blobs)):
        kinds = {blob.data.dtype, blob.diff.dtype}
        require(kinds == {np.dtype(np.float32)}, f"a float32 layer has other arrays in blob {index}: {kinds}")
    if not subject.layer_class.stochastic:
        compare_all(
            "in float32, result {} (tops, then gradients) is too far off", got, expected, subject.case.tolerance
        )


def engines(subject: Subject) -> None:
    """Every engine that is installed gives nearly the results of the reference engine."""
    expected = subject.results(subject.make(dtype=np.float32))
    others = [name for name in engine_names() if name != "reference" and _there(name)]
    for name in others:
        got = subject.results(subject.make(dtype=np.float32, engine=name))
        compare_all(f"with the engine {name}, result {{}} differs", got, expected, subject.case.tolerance)
    if not others:
        raise NotApplicable("no other engine is installed")


def _there(name: str) -> bool:
    try:
        get_engine(name)
    except MissingExtraError:
        return False
    return True


def threads(subject: Subject) -> None:
    """Layers of one class work side by side in threads, and a layer in another thread than made it."""
    expected = subject.results(subject.make())
    runs = [subject.make() for _ in range(4)]
    with ThreadPoolExecutor(len(runs)) as pool:
        jobs = [pool.submit(_repeat, run, subject) for run in runs]
        for job in jobs:
            compare_all("in a thread beside others, result {} differs", job.result(), expected, 1e-9)


def _repeat(run: LayerRun, subject: Subject) -> list[Array]:
    if run.layer.stateful:
        return subject.results(run)
    for _ in range(3):
        result = subject.results(run)
    return result
