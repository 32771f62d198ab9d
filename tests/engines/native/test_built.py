"""Compiled kernels of other sources are refused with a message, and never passed over."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from cortado.errors import PluginError

OLD = """
import sys, types
old = types.ModuleType("cortado.engines.native._kernels")
old.__file__ = "/somewhere/_kernels.so"
old.gemm = lambda *arguments: None
sys.modules[old.__name__] = old
from cortado import Net
from cortado.errors import PluginError
net = sys.argv[1]
for engine in ("auto", "native"):
    try:
        Net(net, engine=engine)
    except PluginError as error:
        print(error)
print(Net(net, engine="reference").engine.name)
"""


REPOSITORY = Path(__file__).parents[3]
"""An installed package has not the sources of the kernels."""


def test_the_mark_is_what_python_computes_from_the_sources(native) -> None:
    from cortado.engines.native import _kernels, built

    files = built.bound(REPOSITORY / "engines" / "native" / "cpp")
    assert len(files) >= 9
    assert built.digest(files) == _kernels.BINDINGS


def test_other_kernels_are_refused(native, tmp_path: Path) -> None:
    from cortado.engines.native.built import check_built

    (tmp_path / "module.cpp").write_text("int x;")
    kernels = ModuleType("_kernels")
    kernels.__file__ = "/somewhere/_kernels.so"
    text = "/somewhere/_kernels.so: the compiled kernels of the native engine must be those of the sources; got"
    hint = r"\(build them again: python -m pip install -e \.\)"
    with pytest.raises(PluginError, match=f"{text} a build without a mark {hint}"):
        check_built(kernels, tmp_path)
    kernels.BINDINGS = "0" * 64  # type: ignore[attr-defined]
    with pytest.raises(PluginError, match=f"{text} older ones than {tmp_path} {hint}"):
        check_built(kernels, tmp_path)


def test_without_sources_beside_them_kernels_are_taken(native, tmp_path: Path) -> None:
    from cortado.engines.native.built import check_built

    check_built(ModuleType("_kernels"), tmp_path)


def test_a_run_with_old_kernels_ends_with_the_message_and_the_reference_still_works(native, tmp_path: Path) -> None:
    net = tmp_path / "net.prototxt"
    net.write_text('layer { name: "d" type: "DummyData" top: "x" dummy_data_param { shape { dim: 2 } } }')
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "src")}
    command = [sys.executable, "-c", OLD, str(net)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    auto, named, reference = done.stdout.splitlines()
    assert auto == named
    assert "/somewhere/_kernels.so: the compiled kernels of the native engine must be those of the sources" in auto
    assert "build them again: python -m pip install -e ." in auto
    assert reference == "reference"
