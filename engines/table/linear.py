"""Rows of the matrix products."""

from __future__ import annotations

from collections.abc import Iterator

from .kernel import Arguments, Case, Kernel, Maker, Sizes

SIZES: Sizes = {
    "one": {"m": 1, "n": 1, "k": 1},
    "odd": {"m": 5, "n": 7, "k": 3},
    "row": {"m": 1, "n": 17, "k": 33},
    "column": {"m": 9, "n": 1, "k": 20},
    "outer": {"m": 9, "n": 13, "k": 1},
    "wide": {"m": 34, "n": 131, "k": 77},
    "empty": {"m": 0, "n": 4, "k": 3},
}
BENCH: Sizes = {"256x1024x1024": {"m": 256, "n": 1024, "k": 1024}, "64x4096x9216": {"m": 64, "n": 4096, "k": 9216}}


def _gemm(make: Maker, realistic: bool) -> Iterator[Case]:
    for label, size in (BENCH if realistic else SIZES).items():
        m, n, k = size.values()
        for flags in ((False, False),) if realistic else ((False, False), (False, True), (True, False), (True, True)):
            for alpha, beta in ((1.0, 0.0),) if realistic else ((1.0, 0.0), (0.5, 1.0), (1.0, -2.0)):
                a = make.normal(*((k, m) if flags[0] else (m, k)))
                b = make.normal(*((n, k) if flags[1] else (k, n)))
                arguments: Arguments = {"a": a, "b": b, "c": make.junk(m, n) if beta == 0 else make.normal(m, n)}
                arguments |= {"transpose_a": flags[0], "transpose_b": flags[1], "alpha": alpha, "beta": beta}
                yield Case(f"{label} transposed={flags} alpha={alpha} beta={beta}", arguments)


def _inner_product(name: str) -> Kernel:
    def cases(make: Maker, realistic: bool) -> Iterator[Case]:
        for label, size in (BENCH if realistic else SIZES).items():
            for transposed in (False,) if realistic else (False, True):
                for bias in (True,) if realistic else (True, False):
                    text = f"{label} transposed={transposed} bias={bias}"
                    yield Case(text, _pick(name, make, size["m"], size["n"], size["k"], transposed, bias))

    writes = {"inner_product_forward": ("y",), "inner_product_backward_data": ("dx",)}.get(name, ())
    updates = () if writes else ("dw", "db")
    return Kernel(name, writes, updates, cases, _inner_product_operations, tolerance=20)


def _pick(name: str, make: Maker, m: int, n: int, k: int, transposed: bool, bias: bool) -> Arguments:
    """The arguments of one of the three inner product kernels."""
    weights = make.normal(*((k, n) if transposed else (n, k)))
    arguments: Arguments = {"transposed": transposed}
    if name == "inner_product_forward":
        return arguments | {"x": make.normal(m, k), "w": weights, "bias": _if(bias, make, n), "y": make.junk(m, n)}
    if name == "inner_product_backward_data":
        return arguments | {"dy": make.normal(m, n), "w": weights, "dx": make.junk(m, k)}
    return arguments | {"x": make.normal(m, k), "dy": make.normal(m, n), "dw": weights, "db": _if(bias, make, n)}


def _if(wanted: bool, make: Maker, size: int) -> object:
    return make.normal(size) if wanted else None


def _gemm_operations(arguments: Arguments) -> int:
    inner = arguments["a"].shape[0 if arguments["transpose_a"] else 1]
    return int(2 * arguments["c"].size * inner)


def _inner_product_operations(arguments: Arguments) -> int:
    batch = len(arguments["x"] if "x" in arguments else arguments["dy"])
    return int(2 * batch * (arguments["w"] if "w" in arguments else arguments["dw"]).size)


ROWS = (
    Kernel("gemm", (), ("c",), _gemm, _gemm_operations, tolerance=20),
    _inner_product("inner_product_forward"),
    _inner_product("inner_product_backward_data"),
    _inner_product("inner_product_backward_weights"),
)
