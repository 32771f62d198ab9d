"""Conformance: whether a layer keeps the contract of ``cortado.Layer``, check by check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..errors import CortadoError, nearest
from ..layers import Layer
from ..plugins import plugin_manager, register, unregister
from .cases import Input, LayerCase, Subject
from .checks import CHECKS, ConformanceError, NotApplicable


@dataclass(frozen=True)
class CheckResult:
    """What became of one check: ``passed``, ``failed``, ``expected`` (failed, and the case says why) or
    ``not applicable``; ``note`` is the reason."""

    check: str
    status: str
    note: str = ""

    def __str__(self) -> str:
        return f"{self.check:20}{self.status}{': ' if self.note else ''}{self.note}"


def check_layer(
    layer: str | LayerCase | type[Layer],
    bottoms: Sequence[Input] = (),
    *,
    only: Iterable[str] | None = None,
    expected_failures: Mapping[str, str] | None = None,
    **options: Any,
) -> list[CheckResult]:
    """Run the conformance checks (``CHECKS``, or *only* some of them) on a layer; returns what became of each.

    *layer*: a ``layer { }`` text or what stands inside one, a layer class (registered for the time of the checks, if it
    is not), or a ``LayerCase``; *bottoms*, *expected_failures*, *options*: as for ``LayerCase``.

    Raises ConformanceError that lists every failed check, and a CortadoError where there is no such layer. Example::

        check_layer('type: "ReLU" relu_param { negative_slope: 0.1 }', [(2, 3, 4, 4)])
    """
    with _case(layer, bottoms, expected_failures or {}, options) as case:
        plugin_manager().get("layers", case.type)
        results = [_result(name, case) for name in _names(only)]
    failed = {r.check: r.note for r in results if r.status == "failed"}
    if failed:
        first = {note: check for check, note in reversed(failed.items())}
        lines = [
            f"  {CheckResult(check, 'failed', note if first[note] == check else f'as {first[note]}')}"
            for check, note in failed.items()
        ]
        head = f"{case.label}: {len(failed)} of {len(results)} checks failed"
        raise ConformanceError("\n".join([head, *lines]))
    return results


def run_check(name: str, case: LayerCase) -> None:
    """Run one check. Raises ConformanceError where it fails, NotApplicable where there is nothing to look at."""
    try:
        CHECKS[name](Subject(case))
    except (ConformanceError, NotApplicable):
        raise
    except CortadoError as error:
        raise ConformanceError(str(error)) from error
    except Exception as error:
        raise ConformanceError(f"{type(error).__name__}: {error}") from error


@contextmanager
def _case(
    layer: str | LayerCase | type[Layer],
    bottoms: Sequence[Input],
    expected_failures: Mapping[str, str],
    options: dict[str, Any],
) -> Iterator[LayerCase]:
    if isinstance(layer, LayerCase):
        yield layer
        return
    text = layer if isinstance(layer, str) else f'type: "{layer.type}"'
    case = LayerCase(text, bottoms, expected_failures=expected_failures, **options)
    known = plugin_manager().registry("layers").entries.get(case.type, [])
    if isinstance(layer, str) or any(entry.item is layer for entry in known):
        yield case
        return
    register(layer)
    try:
        yield case
    finally:
        unregister(layer)


def _names(only: Iterable[str] | None) -> list[str]:
    names = list(CHECKS if only is None else only)
    for name in names:
        if name not in CHECKS:
            raise ValueError(f"there is no check '{name}' ({nearest(name, CHECKS) or ', '.join(CHECKS)})")
    return names


def _result(name: str, case: LayerCase) -> CheckResult:
    reason = case.expected_failures.get(name)
    try:
        run_check(name, case)
    except NotApplicable as note:
        return CheckResult(name, "not applicable", str(note))
    except ConformanceError as error:
        return CheckResult(name, "expected", reason) if reason else CheckResult(name, "failed", str(error))
    if reason:
        return CheckResult(name, "failed", f"it passes, and was expected to fail because: {reason}")
    return CheckResult(name, "passed")
