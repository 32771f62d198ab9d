"""Weights: from a file into a net and back, with a report of what became of every layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import CortadoError, WeightsError, nearest
from ..layers import Array, Blob, Layer
from .mismatch import count_mismatch, shape_mismatch
from .weight_files import StoredBlob, StoredLayer, format_for, read_weight_file, save_binary

if TYPE_CHECKING:
    from .net import Net

NOTABLE = ("initialised", "ignored", "skipped")
MOST_NAMES = 6
NOT_FINITE = "holds NaN or infinity"


@dataclass(frozen=True)
class LayerLoad:
    """What became of one layer: ``loaded``, ``reshaped`` (an old four-axis shape of the same count), ``initialised``
    (the net has it, the file does not), ``ignored`` (the file has it, the net does not) or ``skipped`` (its shapes
    differ); ``note`` says why, or names the layer that may have been meant."""

    layer: str
    status: str
    note: str = ""


@dataclass
class LoadReport:
    """What became of every layer with learned blobs when *path* was loaded."""

    path: str
    layers: list[LayerLoad] = field(default_factory=list)

    def names(self, *statuses: str) -> list[str]:
        """The layers with one of *statuses*."""
        return [row.layer for row in self.layers if row.status in statuses]

    @property
    def notable(self) -> bool:
        """Whether a layer of the net was left as it was, or got values that are no numbers."""
        return bool(self.names("initialised", "skipped")) or any(NOT_FINITE in row.note for row in self.layers)

    @property
    def summary(self) -> str:
        """One line: ``lenet.caffemodel: 4 loaded, 1 initialised``."""
        counts = Counter(row.status for row in self.layers)
        return f"{self.path}: " + (", ".join(f"{n} {status}" for status, n in counts.items()) or "no layers")

    def __str__(self) -> str:
        """The summary, and a line for each layer that was not filled from the file, or did not go into the net."""
        rows = [row for row in self.layers if row.status in NOTABLE or NOT_FINITE in row.note]
        return "\n".join([self.summary] + [f"  {r.status:12}{r.layer}{r.note and '  ' + r.note}" for r in rows])


def load_weights(net: Net, path: str | Path, *, strict: bool = False, skip_mismatch: bool = False) -> LoadReport:
    """Copy the blobs stored in *path* into the layers of *net* that have the same names.

    Nothing is changed unless everything fits. *strict* refuses layers that are only on one side; *skip_mismatch*
    leaves a layer whose shapes differ as it is, instead of refusing.

    Errors: WeightsError with both shapes and the way out, also for a file that has no layer of the net; FileError,
    FormatError.
    """
    return load_all(net, [path], strict=strict, skip_mismatch=skip_mismatch)[0]


def load_all(
    net: Net, paths: Iterable[str | Path], *, strict: bool = False, skip_mismatch: bool = False
) -> list[LoadReport]:
    """``load_weights`` for several files, of which later ones win; *strict* wants every layer in one of them."""
    loads = [_Load(net, path, skip_mismatch) for path in paths]
    if strict:
        _refuse_rest([load.report for load in loads])
    for load in loads:
        load.copy()
    return [load.report for load in loads]


class _Load:
    """A weight file matched with a net and read, before anything is changed."""

    def __init__(self, net: Net, path: str | Path, skip_mismatch: bool) -> None:
        self.report = LoadReport(str(path))
        self._copies: list[tuple[Blob, Array]] = []
        self._owned = {(p.layer.name, p.index) for p in net.learnable}
        stored = read_weight_file(path, net.context.plugins)
        targets = {layer.name: layer for layer in net.layers}
        for source in stored:
            target = targets.get(source.name)
            if target is None and source.blobs:
                self.report.layers.append(LayerLoad(source.name, "ignored", "the net has no layer of this name"))
            elif target is not None and (target.blobs or source.blobs):
                self._match(source, target, skip_mismatch)
        _add_initialised(self.report, net)
        if net.params and stored and not self.report.names("loaded", "reshaped", "skipped"):
            raise _another_net(self.report)

    def copy(self) -> None:
        """Change the net."""
        for blob, array in self._copies:
            blob.initializer = None
            blob.data[...] = array

    def _match(self, source: StoredLayer, target: Layer, skip_mismatch: bool) -> None:
        problem = self._mismatch(source, target)
        if problem is None:
            pairs = [(index, target.blobs[index], blob) for index, blob in source.blobs.items()]
            changed = ", ".join(f"{s.shape} -> {t.shape}" for _, t, s in pairs if t.shape != s.shape)
            read = [(blob, self._read(target, index, stored)) for index, blob, stored in pairs]
            broken = "" if all(map(_finite, (array for _, array in read))) else NOT_FINITE
            note = "; ".join(filter(None, (changed, broken)))
            self.report.layers.append(LayerLoad(source.name, "reshaped" if changed else "loaded", note))
            self._copies += read
        elif skip_mismatch:
            self.report.layers.append(LayerLoad(source.name, "skipped", problem))
        else:
            raise WeightsError(
                problem,
                where=self.report.path,
                who=target.who,
                hint="to keep its initial values rename the layer, or load with skip_mismatch (--skip-mismatch)",
            )

    def _mismatch(self, source: StoredLayer, target: Layer) -> str | None:
        """Why the blobs of *source* do not fit *target*, or None. A blob that another layer owns may be missing."""
        wanted = range(len(target.blobs))
        missing = [i for i in wanted if i not in source.blobs and (target.name, i) in self._owned]
        if missing or any(i not in wanted for i in source.blobs):
            return count_mismatch(target, len(source.blobs))
        for index, stored in source.blobs.items():
            if not _fits(stored, target.blobs[index]):
                return shape_mismatch(target, index, stored.shape)
        return None

    def _read(self, target: Layer, index: int, stored: StoredBlob) -> Array:
        blob = target.blobs[index]
        try:
            with np.errstate(all="ignore"):  # a double may be beyond what a float holds
                return stored.read().reshape(blob.shape).astype(blob.dtype, copy=False)
        except CortadoError as error:
            raise error.located(self.report.path, f"{target.who}, blob {index}") from None


def _finite(array: Array) -> bool:
    with np.errstate(all="ignore"):
        return bool(np.isfinite(array.sum())) or bool(np.isfinite(array).all())


def _fits(stored: StoredBlob, blob: Blob) -> bool:
    """Equal shapes; or an old four-axis shape that equals the new one with ones put before it."""
    if stored.shape == blob.shape:
        return True
    padded = (1,) * (4 - blob.num_axes) + blob.shape
    return stored.legacy and blob.num_axes <= 4 and stored.shape == padded


def _add_initialised(report: LoadReport, net: Net) -> None:
    """Rows for the layers that the file lacks; near names on both sides."""
    there = {row.layer for row in report.layers}
    ignored, lacking = report.names("ignored"), [name for name in net.params if name not in there]
    for number, row in enumerate(report.layers):
        if row.status == "ignored" and (near := nearest(row.layer, lacking)):
            report.layers[number] = replace(row, note=f"{row.note}; {near}")
    for name in lacking:
        near = nearest(name, ignored)
        note = "not in the file, keeps its initial values" + (f"; {near}" if near else "")
        report.layers.append(LayerLoad(name, "initialised", note))


def _another_net(report: LoadReport) -> WeightsError:
    """The error for a file from which nothing at all would go into the net."""
    stored, lacking = report.names("ignored"), report.names("initialised")
    got = f"layers {_some(stored)}" if stored else "no blobs"
    rule = f"at least one layer of the net must be in the file: {_some(lacking)}"
    return WeightsError(rule, where=report.path, got=got, hint="these are the weights of another net")


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(f"'{name}'" for name in names[:MOST_NAMES]) + rest


def _refuse_rest(reports: Sequence[LoadReport]) -> None:
    """What strict loading does not accept: layers that no file fills, and layers that go nowhere."""
    filled = {name for report in reports for name in report.names("loaded", "reshaped")}
    for report in reports:
        left = [
            row
            for row in report.layers
            if row.status in NOTABLE and (row.status != "initialised" or row.layer not in filled)
        ]
        if left:
            raise WeightsError(
                "strict loading needs just the layers of the net",
                where=report.path,
                got="; ".join(f"{row.layer} {row.status} ({row.note})" for row in left),
                hint="load without strict to accept this",
            )


def save_weights(net: Net, path: str | Path, *, with_diff: bool = False) -> None:
    """Write the learned blobs of *net*, in one step, in the weight format that the end of *path* names (``.h5``,
    ``.npz`` …), or as a ``.caffemodel``."""
    found = format_for(path, net.context.plugins)
    if found is None:
        save_binary(net, path, with_diff=with_diff)
    else:
        found.write(net, Path(path), with_diff=with_diff)
