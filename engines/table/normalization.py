"""Rows of normalization, scale and bias."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from .kernel import ELEMENTS, Arguments, Case, Kernel, Maker, Sizes, row

IMAGES = {
    "odd": (2, 7, 3, 5),
    "few channels": (3, 2, 4, 4),
    "one": (1, 1, 1, 1),
    "flat": (3, 9, 1, 1),
    "1-D": (2, 5, 6),
    "3-D": (1, 3, 4, 3, 5),
    "wide": (1, 33, 2, 19),
    "empty batch": (0, 4, 3, 3),
}
BENCH = {"AlexNet norm1": (8, 96, 55, 55), "GoogLeNet norm2": (8, 192, 56, 56)}
EPS = ({"eps": 1e-5}, {"eps": 0.1})
MVN = tuple({"eps": eps, "normalize_variance": on} for eps, on in ((1e-9, True), (0.1, True), (1e-9, False)))
ROW_SIZES: Sizes = {
    "one": {"o": 1, "i": 2},
    "single elements": {"o": 4, "i": 1},
    "odd": {"o": 3, "i": 7},
    "wide": {"o": 5, "i": 203},
    "empty": {"o": 0, "i": 3},
}
ROW_BENCH: Sizes = {"96x3025": {"o": 96, "i": 3025}}


def _lrn(name: str, backward: bool, across: bool) -> Kernel:
    def cases(make: Maker, realistic: bool) -> Iterator[Case]:
        sizes = (5,) if realistic else (1, 3, 5)
        for (label, shape), size in product((BENCH if realistic else IMAGES).items(), sizes):
            for alpha, beta in ((1e-4, 0.75),) if realistic else ((1.0, 0.75), (0.3, 0.5)):
                arguments = _lrn_arrays(make, shape, backward) | {"size": size, "alpha": alpha, "beta": beta}
                yield Case(f"{label} size={size} beta={beta}", arguments | ({"k": 2.0 * beta} if across else {}))

    return Kernel(name, ("dx",) if backward else ("y", "scale"), (), cases, tolerance=4)


def _lrn_arrays(make: Maker, shape: tuple[int, ...], backward: bool) -> Arguments:
    if not backward:
        return {"x": make.normal(*shape), "y": make.junk(*shape), "scale": make.junk(*shape)}
    arrays = {"x": make.normal(*shape), "y": make.normal(*shape), "scale": make.positive(*shape) + 1}
    return {**arrays, "dy": make.normal(*shape), "dx": make.junk(*shape)}


def _batch_norm_forward(make: Maker, realistic: bool) -> Iterator[Case]:
    full = row("", "x:oci mean:c var:c", "y:oci xhat:oci", in_place="y=x", parameters=EPS, fills={"var": "positive"})
    for label, arguments in full.cases(make, realistic):
        yield Case(label, arguments)
        if not realistic:
            yield Case(f"{label} without xhat", arguments | {"x": make.normal(*arguments["x"].shape), "xhat": None})


def _chain(name: str, reads: str, writes: str, updates: str, *, bias: str, in_place: str) -> Kernel:
    full = row(
        name,
        reads,
        writes,
        updates,
        in_place=in_place,
        parameters=CHAIN,
        fills=POSITIVE_VAR,
        sizes=CHANNELS,
        tolerance=20,
    )

    def cases(make: Maker, realistic: bool) -> Iterator[Case]:
        yield from full.cases(make, realistic)
        if not realistic:
            yield from (Case(f"{c.label} unbiased", c.arguments | {bias: None}) for c in full.cases(make, realistic))

    return replace(full, cases=cases)


CHAIN: tuple[Arguments, ...] = tuple({"eps": e, "slope": s} for e, s in ((1e-5, 0.0), (0.1, None), (1e-5, 0.2)))
CHANNELS: Sizes = {**ELEMENTS, "many images": {"o": 9, "c": 3, "i": 1100}}
POSITIVE_VAR = {"var": "positive"}
ROWS = (
    _lrn("lrn_across_forward", False, True),
    _lrn("lrn_across_backward", True, True),
    _lrn("lrn_within_forward", False, False),
    _lrn("lrn_within_backward", True, False),
    row("batch_norm_statistics", "x:oci", "mean:c var:c", tolerance=10),
    Kernel("batch_norm_forward", ("y", "xhat"), (), _batch_norm_forward),
    row(
        "batch_norm_backward",
        "xhat:oci var:c dy:oci",
        "dx:oci",
        in_place="dx=dy",
        parameters=EPS,
        fills=POSITIVE_VAR,
        tolerance=10,
    ),
    _chain(
        "batch_norm_scale_forward",
        "x:oci scale:c bias:c",
        "mean:c var:c y:oci xhat:oci",
        "",
        bias="bias",
        in_place="y=x",
    ),
    _chain(
        "batch_norm_scale_backward",
        "xhat:oci y:oci var:c scale:c dy:oci",
        "dx:oci",
        "dscale:c dbias:c",
        bias="dbias",
        in_place="dx=dy",
    ),
    row("batch_norm_backward_global", "var:c dy:oci", "dx:oci", in_place="dx=dy", parameters=EPS, fills=POSITIVE_VAR),
    row(
        "mvn_forward",
        "x:oi",
        "y:oi mean:o std:o",
        in_place="y=x",
        parameters=MVN,
        sizes=ROW_SIZES,
        bench=ROW_BENCH,
        tolerance=10,
    ),
    row(
        "mvn_backward",
        "y:oi std:o dy:oi",
        "dx:oi",
        in_place="dx=dy",
        parameters=MVN,
        fills={"std": "positive"},
        sizes=ROW_SIZES,
        bench=ROW_BENCH,
        tolerance=10,
    ),
    row("scale_forward", "x:oci s:c b:c", "y:oci", in_place="y=x"),
    row("scale_backward_data", "dy:oci s:c", "dx:oci", in_place="dx=dy"),
    row("scale_backward_scale", "x:oci dy:oci", updates="ds:c", tolerance=10),
    row("bias_forward", "x:oci b:c", "y:oci", in_place="y=x"),
    row("bias_backward", "dy:oci", updates="db:c", tolerance=10),
)
