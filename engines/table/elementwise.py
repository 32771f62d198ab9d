"""Rows of the arithmetic on whole arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..engine import Array
from .kernel import BENCH_ELEMENTS, ELEMENTS, Arguments, Case, Kernel, Maker, row

ALPHAS = ({"alpha": 0.7}, {"alpha": 1.0}, {"alpha": 0.0})
SCALES = ({"scale": 2.0}, {"scale": 1.0})


def _eltwise(name: str, finish: Callable[[Maker, Arguments], None]) -> Kernel:
    """A row of a kernel over one to four inputs, also with the output in the place of the first."""

    def cases(make: Maker, realistic: bool) -> Iterator[Case]:
        for label, size in (BENCH_ELEMENTS if realistic else ELEMENTS).items():
            shape = tuple(size.values())
            for count in (2,) if realistic else (1, 2, 3, 4):
                for in_place in (False,) if realistic else (False, True):
                    inputs = [make.normal(*shape) for _ in range(count)]
                    arguments: Arguments = {"inputs": inputs, "y": inputs[0] if in_place else make.junk(*shape)}
                    finish(make, arguments)
                    yield Case(f"{label} of {count}{' in place' * in_place}", arguments)

    return Kernel(name, ("y", "mask") if name == "eltwise_max" else ("y",), (), cases)


def _coefficients(make: Maker, arguments: Arguments) -> None:
    arguments["coeffs"] = [2.0, -1.0, 0.5, 1.0][: len(arguments["inputs"])]


def _ties(make: Maker, arguments: Arguments) -> None:
    """Make every third element of all inputs equal, to show who wins."""
    first: Array = arguments["inputs"][0]
    for other in arguments["inputs"][1:]:
        other.reshape(-1)[::3] = first.reshape(-1)[::3]
    arguments["mask"] = make.junk_mask(*first.shape)


def _max_backward(make: Maker, realistic: bool) -> Iterator[Case]:
    for label, size in (BENCH_ELEMENTS if realistic else ELEMENTS).items():
        shape = tuple(size.values())
        dy, mask = make.normal(*shape), make.random.integers(0, 3, shape, dtype=np.int32)
        yield Case(label, {"dy": dy, "mask": mask, "index": 1, "dx": make.junk(*shape)})
        if not realistic:
            yield Case(f"{label} dx is dy", {"dy": dy, "mask": mask, "index": 2, "dx": dy})


def _copy(make: Maker, realistic: bool) -> Iterator[Case]:
    for label, size in (BENCH_ELEMENTS if realistic else ELEMENTS).items():
        outer, channels, inner = size.values()
        x, wide = make.normal(outer, channels, inner), make.normal(outer, channels + 3, inner)
        yield Case(label, {"src": x, "dst": make.junk(*x.shape)})
        yield Case(f"{label} out of a slice", {"src": wide[:, 2 : 2 + channels], "dst": make.junk(*x.shape)})
        yield Case(f"{label} into a slice", {"src": x, "dst": make.junk(*wide.shape)[:, 1 : 1 + channels]})


ROWS = (
    row("axpy", "x:oci", updates="y:oci", in_place="x=y", parameters=ALPHAS),
    row("scale_by", "x:oci", "y:oci", in_place="y=x", parameters=ALPHAS),
    row("multiply", "a:oci b:oci", "y:oci", in_place="y=a y=b"),
    _eltwise("eltwise_sum", _coefficients),
    _eltwise("eltwise_product", lambda make, arguments: None),
    _eltwise("eltwise_max", _ties),
    Kernel("eltwise_max_backward", ("dx",), (), _max_backward),
    Kernel("copy", ("dst",), (), _copy),
    row("dot", "a:oci b:oci", in_place="a=b", tolerance=10),
    row("asum", "a:oci", tolerance=10),
    row("sumsq", "a:oci", tolerance=10),
    row("dropout_forward", "x:oci mask:oci", "y:oci", in_place="y=x", fills={"mask": "bits"}, parameters=SCALES),
    row("dropout_backward", "dy:oci mask:oci", "dx:oci", in_place="dx=dy", fills={"mask": "bits"}, parameters=SCALES),
)
