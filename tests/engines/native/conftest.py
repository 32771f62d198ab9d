"""The native engine on each instruction set that the machine has."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from cortado.engines import Engine, get_engine
from cortado.errors import MissingExtraError

KERNELS = os.environ.get("CORTADO_KERNELS")
if KERNELS:  # another build of the compiled kernels, as benchmarks/sanitize.sh makes one
    spec = importlib.util.spec_from_file_location("cortado.engines.native._kernels", KERNELS)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

ISAS = ["avx512", "avx2", "baseline"]


@pytest.fixture(scope="session")
def native() -> Engine:
    try:
        return get_engine("native")
    except MissingExtraError as error:
        if os.environ.get("CORTADO_REQUIRE_NATIVE", "0") not in ("", "0", "false"):
            raise
        pytest.skip(f"no compiled kernels: {error}")


@pytest.fixture(params=ISAS)
def engine(native: Engine, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """The native engine, forced to one instruction set for the length of a test."""
    from cortado.engines.native import _kernels

    before = _kernels.isa()
    if not native.use_isa(request.param):
        pytest.skip(f"this machine does not run {request.param}")
    yield native
    native.use_isa(before)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)
