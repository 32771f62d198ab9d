"""The contract of backward."""

from __future__ import annotations

import numpy as np

from ...layers import Array, Blob
from ..cases import Subject, top_diffs
from ..gradients import GradientError, check_gradient
from ..layers import LayerRun
from .check import ConformanceError, NotApplicable, compare, require

MARK = 12345.0


def propagate_down(subject: Subject) -> None:
    """A bottom or learned blob that wants no gradient keeps its diff; the others get the same as ever."""
    run, wanted = _ready(subject)
    full = _backward(run, wanted)
    for skipped in range(len(wanted)):
        some = [w and index != skipped for index, w in enumerate(wanted)]
        got = _backward(run, some)
        for index, blob in enumerate(run.bottom):
            if some[index]:
                compare(f"bottom {index} without a gradient for bottom {skipped}", got[index], full[index])
            elif not _shared(blob, run.top):
                untouched = bool((got[index] == MARK).all())
                require(untouched, f"propagate_down[{index}] is false, and the diff of bottom {index} was written")
    _params_alone(run, wanted)


def _params_alone(run: LayerRun, wanted: list[bool]) -> None:
    count = len(run.layer.blobs)
    for index in range(count):
        run.layer.param_propagate_down = [i != index and i not in run.layer.frozen for i in range(count)]
        run.layer.blobs[index].diff[...] = MARK
        _backward(run, wanted)
        same = bool((run.layer.blobs[index].diff == MARK).all())
        require(same, f"param_propagate_down[{index}] is false, and the diff of learned blob {index} was written")


def bottom_gradients(subject: Subject) -> None:
    """Backward overwrites the diffs of bottoms, whatever they held."""
    run, wanted = _ready(subject)
    if not any(wanted):
        raise NotApplicable("no bottom gets a gradient")
    clean = _backward(run, wanted, before=0.0)
    dirty = _backward(run, wanted, before=np.nan)
    for index, blob in enumerate(run.bottom):
        if wanted[index] and not _shared(blob, run.top):
            require(not np.isnan(dirty[index]).any(), f"backward() must overwrite all of the diff of bottom {index}")
            compare(f"the diff of bottom {index} depends on what it held before", dirty[index], clean[index])


def parameter_gradients(subject: Subject) -> None:
    """Backward adds to the diffs of learned blobs: two passes give twice one."""
    run, wanted = _ready(subject)
    blobs = [(i, blob) for i, blob in enumerate(run.layer.blobs) if i not in run.layer.frozen]
    if not blobs:
        raise NotApplicable("no learned blobs")
    for _, blob in blobs:
        blob.diff[...] = 0
    _backward(run, wanted)
    once = [blob.diff.copy() for _, blob in blobs]
    _backward(run, wanted)
    for (index, blob), one in zip(blobs, once, strict=True):
        rule = f"backward() must add to the diff of learned blob {index}, not overwrite it: after two passes"
        compare(rule, blob.diff, 2 * one, 1e-9)


def gradients(subject: Subject) -> None:
    """Backward agrees with central differences of forward, in double precision; kinks are left out."""
    if not subject.has_backward:
        raise NotApplicable("nothing gets a gradient")
    case = subject.case
    options = {"skip_kinks": True, "phase": case.phase, "plugins": subject.plugins, **case.options, **case.gradient}
    wanted = [index for index, w in enumerate(subject.differentiable()) if w]
    options.setdefault("check_bottoms", wanted)
    try:
        check_gradient(case.text, subject.inputs, **options)
    except GradientError as error:
        raise ConformanceError(str(error)) from error


def _ready(subject: Subject) -> tuple[LayerRun, list[bool]]:
    if not subject.has_backward:
        raise NotApplicable("nothing gets a gradient")
    run = subject.make()
    run.forward(same_draws=True)
    return run, subject.differentiable()


def _backward(run: LayerRun, wanted: list[bool], before: float = MARK) -> list[Array]:
    for blob in run.bottom:
        blob.diff[...] = before
    return run.backward(*top_diffs(run), propagate_down=wanted)


def _shared(blob: Blob, tops: list[Blob]) -> bool:
    """Whether the blob's diff is the memory of a top's, as in layers that only change the shape."""
    return any(np.shares_memory(blob.diff, top.diff) for top in tops)
