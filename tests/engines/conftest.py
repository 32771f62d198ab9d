"""How a kernel is held against an independent formula, on every case of its row in the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cortado.engines import Engine, get_engine
from cortado.engines.table import KERNELS, Arguments, Maker, copy_arguments

Formula = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def engine() -> Engine:
    return get_engine("reference")


@pytest.fixture(scope="session")
def check(engine: Engine) -> Callable[[str, Formula, str], None]:
    """``check(name, formula, dtype)``: the formula gets every case in float64, and returns its outputs by name."""

    def run(name: str, formula: Formula, dtype: str) -> None:
        kernel = KERNELS[name]
        cases = list(kernel.cases(Maker(dtype), False))
        assert cases
        for case in cases:
            want = formula(**_in_float64(case.arguments))
            before = copy_arguments(case.arguments)
            returned = getattr(engine, name)(**case.arguments)
            _compare(f"{name}, {case.label}", kernel.tolerance, {**case.arguments, "return": returned}, want)
            _unchanged(f"{name}, {case.label}", before, case.arguments, kernel.outputs)

    return run


def _in_float64(arguments: Arguments) -> Arguments:
    def exact(value: object) -> object:
        if isinstance(value, list):
            return [exact(item) for item in value]
        return value.astype(np.float64) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value

    return {name: exact(value) for name, value in copy_arguments(arguments).items()}


def _compare(where: str, tolerance: float, got: Arguments, want: dict[str, Any]) -> None:
    for output, wanted in want.items():
        found = np.asarray(got[output])
        if found.dtype.kind == "i":
            np.testing.assert_array_equal(found, wanted, err_msg=f"{where}: {output}")
            continue
        expected = np.asarray(wanted)
        dtype = next((a.dtype for a in got.values() if isinstance(a, np.ndarray) and a.dtype.kind == "f"), found.dtype)
        close = 16 * tolerance * float(np.finfo(dtype).eps)
        scale = max(1.0, float(np.abs(expected[np.isfinite(expected)]).max(initial=0)))
        np.testing.assert_allclose(found, expected, rtol=close, atol=close * scale, err_msg=f"{where}: {output}")


def _unchanged(where: str, before: Arguments, after: Arguments, outputs: tuple[str, ...]) -> None:
    """No argument may change but the outputs, and those that are the same array as one."""
    changed = {id(after[name]) for name in outputs}
    for name, value in after.items():
        pairs = zip(before[name], value, strict=True) if isinstance(value, list) else [(before[name], value)]
        for old, new in pairs:
            if isinstance(new, np.ndarray) and id(new) not in changed:
                np.testing.assert_array_equal(old, new, err_msg=f"{where}: {name} was changed")
