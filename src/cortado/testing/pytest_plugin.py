"""The pytest plugin: conformance checks as tests with one id each, and fixtures for tests of plugins.

Installed with Cortado under the name ``cortado`` (``-p no:cortado`` switches it off). It imports nothing of Cortado
before a test asks for it.

    @pytest.mark.layer_cases(LayerCase('type: "Cube"', [(2, 3)]))
    def test_conformance(layer_check):
        layer_check()
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..netdef import Net
    from ..plugins import PluginManager
    from .layers import LayerRun

MARKER = "layer_cases(*cases): the LayerCases that the fixture layer_check runs every conformance check on"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per case and check, called ``Type-check``; expected failures are marked with their reasons."""
    if "layer_check" not in metafunc.fixturenames:
        return
    from .cases import LayerCase

    cases = [case for mark in metafunc.definition.iter_markers("layer_cases") for case in mark.args]
    if not cases or not all(isinstance(case, LayerCase) for case in cases):
        raise pytest.UsageError("the fixture layer_check needs @pytest.mark.layer_cases(LayerCase(…), …)")
    metafunc.parametrize("layer_check", [param for case in cases for param in _params(case)])


def _params(case: Any) -> Iterator[Any]:
    from .checks import CHECKS, ConformanceError

    unknown = sorted(set(case.expected_failures) - set(CHECKS))
    if unknown:
        raise pytest.UsageError(f"case {case.label}: there is no check called {', '.join(unknown)}")
    for name in CHECKS:
        reason = case.expected_failures.get(name)
        marks = [pytest.mark.xfail(reason=reason, raises=ConformanceError, strict=True)] if reason else []
        yield pytest.param(_Runner(name, case), id=f"{case.label}-{name}", marks=marks)


class _Runner:
    """One check of one case; calling it runs it. Where it does not apply there is nothing that could fail."""

    def __init__(self, name: str, case: Any) -> None:
        self.name, self.case = name, case

    def __call__(self) -> None:
        from .checks import NotApplicable
        from .conformance import run_check

        __tracebackhide__ = True
        try:
            run_check(self.name, self.case)
        except NotApplicable:
            return


@pytest.fixture
def cortado_plugins() -> Iterator[PluginManager]:
    """A plugin manager of its own for the test, as the process's; what the test registers is gone afterwards."""
    from ..plugins import PluginManager, use_plugin_manager

    manager = PluginManager()
    before = use_plugin_manager(manager)
    yield manager
    use_plugin_manager(before)


@pytest.fixture
def run_layer() -> Callable[..., LayerRun]:
    """``make_layer``: one layer alone, from a text and arrays."""
    from .layers import make_layer

    return make_layer


@pytest.fixture
def net_from_text(tmp_path: Path) -> Callable[..., Net]:
    """``net_from_text(prototxt, **options)``: a net, made from a file of the test's own folder."""
    from ..netdef import Net

    def make(text: str, *args: Any, **options: Any) -> Net:
        path = tmp_path / "net.prototxt"
        path.write_text(text)
        return Net(path, *args, **options)

    return make
