"""The native engine on each instruction set that the machine has."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest

from cortado.engines import Engine, get_engine
from cortado.errors import MissingExtraError

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
