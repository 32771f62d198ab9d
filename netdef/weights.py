"""Weights: from a file into a net and back, with a report of what became of every layer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import WeightsError, nearest
from ..layers import Blob, Layer
from .weight_files import StoredBlob, StoredLayer, read_weight_file, save_binary, save_hdf5

if TYPE_CHECKING:
    from .net import Net


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
    def summary(self) -> str:
        """One line: ``lenet.caffemodel: 4 loaded, 1 initialised``."""
        counts = Counter(row.status for row in self.layers)
        return f"{self.path}: " + (", ".join(f"{n} {status}" for status, n in counts.items()) or "no layers")

    def __str__(self) -> str:
        notable = [row for row in self.layers if row.status != "loaded"]
        return "\n".join([self.summary] + [f"  {r.status:12}{r.layer}{r.note and '  ' + r.note}" for r in notable])


def load_weights(net: Net, path: str | Path, *, strict: bool = False, skip_mismatch: bool = False) -> LoadReport:
    """Copy the blobs stored in *path* into the layers of *net* that have the same names.

    Nothing is changed unless everything fits. *strict* refuses layers that are only on one side; *skip_mismatch*
    leaves a layer whose shapes differ as it is, instead of refusing.

    Errors: WeightsError with both shapes and the way out; FileError, FormatError.
    """
    stored = read_weight_file(path, net.context.plugins.schema())
    report = LoadReport(str(path))
    targets = {layer.name: layer for layer in net.layers}
    owned = {(p.layer.name, p.index) for p in net.learnable}
    copies: list[tuple[Blob, StoredBlob]] = []
    for source in stored:
        target = targets.get(source.name)
        if target is None:
            if source.blobs:
                report.layers.append(LayerLoad(source.name, "ignored", "the net has no layer of this name"))
            continue
        if not target.blobs and not source.blobs:
            continue
        problem = _mismatch(source, target, owned)
        if problem is None:
            pairs = [(target.blobs[i], blob) for i, blob in source.blobs.items()]
            reshaped = any(t.shape != s.shape for t, s in pairs)
            report.layers.append(LayerLoad(source.name, "reshaped" if reshaped else "loaded", _shapes(pairs, reshaped)))
            copies += pairs
        elif skip_mismatch:
            report.layers.append(LayerLoad(source.name, "skipped", problem))
        else:
            hint = f"rename the layer to keep its initial values, or skip it; layers in the file: {len(stored)}"
            raise WeightsError(problem, where=str(path), who=target.who, hint=hint)
    _add_initialised(report, net)
    if strict:
        _refuse_rest(report)
    for blob, source_blob in copies:
        blob.initializer = None
        blob.data[...] = source_blob.read().reshape(blob.shape)
    return report


def _mismatch(source: StoredLayer, target: Layer, owned: set[tuple[str, int]]) -> str | None:
    """Why the blobs of *source* do not fit *target*, or None. A blob that another layer owns may be missing."""
    missing = [i for i in range(len(target.blobs)) if i not in source.blobs and (target.name, i) in owned]
    if missing or any(i >= len(target.blobs) for i in source.blobs):
        return f"the file has {len(source.blobs)} blobs for this layer, the net {len(target.blobs)}"
    for index, stored in source.blobs.items():
        if not _fits(stored, target.blobs[index]):
            return f"blob {index} is {stored.shape} in the file and {target.blobs[index].shape} in the net"
    return None


def _fits(stored: StoredBlob, blob: Blob) -> bool:
    """Equal shapes; or an old four-axis shape that equals the new one with ones put before it."""
    if stored.shape == blob.shape:
        return True
    padded = (1,) * (4 - blob.num_axes) + blob.shape
    return stored.legacy and blob.num_axes <= 4 and stored.shape == padded


def _shapes(pairs: list[tuple[Blob, StoredBlob]], reshaped: bool) -> str:
    return ", ".join(f"{s.shape} -> {t.shape}" for t, s in pairs if t.shape != s.shape) if reshaped else ""


def _add_initialised(report: LoadReport, net: Net) -> None:
    there = {row.layer for row in report.layers}
    ignored = report.names("ignored")
    for name in net.params:
        if name not in there:
            near = nearest(name, ignored)
            note = "not in the file, keeps its initial values" + (f"; {near}" if near else "")
            report.layers.append(LayerLoad(name, "initialised", note))


def _refuse_rest(report: LoadReport) -> None:
    left = report.names("ignored", "initialised", "skipped")
    if left:
        raise WeightsError(
            "strict loading needs just the layers of the net",
            where=report.path,
            got="; ".join(f"{row.layer} {row.status}" for row in report.layers if row.layer in left),
            hint="load without strict to accept this",
        )


def save_weights(net: Net, path: str | Path, *, with_diff: bool = False) -> None:
    """Write the learned blobs of *net*, in one step: HDF5 where *path* ends in ``.h5``, else a ``.caffemodel``."""
    if str(path).endswith((".h5", ".hdf5")):
        save_hdf5(net, path, with_diff=with_diff)
    else:
        save_binary(net, path, with_diff=with_diff)
