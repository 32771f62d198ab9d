"""Draw the pictures of the lessons into the folder ``pictures`` beside this file.

pip install 'cortado[plot,lmdb,sympy]'
python examples/backprop/pictures.py [NAME …]
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import activations
import cost
import early_stopping
import expression
import graphs
import linear
import matplotlib.pyplot as plt
import numpy as np
import regularization
import schedules
import sigmoid

plt.switch_backend("Agg")
FOLDER = Path(__file__).parent / "pictures"
GREEN, RED, GREY = "#1a7f37", "#c0392b", "#57606a"
plt.rcParams.update({
    "figure.dpi": 100, "savefig.dpi": 100, "font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
    "axes.titlesize": 10, "legend.frameon": False, "lines.linewidth": 1.8,
})  # fmt: skip


def save(figure: Any, name: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    figure.savefig(FOLDER / f"{name}.png", metadata={"Software": None})
    plt.close(figure)


# -- graphs -------------------------------------------------------------------------------------------------------

Places = dict[str, tuple[float, float]]
LINE: Places = {
    "w": (0, 3), "x": (0, 2), "b": (0, 1), "y": (0, 0), "wx": (1.5, 2.5), "wx+b": (3, 2), "error": (4.5, 1.4),
    "square": (6, 1.4), "J": (7.5, 1.4),
}  # fmt: skip
LINE_EDGES = [
    ("w", "wx"), ("x", "wx"), ("wx", "wx+b"), ("b", "wx+b"), ("wx+b", "error"), ("y", "error"), ("error", "square"),
    ("square", "J"),
]  # fmt: skip
TWO: Places = {
    "w1": (0, 5), "x": (0, 4), "b1": (0, 3), "w2": (0, 2), "b2": (0, 1), "y": (0, 0), "w1x": (1.4, 4.5), "z": (2.8, 4),
    "h": (4.1, 4), "w2h": (5.3, 3), "p": (6.5, 2.2), "error": (7.7, 1.5), "square": (9.1, 1.5), "J": (10.4, 1.5),
}  # fmt: skip
TWO_EDGES = [
    ("w1", "w1x"), ("x", "w1x"), ("w1x", "z"), ("b1", "z"), ("z", "h"), ("w2", "w2h"), ("h", "w2h"), ("w2h", "p"),
    ("b2", "p"), ("p", "error"), ("y", "error"), ("error", "square"), ("square", "J"),
]  # fmt: skip
GATES: Places = {
    "x": (0, 3), "y": (0, 2), "z": (0, 1), "v": (0, 0), "xy": (1.6, 2.5), "max": (1.6, 0.5), "sum": (3.2, 1.5),
    "f": (4.6, 1.5),
}  # fmt: skip
GATES_EDGES = [("x", "xy"), ("y", "xy"), ("z", "max"), ("v", "max"), ("xy", "sum"), ("max", "sum"), ("sum", "f")]


def graph(axes: Any, name: str, places: Places, edges: Sequence[tuple[str, str]], title: str) -> None:
    """A graph from left to right: values in green above, gradients in red beneath each node."""
    places = {node: (x, 1.5 * y) for node, (x, y) in places.items()}
    numbers = graphs.values_and_gradients(graphs.FOLDER / f"{name}.prototxt")
    for start, end in edges:
        (x0, y0), (x1, y1) = places[start], places[end]
        arrow = {"arrowstyle": "-|>", "color": GREY, "shrinkA": 23, "shrinkB": 25, "lw": 1}
        axes.annotate("", (x1, y1), (x0, y0), arrowprops=arrow)
    for node, (x, y) in places.items():
        value, gradient = numbers[node]
        box = {"boxstyle": "round,pad=0.35", "fc": "#f6f8fa", "ec": GREY}
        axes.text(x, y, node, ha="center", va="center", bbox=box)
        axes.text(x, y + 0.3, f"{value:g}", ha="center", va="bottom", color=GREEN, weight="bold")
        axes.text(x, y - 0.3, f"{gradient:g}", ha="center", va="top", color=RED, weight="bold")
    xs, ys = zip(*places.values(), strict=True)
    axes.set_xlim(min(xs) - 0.6, max(xs) + 0.6)
    axes.set_ylim(min(ys) - 0.75, max(ys) + 0.75)
    axes.set_title(title, loc="left")
    axes.axis("off")


def draw_graphs() -> None:
    for name, places, edges, title, size in (
        ("line", LINE, LINE_EDGES, "J = ½ (w x + b − y)²", (8, 4.2)),
        ("two_layers", TWO, TWO_EDGES, "p = w2 · ReLU(w1 x + b1) + b2,  J = ½ (p − y)²", (10, 6)),
        ("gates", GATES, GATES_EDGES, "f = 2 (x y + max(z, v))", (6, 4.2)),
    ):
        figure, axes = plt.subplots(figsize=size, layout="constrained")
        graph(axes, name, places, edges, f"{title}     values above, gradients beneath")
        save(figure, name)


def draw_cost() -> None:
    found = [cost.measure(n) for n in (2, 4, 8, 16, 32, 64)]
    layers = [c.layers for c in found]
    figure, axes = plt.subplots(figsize=(5.4, 3.4), layout="constrained")
    axes.loglog(layers, [c.nudges for c in found], "s-", color=RED, label="nudging each parameter: n · p")
    axes.loglog(layers, [c.paths for c in found], "^-", color=GREY, label="each path by itself")
    axes.loglog(layers, [c.backpropagation for c in found], "o-", color=GREEN, label="backpropagation: n + p")
    axes.set(xlabel="layers n (parameters p = 2 n)", ylabel="steps, counted", xticks=layers, xticklabels=layers)
    axes.minorticks_off()
    axes.legend()
    save(figure, "cost")


def draw_sigmoid() -> None:
    z = np.linspace(-8, 8, 201)
    value, slope = sigmoid.values_and_slopes(sigmoid.ONE, z)
    figure, axes = plt.subplots(figsize=(5.4, 3), layout="constrained")
    axes.plot(z, value, color=GREEN, label="f = 1 / (1 + exp(−z))")
    axes.plot(z, slope, color=RED, label="slope f (1 − f)")
    axes.plot([0], [0.25], "o", color=RED)
    axes.annotate("¼ at most", (0, 0.25), (0.6, 0.33), color=RED)
    axes.set(xlabel="z", yticks=[0, 0.25, 0.5, 1])
    axes.legend(loc="upper left")
    save(figure, "sigmoid")


def draw_jacobian() -> None:
    from cortado.netdef.jacobian import jacobians
    from cortado.testing import make_layer

    rng = np.random.default_rng(0)
    vector, image = rng.normal(size=(1, 8)), rng.normal(size=(1, 1, 4, 4))
    gaussian = 'inner_product_param { num_output: 6 weight_filler { type: "gaussian" std: 1 } }'
    cases = [
        ("TanH: one number\nper element", 'type: "TanH"', vector),
        ("Softmax: full,\nbut made of y alone", 'type: "Softmax"', vector * 2),
        ("InnerProduct: W itself", f'type: "InnerProduct" {gaussian}', vector),
        ("max Pooling: one 1\nin each row", 'type: "Pooling" pooling_param { kernel_size: 2 stride: 2 }', image),
    ]
    figure, rows = plt.subplots(1, 4, figsize=(9, 2.9), layout="constrained", width_ratios=[8, 8, 8, 16])
    for axes, (title, text, x) in zip(rows, cases, strict=True):
        matrix = jacobians(make_layer(text, [x]).layer, [x]).reverse
        limit = float(np.abs(matrix).max())
        axes.imshow(matrix, cmap="RdBu_r", vmin=-limit, vmax=limit)
        axes.set(title=title, xlabel=f"{matrix.shape[1]} inputs", xticks=[], yticks=[])
        axes.set_ylabel(f"{matrix.shape[0]} outputs")
        for spine in axes.spines.values():
            spine.set_visible(True)
    save(figure, "jacobian")


# -- linear classifiers --------------------------------------------------------------------------------------------


def digits_of(axes: Any, weights: Any, limit: float, title: str = "") -> None:
    axes.imshow(weights, cmap="RdBu_r", vmin=-limit, vmax=limit)
    axes.set(xticks=[], yticks=[], title=title)


def draw_linear() -> None:
    figure, rows = plt.subplots(2, 10, figsize=(9, 2.5), layout="constrained")
    for number, (label, net, rate) in enumerate(
        (("softmax", "linear_softmax.prototxt", 0.1), ("hinge", "linear_hinge.prototxt", 0.02))
    ):
        weights = linear.rows(linear.train(net, base_lr=rate, weight_decay=0.005))
        limit = float(np.abs(weights).max())
        for digit, axes in enumerate(rows[number]):
            digits_of(axes, weights[digit], limit, "" if number else str(digit))
        rows[number][0].set_ylabel(label)
    save(figure, "linear")


def draw_regularization() -> None:
    found = {name: regularization.outcome(name) for name in regularization.RUNS}
    shown = [0, 3, 8]
    figure, rows = plt.subplots(
        len(found), 1 + len(shown), figsize=(7.4, 7.6), layout="constrained", width_ratios=[3, 1, 1, 1]
    )
    visible = regularization.visible()
    for number, (name, one) in enumerate(found.items()):
        row = rows[number]
        flat = one.weights.reshape(10, 64)[:, visible].ravel()
        row[0].hist(flat, bins=np.linspace(-3, 3, 121).tolist(), color=GREY)
        row[0].set(xlim=(-3, 3), yticks=[], ylim=(0, 160))
        row[0].set_title(f"{name}: {one.small:.0%} below 0.01, accuracy {one.accuracy:.1%}", loc="left")
        limit = float(np.abs(one.weights).max())
        for axes, digit in zip(row[1:], shown, strict=True):
            digits_of(axes, one.weights[digit], limit, "" if number else f"row {digit}")
    rows[-1][0].set_xlabel("weight (pixels that are never used left out)")
    save(figure, "regularization")


# -- activations, training, expressions ----------------------------------------------------------------------------


def draw_activations() -> None:
    from cortado.layers import Phase

    x = np.linspace(-4, 4, 401)
    figure, grid = plt.subplots(4, 4, figsize=(9.4, 8.4), layout="constrained", sharex=True)
    for axes, title in zip(grid.flat, activations.LAYERS, strict=True):
        found = activations.curve(title, x)
        axes.axhline(0, color="#d0d7de", lw=0.8)
        axes.axvline(0, color="#d0d7de", lw=0.8)
        if "randomized" in title:
            drawn = activations.curve(title, np.linspace(-4, 4, 160), Phase.TRAIN)
            axes.plot(drawn.x, drawn.value, ".", color=GREEN, ms=2.5, alpha=0.5)
        axes.plot(x, found.value, color=GREEN)
        axes.plot(x, found.slope, color=RED, ls="--", lw=1.4)
        axes.set_title(title.replace(" (slope learned, here 0.25)", ", slope 0.25"))
        axes.set_ylim(-2, 3)
    figure.legend(
        handles=[plt.Line2D([], [], color=GREEN), plt.Line2D([], [], color=RED, ls="--")],
        labels=["value", "derivative"], loc="outside lower center", ncols=2,
    )  # fmt: skip
    save(figure, "activations")


def draw_early_stopping() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = early_stopping.run(Path(folder))
    figure, axes = plt.subplots(figsize=(5.8, 3.4), layout="constrained")
    axes.plot(*zip(*found.training, strict=True), color=GREY, lw=0.9, label="training (batches of 20)")
    axes.plot(*zip(*found.validation, strict=True), "o-", color=RED, ms=4, label="validation")
    axes.plot(*found.best, "o", color=GREEN, ms=9, mfc="none", mew=2)
    axes.annotate(f"best, kept: {found.best[1]:.3f}", found.best, (45, 0.95), color=GREEN,
                  arrowprops={"arrowstyle": "->", "color": GREEN})  # fmt: skip
    axes.axvline(len(found.training), color=GREY, ls=":")
    axes.text(len(found.training) - 2, 1.9, "stopped", ha="right", color=GREY)
    axes.set(xlabel="iteration", ylabel="loss", ylim=(0, 2.7))
    axes.legend(loc="upper right", bbox_to_anchor=(0.8, 1))
    save(figure, "early_stopping")


def draw_schedules() -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for name in schedules.POLICIES:
        left.plot(schedules.rates(name), label=name, lw=1.5)
    found, _ = schedules.plateau()
    left.plot([rate / 0.1 for rate in found], label="plateau, of early_stopping's net", lw=1.5, color="black", ls="--")
    left.set(xlabel="iteration", ylabel="rate / base_lr", ylim=(0, 1.45), yticks=[0, 0.5, 1])
    left.legend(ncols=2, fontsize=7.5, loc="upper center")
    for name in schedules.OPTIMIZERS:
        loss = np.convolve(schedules.losses(name), np.ones(5) / 5, "valid")
        right.semilogy(loss, label=name, lw=1.3)
    right.set(xlabel="iteration", ylabel="training loss, mean of 5")
    right.legend(ncols=2, fontsize=7.5)
    save(figure, "schedules")


def draw_expression() -> None:
    x = np.linspace(-6, 6, 301)
    figure, axes = plt.subplots(1, 2, figsize=(8, 2.9), layout="constrained", sharey=True)
    formulas = ((expression.SWISH, (0.5, 1, 4)), ("where(x > 0, x, beta * (exp(x) - 1))", (0.5, 1, 2)))
    for one, (formula, betas) in zip(axes, formulas, strict=True):
        for beta, shade in zip(betas, ("#9ecae1", "#4292c6", "#084594"), strict=True):
            value, slope = expression.curves(formula, x, beta)
            one.plot(x, value, color=shade, label=f"beta = {beta:g}")
            one.plot(x, slope, color=shade, ls="--", lw=1.2)
        one.set(title=f"y = {formula}", xlabel="x", ylim=(-2.2, 4))
        one.legend(loc="upper left")
    axes[0].text(6, -1.9, "dashed: the derivative that SymPy found", ha="right", color=GREY)
    save(figure, "expression")


DRAW = {name.removeprefix("draw_"): function for name, function in globals().items() if name.startswith("draw_")}


def main(names: Sequence[str]) -> None:
    for name in names or DRAW:
        DRAW[name]()
        print(FOLDER / f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1:])
