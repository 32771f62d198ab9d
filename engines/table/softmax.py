"""Rows of softmax and of the loss functions."""

from __future__ import annotations

from collections.abc import Iterator

from ..engine import Array
from .kernel import Arguments, Case, Kernel, Maker, Sizes, row

SIZES: Sizes = {
    "one": {"o": 1, "c": 2, "i": 1},
    "odd": {"o": 3, "c": 5, "i": 7},
    "flat": {"o": 9, "c": 10, "i": 1},
    "many": {"o": 2, "c": 131, "i": 1},
    "spatial": {"o": 1, "c": 3, "i": 67},
    "empty": {"o": 0, "c": 3, "i": 4},
}
BENCH: Sizes = {"64x1000": {"o": 64, "c": 1000, "i": 1}, "1x21x500x500": {"o": 1, "c": 21, "i": 250000}}


def _probabilities(make: Maker, size: tuple[int, int, int]) -> Array:
    prob = make.positive(*size)
    prob /= prob.sum(axis=1, keepdims=True)
    return prob


def _softmax_loss(backward: bool) -> Kernel:
    def cases(make: Maker, realistic: bool) -> Iterator[Case]:
        for label, size in (BENCH if realistic else SIZES).items():
            outer, classes, inner = size["o"], size["c"], size["i"]
            for ignore in (None,) if realistic else (None, 1, -1, 255):
                prob, target = _probabilities(make, (outer, classes, inner)), make.whole(classes, outer, inner)
                if ignore is not None:
                    target.reshape(-1)[::2] = ignore
                arguments: Arguments = {"prob": prob, "label": target, "ignore_label": ignore}
                yield from _with_output(make, f"{label} ignore_label={ignore}", arguments, "prob", backward)

    return Kernel("softmax_loss_backward" if backward else "softmax_loss_forward", _dx(backward), (), cases)


def _sigmoid_cross_entropy(backward: bool) -> Kernel:
    def cases(make: Maker, realistic: bool) -> Iterator[Case]:
        for label, size in (BENCH if realistic else SIZES).items():
            shape = tuple(size.values())
            for ignore in (None,) if realistic else (None, 1, -1):
                target = make.uniform(*shape)
                if ignore is not None:
                    # 1.5 and -1.5 are ignored too: the fraction is dropped before the comparison
                    target.reshape(-1)[::3], target.reshape(-1)[1::3] = ignore, 1.5 * ignore
                arguments: Arguments = {"x": make.normal(*shape), "target": target, "ignore_label": ignore}
                yield from _with_output(make, f"{label} ignore_label={ignore}", arguments, "x", backward)

    name = "sigmoid_cross_entropy_backward" if backward else "sigmoid_cross_entropy_forward"
    return Kernel(name, _dx(backward), (), cases, tolerance=1 if backward else 10)


def _with_output(make: Maker, label: str, arguments: Arguments, source: str, backward: bool) -> Iterator[Case]:
    """The forward case as it is; the backward one with an output, and again in place of *source*."""
    if not backward:
        yield Case(label, arguments)
        return
    arguments |= {"weight": make.positive(), "divisor": make.positive(1)}
    yield Case(label, arguments | {"dx": make.junk(*arguments[source].shape)})
    yield Case(f"{label} dx is {source}", arguments | {"dx": arguments[source]})


def _dx(backward: bool) -> tuple[str, ...]:
    return ("dx",) if backward else ()


ROWS = (
    row("softmax_forward", "x:oci", "y:oci", in_place="y=x", sizes=SIZES, bench=BENCH, tolerance=4),
    row("softmax_backward", "y:oci dy:oci", "dx:oci", in_place="dx=dy", sizes=SIZES, bench=BENCH, tolerance=4),
    _softmax_loss(backward=False),
    _softmax_loss(backward=True),
    _sigmoid_cross_entropy(backward=False),
    _sigmoid_cross_entropy(backward=True),
)
