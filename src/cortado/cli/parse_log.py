"""``cortado parse-log``."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..solver.log_file import Outputs, TestRow, TrainingLog, TrainRow

HEAD = ("NumIters", "Seconds", "LearningRate")


@click.command(epilog="Example: cortado parse-log train.log plots/")
@click.argument("log")
@click.argument("out_dir", required=False, default=".", type=click.Path(path_type=Path))
@click.option("--delimiter", default=",", show_default=True, help="What stands between columns.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON instead; NaN and infinity are null.")
@click.option("--verbose", is_flag=True, help="Print the rows as well.")
def command(log: str, out_dir: Path, delimiter: str, as_json: bool, verbose: bool) -> None:
    """Make tables of the numbers in a training LOG, of Cortado or of Caffe of any age.

    OUT_DIR/LOG.train and OUT_DIR/LOG.test get the columns NumIters, Seconds, LearningRate and one per output, as from
    Caffe's parse_log.py; an output of several values gets the columns name[0], name[1], …. Every further test net has
    a file of its own, LOG.test1 and so on. OUT_DIR is the current folder where it is left out.
    """
    from ..proto import atomic_write
    from ..proto.files import named
    from ..solver.log_file import read_log

    found = read_log(log)
    if as_json:
        click.echo(_json(log, found))
        return
    with named("make", out_dir, "folder"):
        out_dir.mkdir(parents=True, exist_ok=True)
    for suffix, rows in tables(found).items():
        path = out_dir / f"{Path(log).name}.{suffix}"
        text = "".join(delimiter.join(row) + "\n" for row in rows)
        atomic_write(path, text)
        click.echo(f"{len(rows) - 1} rows in {path}")
        if verbose:
            click.echo(text, nl=False)


def tables(log: TrainingLog) -> dict[str, list[list[str]]]:
    """The tables of *log* as text, heading first, by the suffix of their file: ``train``, ``test``, ``test1`` …"""
    made = {"train": _table([row for row in log.train if row.outputs or row.rate is not None])}
    for net in sorted({row.net for row in log.test}):
        made[f"test{net or ''}"] = _table([row for row in log.test if row.net == net])
    return made


def _table(rows: Sequence[TrainRow | TestRow]) -> list[list[str]]:
    named = [_columns(row.outputs) for row in rows]
    columns = list(dict.fromkeys(name for one in named for name in one))
    table = [[*HEAD, *columns]]
    for row, values in zip(rows, named, strict=True):
        cells = [row.iteration, row.seconds, row.rate, *(values.get(name) for name in columns)]
        table.append(["" if cell is None else f"{cell:.10g}" for cell in cells])
    return table


def _columns(outputs: Outputs) -> dict[str, float]:
    """Values by column; an output that has several is numbered."""
    total, seen = Counter(name for name, _, _ in outputs), Counter[str]()
    found = {}
    for name, value, _ in outputs:
        found[f"{name}[{seen[name]}]" if total[name] > 1 else name] = value
        seen[name] += 1
    return found


def _json(path: str, log: TrainingLog) -> str:
    import json
    from dataclasses import asdict

    def row(one: TrainRow | TestRow) -> dict[str, Any]:
        fields = asdict(one)
        fields["outputs"] = [{"name": name, "value": value, "loss_weight": w} for name, value, w in one.outputs]
        return fields

    document = {
        "log": path,
        "train": [row(one) for one in log.train],
        "test": [row(one) for one in log.test],
        "snapshots": log.snapshots,
        "finished": log.finished,
    }
    return json.dumps(_finite(document), indent=1)


def _finite(value: Any) -> Any:
    """*value* with None for what JSON has no number for."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
