from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest

from cortado import engines
from cortado.engines import ConvGeometry, Engine, ReferenceEngine, engine_names, get_engine, register_engine
from cortado.errors import MissingExtraError, PluginError, ShapeError


def test_reference_is_one_object():
    assert get_engine("reference") is get_engine("reference")
    assert type(get_engine("reference")) is ReferenceEngine


def test_auto_is_native_or_reference():
    assert get_engine("auto") is get_engine()
    assert get_engine().name in {"native", "reference"}


def test_auto_falls_back_when_the_native_kernels_are_missing(monkeypatch):
    monkeypatch.setitem(engines._BUILT_IN, "native", ".no_such_module")
    monkeypatch.delitem(engines._engines, "native", raising=False)
    assert get_engine() is get_engine("reference")
    with pytest.raises(MissingExtraError, match="'native' needs its compiled kernels") as caught:
        get_engine("native")
    assert "use the engine 'reference'" in str(caught.value)


def test_an_unknown_name_says_which_there_are():
    with pytest.raises(PluginError) as caught:
        get_engine("refrence")
    assert str(caught.value) == (
        "engine must be one of native, reference, auto; got 'refrence' (did you mean 'reference'?)"
    )


def test_a_registered_engine_is_made_once_and_only_when_asked_for(monkeypatch):
    monkeypatch.setattr(engines, "_factories", {})
    monkeypatch.setattr(engines, "_engines", {})
    made = []

    class Other(ReferenceEngine):
        name = "other"

        def __init__(self):
            super().__init__()
            made.append(self)

    register_engine("other", Other)
    assert made == []
    assert get_engine("other") is get_engine("other")
    assert len(made) == 1
    assert engine_names() == ["native", "other", "reference"]


def test_the_hook_names_the_reference_engine():
    from cortado.engines import reference

    assert reference.cortado_engines() == {"reference": ReferenceEngine}
    assert hasattr(reference.cortado_engines, "cortado_impl")


def test_arrays_come_in_float32_unless_asked():
    engine = get_engine("reference")
    assert engine.empty((2, 3)).dtype == np.float32
    zeros = engine.zeros([4], "float64")
    assert (zeros.dtype, zeros.tolist()) == (np.float64, [0, 0, 0, 0])
    assert engine.xp.abs(zeros).shape == (4,)


def test_engine_says_what_it_runs_on():
    engine = get_engine("reference")
    assert repr(engine) == f"<ReferenceEngine 'reference': NumPy {np.__version__}>"
    assert isinstance(engine, Engine)


def test_scratch_memory_grows_and_is_reused():
    engine = ReferenceEngine()
    first = engine.scratch("a", (4, 5), np.float64)
    assert engine.scratch("a", (3,), np.float32).base is first.base
    assert engine.scratch("a", (100,), np.float64).size == 100
    assert not np.shares_memory(engine.scratch("a", (8,), np.float32), engine.scratch("b", (8,), np.float32))


def test_an_output_that_is_no_plain_array_is_refused_and_not_lost():
    engine, x = ReferenceEngine(), np.ones((1, 2, 3, 3), np.float32)
    y = np.empty((1, 4, 3, 3), np.float32)[:, ::2]
    with pytest.raises(ShapeError, match="C-contiguous"):
        engine.conv_forward(x, np.ones((2, 2, 1, 1), np.float32), None, y, ConvGeometry((1, 1)))


def test_threads_do_not_share_scratch_memory():
    engine, geometry = ReferenceEngine(), ConvGeometry((3, 3), pad=(1, 1))
    x = np.random.default_rng(0).normal(size=(8, 4, 4, 16, 16))
    w = np.random.default_rng(1).normal(size=(4, 4, 3, 3))
    want = np.empty_like(x)
    for images, out in zip(x, want, strict=True):
        engine.conv_forward(images, w, None, out, geometry)
    got = np.empty_like(x)

    def work(number):
        for _ in range(20):
            engine.conv_forward(x[number], w, None, got[number], geometry)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(x))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(got, want)


def test_import_loads_no_numpy():
    code = "import sys, cortado.engines as e; before = 'numpy' in sys.modules; e.ConvGeometry((3, 3)); print(before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_an_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such"):
        engines.no_such  # noqa: B018
