"""Helpers of the reference tests, as fixtures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cortado import MissingExtraError, engines
from cortado.engines import get_engine

HERE = Path(__file__).parent


def close(what: str, got: np.ndarray, want: np.ndarray, rtol: float = 1e-4, atol: float = 1e-5) -> None:
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    assert got.shape == want.shape, f"{what}: shape {got.shape}, want {want.shape}"
    if want.size:
        limit = rtol * np.abs(want) + atol * max(1.0, float(np.abs(want).max()))
        off = np.abs(got - want) - limit
        worst = np.unravel_index(int(np.nanargmax(off)), off.shape) if off.ndim else ()
        assert bool((off <= 0).all()), f"{what}{list(map(int, worst))}: {got[worst]:.7g}, want {want[worst]:.7g}"


def put(blob: object, value: np.ndarray) -> None:
    blob.data[...] = np.asarray(value).reshape(blob.data.shape)


def split_key(key: str) -> tuple[str, int]:
    """``conv1.0`` as ("conv1", 0)."""
    layer, _, index = key.rpartition(".")
    return layer, int(index)


def feed(net: object, data: dict[str, np.ndarray]) -> None:
    """Put the in.* and param.* entries of a case into a net."""
    for key, value in data.items():
        kind, _, rest = key.partition(".")
        if kind == "in":
            put(net.blobs[rest], value)
        elif kind == "param":
            layer, index = split_key(rest)
            put(net.params[layer][index], value)


def check_gradients(net: object, data: dict[str, np.ndarray], no_diff: list[str], **tol: float) -> None:
    """Run backward from the case's topdiff.* and compare botdiff.* and paramdiff.*."""
    net.clear_param_diffs()
    for key, value in data.items():
        kind, _, blob = key.partition(".")
        if kind == "topdiff" and blob in net.outputs:
            net.blobs[blob].diff[...] = value.reshape(net.blobs[blob].diff.shape)
    net.backward()
    for key, value in data.items():
        kind, _, rest = key.partition(".")
        if kind == "botdiff" and rest not in no_diff:
            close(key, net.blobs[rest].diff, value, **tol)
        elif kind == "paramdiff":
            layer, index = split_key(rest)
            close(key, net.params[layer][index].diff, value, **tol)


def set_params(net: object, data: dict[str, np.ndarray], prefix: str) -> None:
    for key in [k for k in data if k.startswith(prefix)]:
        layer, index = split_key(key[len(prefix) :])
        put(net.params[layer][index], data[key])


def check_params(net: object, data: dict[str, np.ndarray], prefix: str, **tol: float) -> None:
    for key in [k for k in data if k.startswith(prefix)]:
        layer, index = split_key(key[len(prefix) :])
        close(key, net.params[layer][index].data, data[key], **tol)


@contextmanager
def load(path: Path) -> Iterator[dict[str, np.ndarray]]:
    with np.load(path) as file:
        yield {key: file[key] for key in file.files}


@pytest.fixture
def reference() -> SimpleNamespace:
    """The helpers above."""
    helpers: list[Callable[..., object]] = [
        close,
        put,
        feed,
        check_gradients,
        set_params,
        check_params,
        load,
        split_key,
    ]
    return SimpleNamespace(**{helper.__name__: helper for helper in helpers})


@pytest.fixture(params=["native", "reference"], autouse=True)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every case runs on either engine."""
    try:
        chosen = get_engine(request.param)
    except MissingExtraError:
        pytest.skip("the compiled kernels are not installed")
    monkeypatch.setattr(engines, "_auto", lambda: chosen)
    return request.param


@pytest.fixture
def inside(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in the folder of reference data that the test module's FOLDER names."""
    folder = HERE / request.module.FOLDER
    monkeypatch.chdir(folder)
    return folder
