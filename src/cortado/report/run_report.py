"""Report: a training run as one page that needs no network."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import datetime
from html import escape
from pathlib import Path

import numpy as np

from ..layers import Array, Phase
from ..netdef import Net
from ..netdef.draw import draw_svg
from ..netdef.summary import by, summarize
from ..solver import Solver
from . import anatomy, curves
from .judging import Judgement, judge
from .page import page
from .pictures import image_tag, to_pixels
from .runs import Run

MOST_CLASSES = 40
MOST_HISTOGRAMS = 24
MOST_ACTIVATIONS = 12
STYLE = (
    anatomy.FIGURES
    + curves.STYLE
    + """
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(110px,1fr));gap:12px}
.grid figure{margin:0}.grid img{width:100%}figcaption,.small{font-size:12px;color:#5b6870}
.net{max-height:70vh;overflow:auto;border:1px solid #d5dbdf}.net svg{max-width:none}
table{border-collapse:collapse;font-size:13px}td,th{padding:3px 8px;text-align:left;border-bottom:1px solid #e3e8eb}
.matrix td,.matrix th{text-align:center;padding:2px 5px;border:0;min-width:22px}
.matrix td.r{background:rgba(42,138,87,var(--a))}.matrix td.w{background:rgba(209,73,91,var(--a))}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;margin:12px 0}
.facts div{border:1px solid #d5dbdf;border-radius:6px;padding:8px 10px}.facts b{display:block;font-size:18px}
@media (prefers-color-scheme: dark){figcaption,.small{color:#a3b0b8}.net,.facts div{border-color:#38434a}
td,th{border-color:#2b343a}}
"""
)


def make_report(run: Run, solver: Solver | None = None, weights: str | None = None, labels: Sequence[str] = ()) -> str:
    """The page of *run*. With *solver* (of which the net of the first test is judged) also what the net is and does."""
    parts = [_facts(run, solver)]
    charts = curves.curves([run])
    if charts:
        parts.append(_section("Curves", charts))
    if solver is not None:
        if weights:
            solver.net.load(weights)
        if solver.test_nets:
            judgement = judge(solver.test_nets[0], solver.plan.tests[0].batches)
            if judgement is not None:
                parts += _judged(judgement, labels)
                parts.append(_activations(solver.test_nets[0]))
        parts += [_filters(solver.net), _histograms(solver.net), _net(solver)]
    parts.append(_section("Versions", _versions(run, solver, weights)))
    return page(f"Report: {run.name}", "\n".join(part for part in parts if part), STYLE)


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _facts(run: Run, solver: Solver | None) -> str:
    cells = []
    for name in ("loss", *run.named("acc"), "test loss"):
        value = run.last(name)
        if value is not None:
            cells.append((f"{value:.4g}", f"{name}, last"))
    best = max((value for name in run.named("acc") for _, value in run.series[name]), default=None)
    if best is not None:
        cells.append((f"{best:.4g}", "best accuracy"))
    iterations = max((points[-1][0] for points in run.series.values()), default=0)
    cells.append((f"{iterations:,}", "iterations"))
    if solver is not None:
        cells.append((f"{sum(p.blob.count for p in solver.net.learnable):,}", "parameters"))
    boxes = "".join(
        f"<div><b>{escape(value)}</b><span class='small'>{escape(what)}</span></div>" for value, what in cells
    )
    return f'<div class="facts">{boxes}</div>'


def _judged(judgement: Judgement, labels: Sequence[str]) -> list[str]:
    total = int(judgement.confusion.sum())
    title = f"<p>{judgement.accuracy:.2%} of {total} test records right.</p>"
    parts = [_section("Confusion matrix", title + _matrix(judgement.confusion, labels))]
    if judgement.mistakes:
        figures = [
            f"<figure>{_picture(m.data)}<figcaption>is {escape(_name(labels, m.label))} ({m.chance:.1%}), "
            f"taken for {escape(_name(labels, m.predicted))} ({m.chance_predicted:.1%})</figcaption></figure>"
            for m in judgement.mistakes
        ]
        parts.append(_section("Worst mistakes", f'<div class="grid">{"".join(figures)}</div>'))
    return parts


def _picture(data: Array) -> str:
    if data.ndim == 3 and min(data.shape) > 0:
        return image_tag(to_pixels(data), "a test record")
    return f"<span class='small'>{escape(by(data.shape))} numbers</span>"


def _name(labels: Sequence[str], index: int) -> str:
    return labels[index] if index < len(labels) else str(index)


def _matrix(confusion: Array, labels: Sequence[str]) -> str:
    """A table, rows the true classes; for many classes the most frequent confusions."""
    count = len(confusion)
    if count > MOST_CLASSES:
        wrong = confusion.copy()
        np.fill_diagonal(wrong, 0)
        order = np.argsort(-wrong, axis=None)[:30]
        pairs = [divmod(int(i), count) for i in order if wrong.flat[i]]
        rows = "".join(
            f"<tr><td>{escape(_name(labels, a))}</td><td>{escape(_name(labels, b))}</td><td>{wrong[a, b]}</td></tr>"
            for a, b in pairs
        )
        return f"<table><tr><th>is</th><th>taken for</th><th>times</th></tr>{rows}</table>"
    head = "".join(f"<th>{escape(_name(labels, j))}</th>" for j in range(count))
    rows = ""
    for i, row in enumerate(confusion):
        most = max(1, int(row.sum()))
        cells = "".join(
            f'<td class="{"r" if i == j else "w"}" style="--a:{(n / most) ** 0.5 * 0.8:.2f}">{n or ""}</td>'
            for j, n in enumerate(row)
        )
        rows += f"<tr><th>{escape(_name(labels, i))}</th>{cells}</tr>"
    note = "<p class='small'>Rows: what it is. Columns: what the net takes it for.</p>"
    return f'<div class="wide"><table class="matrix"><tr><th></th>{head}</tr>{rows}</table></div>{note}'


def _filters(net: Net) -> str:
    made = anatomy.filters(net)
    return _section("First-layer filters", anatomy.figures(made)) if made else ""


def _activations(net: Net) -> str:
    """What the layers make of the record that the net has seen last."""
    made = [one for one in anatomy.activations(net) if one.pixels is not None][:MOST_ACTIVATIONS]
    seen = anatomy.image(net)
    if not made or seen is None:
        return ""
    note = "<p class='small'>What layers make of one test record; 0 is almost black.</p>"
    return _section("Activations", note + anatomy.figures([seen, *made]))


def _histograms(net: Net) -> str:
    made = anatomy.histograms(net)[:MOST_HISTOGRAMS]
    return _section("Weights", anatomy.figures(made)) if made else ""


def _net(solver: Solver) -> str:
    summary = summarize(solver.plan.train.document, Phase.TRAIN, folder=solver.plan.train.folder)
    rows = "".join(
        f"<tr><td>{escape(row.name)}</td><td>{escape(row.type)}</td><td>{escape(' '.join(map(str, row.tops)))}</td>"
        f"<td>{f'{row.parameters:,}' if row.parameters else ''}</td></tr>"
        for row in summary.layers
    )
    head = "<tr><th>layer</th><th>type</th><th>output</th><th>parameters</th></tr>"
    table = f'<details><summary>Table</summary><div class="wide"><table>{head}{rows}</table></div></details>'
    return _section(f"Net: {summary.name}", f'<div class="net">{draw_svg(summary)}</div>{table}')


def _versions(run: Run, solver: Solver | None, weights: str | None) -> str:
    from .. import __version__

    rows = {"cortado": __version__, "python": platform.python_version(), "numpy": np.__version__,
            "written": datetime.now().strftime("%Y-%m-%d %H:%M")}  # fmt: skip
    rows |= {name: str(run.facts[name]) for name in ("solver", "type", "seed", "engine") if name in run.facts}
    if solver is not None:
        rows["engine of this report"] = f"{solver.engine.name} ({solver.engine.isa})"
    if weights:
        rows["weights"] = Path(weights).name
    return (
        "<table>" + "".join(f"<tr><td>{escape(k)}</td><td>{escape(v)}</td></tr>" for k, v in rows.items()) + "</table>"
    )
