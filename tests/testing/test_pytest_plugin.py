"""The pytest plugin, run as an author runs it."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

pytest_plugins = "pytester"

EDITABLE = (
    "ignore:Module already imported so cannot be rewritten; _editable_skbc_cortado:pytest.PytestAssertRewriteWarning"
)

HEAD = """
import numpy as np
import pytest
import cortado
from cortado.testing import LayerCase

@cortado.register
class Wrong(cortado.Layer):
    '''Doubles.

    Example::

        layer { name: "w" type: "Wrong" bottom: "x" top: "y" }
    '''
    type = "Wrong"

    def reshape(self, bottom, top):
        top[0].reshape_like(bottom[0])

    def forward(self, bottom, top):
        top[0].data[...] = 2 * bottom[0].data

    def backward(self, top, propagate_down, bottom):
        if propagate_down[0]:
            bottom[0].diff[...] = 3 * top[0].diff
"""


@pytest.fixture
def author(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder of tests with the plugin, which an installed Cortado would bring by itself."""
    installed = "cortado" in {entry.name for entry in entry_points(group="pytest11")}
    options = [] if installed else ["-p cortado.testing.pytest_plugin"]
    addopts = " ".join(["--strict-markers", "-p no:cacheprovider", *options])
    pytester.makeini(f"[pytest]\naddopts = {addopts}\nfilterwarnings =\n    error\n    {EDITABLE}")
    return pytester


def test_one_test_per_case_and_check(author: pytest.Pytester) -> None:
    author.makepyfile(f"""{HEAD}
@pytest.mark.layer_cases(LayerCase('type: "ReLU"', [(2, 3)]), LayerCase('type: "Wrong"', [(2, 3)], id="mine"))
def test_conformance(layer_check):
    layer_check()
""")
    result = author.runpytest_subprocess("-v")
    result.assert_outcomes(passed=39, failed=1)
    result.stdout.fnmatch_lines(
        ["*::test_conformance[[]ReLU-gradients] PASSED*", "*::test_conformance[[]mine-shapes] PASSED*"]
    )
    result.stdout.fnmatch_lines(["E *ConformanceError: bottom[[]0] 'x0'*backward gives*differences give*"])
    result.stdout.fnmatch_lines(["FAILED *::test_conformance[[]mine-gradients]*"])
    author.runpytest_subprocess("-k", "mine and shapes").assert_outcomes(passed=1, deselected=39)


def test_expected_failures_are_marked_with_their_reasons(author: pytest.Pytester) -> None:
    author.makepyfile(f"""{HEAD}
REASON = {{"gradients": "a straight-through estimator"}}
@pytest.mark.layer_cases(LayerCase('type: "Wrong"', [(2, 3)], expected_failures=REASON))
def test_conformance(layer_check):
    layer_check()

@pytest.mark.layer_cases(LayerCase('type: "ReLU"', [(2, 3)], expected_failures=REASON))
def test_that_it_is_strict(layer_check):
    layer_check()
""")
    result = author.runpytest_subprocess("-rx")
    result.assert_outcomes(passed=38, xfailed=1, failed=1)
    result.stdout.fnmatch_lines(["XFAIL *Wrong-gradients] - a straight-through estimator"])
    result.stdout.fnmatch_lines(["*XPASS(strict)*"])


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "def test_x(layer_check): layer_check()",
            "the fixture layer_check needs @pytest.mark.layer_cases(LayerCase(…), …)",
        ),
        ("@pytest.mark.layer_cases('ReLU')\ndef test_x(layer_check): layer_check()", "needs @pytest.mark.layer_cases"),
        (
            "@pytest.mark.layer_cases(LayerCase('type: \"ReLU\"', expected_failures={'gradient': 'x'}))\n"
            "def test_x(layer_check): layer_check()",
            "case ReLU: there is no check called gradient",
        ),
    ],
)
def test_wrong_use(author: pytest.Pytester, code: str, message: str) -> None:
    author.makepyfile(f"{HEAD}\n{code}\n")
    result = author.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    assert message in result.stdout.str()


def test_fixtures(author: pytest.Pytester) -> None:
    author.makepyfile(f"""{HEAD}
def test_run_layer(run_layer):
    (y,) = run_layer('type: "Wrong"', [np.array([1.0, 2.0])]).forward()
    assert y.tolist() == [2, 4]

def test_net_from_text(net_from_text):
    text = 'layer {{ name: "i" type: "Input" top: "x" }} layer {{ name: "w" type: "Wrong" bottom: "x" top: "y" }}'
    net = net_from_text(text)
    assert net(x=[3.0])["y"].tolist() == [6]

def test_plugins_of_the_test_alone(cortado_plugins):
    from cortado.plugins import plugin_manager

    assert plugin_manager() is cortado_plugins
    assert "Wrong" not in cortado_plugins.registry("layers").names()
    cortado.register(Wrong)
    assert "Wrong" in cortado_plugins.registry("layers").names()

def test_afterwards(run_layer):
    from cortado.plugins import plugin_manager

    assert plugin_manager().get("layers", "Wrong").provider.plugin.endswith("Wrong")
""")
    author.runpytest_subprocess().assert_outcomes(passed=4)


def test_it_imports_nothing_of_cortado_that_costs_time(author: pytest.Pytester) -> None:
    author.makepyfile("""
import sys
def test_imports():
    heavy = [name for name in sys.modules if name.startswith(("cortado.layers", "cortado.netdef", "numpy"))]
    assert not heavy
""")
    author.runpytest_subprocess().assert_outcomes(passed=1)
