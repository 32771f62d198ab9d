"""The engine around the kernels: what it says of itself, threads, and what it leaves to the reference."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cortado.engines import ConvGeometry, PoolGeometry, get_engine
from cortado.errors import PluginError


def test_it_names_its_instruction_set_and_threads(native):
    assert native.name == "native"
    assert native.isa.startswith(("AVX-512", "AVX2", "baseline"))
    assert f"{native.threads} thread" in native.isa


def test_auto_is_native_where_it_can_be_imported(native):
    assert get_engine("auto") is native


def test_an_unknown_instruction_set_changes_nothing(native):
    before = native.isa
    assert not native.use_isa("avx1024")
    assert native.isa == before


@pytest.mark.parametrize(
    ("variable", "value", "words"), [("CORTADO_ISA", "baseline", "baseline"), ("CORTADO_THREADS", "3", "3 threads")]
)
def test_the_environment_forces(variable, value, words, native):
    script = "from cortado.engines import get_engine; print(get_engine('native').isa)"
    run = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, variable: value}, capture_output=True, text=True, check=True
    )
    assert words in run.stdout


def test_importing_the_package_does_not_load_the_kernels():
    script = "import sys, cortado; print([name for name in sys.modules if 'native' in name])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_arguments_may_be_named(native):
    x, y = np.array([-1.0, 2.0], np.float32), np.zeros(2, np.float32)
    native.relu_forward(x=x, y=y, negative_slope=0.5)
    np.testing.assert_array_equal(y, [-0.5, 2.0])


def test_arrays_that_are_not_contiguous_go_to_the_reference(native, rng):
    x = rng.normal(size=(4, 6)).astype(np.float32)[:, ::2]
    y = np.zeros((4, 6), np.float32)[:, ::2]
    native.tanh_forward(x, y)
    np.testing.assert_allclose(y, np.tanh(x), rtol=1e-6)


def test_wrong_sizes_never_reach_the_kernels(native):
    x, y = np.zeros((2, 3, 8, 8), np.float32), np.zeros((2, 3, 9, 9), np.float32)
    with pytest.raises(ValueError, match="shape"):
        native.relu_forward(x, y, 0.0)
    with pytest.raises((ValueError, IndexError)):
        native.ave_pool_forward(x, np.zeros((2, 4, 4, 4), np.float32), PoolGeometry((2, 2), (2, 2)))


def test_read_only_inputs_are_taken_and_read_only_outputs_are_not(native):
    x, y = np.ones(5, np.float32), np.zeros(5, np.float32)
    x.flags.writeable = False
    native.scale_by(2.0, x, y)
    np.testing.assert_array_equal(y, 2)
    with pytest.raises(ValueError, match="read-only"):
        native.scale_by(2.0, y, x)


def convolve(engine, seed):
    rng = np.random.default_rng(seed)
    x, w = (rng.normal(size=shape).astype(np.float32) for shape in ((2, 32, 20, 20), (48, 32, 3, 3)))
    y = np.zeros((2, 48, 20, 20), np.float32)
    engine.conv_forward(x, w, None, y, ConvGeometry((3, 3), pad=(1, 1)))
    return y


def test_several_callers_at_once(native):
    want = [convolve(native, seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as callers:
        for _ in range(5):
            for got, wanted in zip(callers.map(lambda seed: convolve(native, seed), range(8)), want, strict=True):
                np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-3)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_can_compute(native):
    want = convolve(native, 1)
    child = os.fork()
    if child == 0:
        same = np.allclose(convolve(native, 1), want, rtol=1e-3, atol=1e-3)
        os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("CORTADO_ISA", "avx51", "CORTADO_ISA must be one of avx512, avx2, baseline; got 'avx51' (did you mean"),
        ("CORTADO_THREADS", "two", "CORTADO_THREADS must be from 1 to 1024; got 'two'"),
        ("CORTADO_THREADS", "100000", "CORTADO_THREADS must be from 1 to 1024; got '100000'"),
    ],
)
def test_settings_that_mean_nothing_are_refused(variable, value, words, native, monkeypatch):
    monkeypatch.setenv(variable, value)
    with pytest.raises(PluginError) as caught:
        type(native)()
    assert str(caught.value).startswith(f"engine 'native': {words}")


def test_more_threads_than_a_machine_has_are_refused(native):
    before = native.threads
    with pytest.raises(PluginError, match="engine 'native': threads must be from 1 to 1024; got '100000'"):
        native.set_threads(100_000)
    assert native.threads == before
