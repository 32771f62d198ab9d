"""Symptoms: what a diagnosis knows to look for, and what to do about each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..errors import CortadoError, DataError
from ..layers import Array
from ..netdef import Net
from ..netdef.sharing import Parameter
from ..netdef.step import Step

LABELLED = ("SoftmaxWithLoss", "MultinomialLogisticLoss", "HingeLoss", "InfogainLoss", "MulticlassHingeLoss")
GATES = {"Sigmoid": (0.0, 1.0), "TanH": (-1.0, 1.0)}
DEAD, SATURATED = 0.5, 0.5
LAST = 5
NO_CHANGE = 0.9
"""Times the first loss: above it nothing was learned."""


@dataclass(frozen=True)
class Finding:
    """Something that may be wrong: its *kind*, the *layer* (``*``: the whole net), what was seen, and what to do."""

    kind: str
    layer: str
    seen: str
    remedy: str

    def __str__(self) -> str:
        place = "" if self.layer == "*" else f"layer '{self.layer}': "
        return f"{place}{self.seen}. What to do: {self.remedy}"


@dataclass
class Seen:
    """What a few batches showed: values of data tops, labels by loss layer, the largest output per unit of ReLUs, and
    the shares of saturated outputs."""

    data: dict[str, list[Array]] = field(default_factory=dict)
    labels: dict[str, tuple[int, list[Array]]] = field(default_factory=dict)
    highest: dict[str, Array] = field(default_factory=dict)
    saturated: dict[str, list[float]] = field(default_factory=dict)

    def add(self, net: Net) -> None:
        """Take in what the net holds after a forward. Layers in place are read where nothing has changed them since."""
        for step in net.steps:
            kind = step.layer.type
            if not step.bottom:
                for blob in step.top:
                    self.data.setdefault(blob.name, []).append(blob.data.copy())
            elif kind in LABELLED:
                count = step.bottom[0].shape[1] if step.bottom[0].num_axes > 1 else 1
                self.labels.setdefault(step.layer.name, (count, []))[1].append(step.bottom[1].data.copy())
            elif kind == "ReLU":
                axes = tuple(a for a in range(step.top[0].num_axes) if a != 1)
                highest = step.top[0].data.max(axis=axes)
                before = self.highest.get(step.layer.name)
                self.highest[step.layer.name] = highest if before is None else np.maximum(before, highest)
            elif kind in GATES:
                low, high = GATES[kind]
                near = 0.01 * (high - low)
                y = step.top[0].data
                self.saturated.setdefault(step.layer.name, []).append(
                    float(np.mean((y < low + near) | (y > high - near)))
                )


def of_definition(net: Net, from_weights: bool) -> list[Finding]:
    """BatchNorm without Scale, layers that do not learn, data that nobody reads."""
    found = []
    for index, step in enumerate(net.steps):
        if step.layer.type == "BatchNorm" and not _followed(net.steps[index + 1 :], step, ("Scale", "Bias")):
            found.append(
                Finding(
                    "no-scale",
                    step.layer.name,
                    "BatchNorm has no Scale after it, so it can only make numbers of variance 1",
                    'add layer { type: "Scale" scale_param { bias_term: true } } behind it',
                )
            )
    found += _frozen(net, from_weights)
    read = {id(blob) for step in net.steps for blob in step.bottom if step.layer.type != "Silence"}
    for step in net.steps:
        if step.bottom or step.layer.type == "Parameter":
            continue
        for blob in step.top:
            if id(blob) not in read:
                found.append(
                    Finding(
                        "unused-data",
                        step.layer.name,
                        f"nothing reads '{blob.name}'",
                        "connect it, or leave it out of the data layer",
                    )
                )
    return found


def _followed(later: Sequence[Step], step: Step, kinds: tuple[str, ...]) -> bool:
    blobs = {id(step.top[0])}
    for other in later:
        if other.bottom and id(other.bottom[0]) in blobs:
            if other.layer.type in kinds:
                return True
            if other.layer.type != "Split":
                return False
            blobs |= {id(blob) for blob in other.top}
    return False


def _frozen(net: Net, from_weights: bool) -> list[Finding]:
    if from_weights:
        return []
    own: dict[str, list[Parameter]] = {}
    for p in net.learnable:
        if p.index not in p.layer.frozen:
            own.setdefault(p.layer.name, []).append(p)
    still = [name for name, group in own.items() if all(p.lr_mult == 0 for p in group)]
    remedy = "set lr_mult, or start from trained weights"
    if own and len(still) == len(own):
        return [Finding("frozen", "*", "no layer learns: every lr_mult is 0", remedy)]
    kept = [
        Finding("frozen", name, "the layer does not learn (lr_mult: 0), and its weights are as drawn", remedy)
        for name in still
        if own[name][0].layer.type != "Deconvolution"
    ]
    cut = {s.layer.name for s in net.steps if s.layer.blobs and not s.runs_backward} & set(own) - set(still)
    return kept + [
        Finding(
            "frozen",
            name,
            "no gradient reaches the layer",
            "look for propagate_down: false, or a loss that does not depend on it",
        )
        for name in sorted(cut)
    ]


def of_weights(net: Net) -> list[Finding]:
    """Weights that are all the same, so that all units learn the same."""
    found = []
    for layer in net.layers:
        if layer.type in ("BatchNorm", "Scale", "Bias", "PReLU", "Parameter") or not layer.blobs:
            continue
        w = layer.blobs[0].data
        if layer.blobs[0].num_axes > 1 and w.size > 1 and float(np.ptp(w)) == 0:
            found.append(
                Finding(
                    "constant-weights",
                    layer.name,
                    f"all weights are {w.flat[0]:g}, so all its units stay equal",
                    'set weight_filler { type: "xavier" } (without one weights are 0)',
                )
            )
    return found


def of_failure(net: Net, error: CortadoError) -> list[Finding]:
    """A forward that a layer refused."""
    if isinstance(error, DataError) and "label" in str(error).lower():
        return _labels(net, str(error)) or [Finding("labels", "*", str(error), "labels count from 0")]
    return [Finding("failure", "*", str(error), "mend this first")]


def _labels(net: Net, message: str) -> list[Finding]:
    """Labels that the loss refused, as the data layers hold them."""
    for step in net.steps:
        if step.layer.type in LABELLED and step.bottom[0].num_axes > 1:
            values = [v for v in (step.bottom[1].data,) if v.size]
            return _judge_labels(step.layer.name, step.bottom[0].shape[1], values) or []
    return []


def of_data(net: Net, seen: Seen) -> list[Finding]:
    """Inputs that are far from 0, or constant; labels and the number of outputs."""
    found = []
    for layer, (count, labels) in seen.labels.items():
        found += _judge_labels(layer, count, labels)
    targets = {id(b) for s in net.steps if s.layer.is_loss for b in s.bottom[1:]}
    target_names = _origins(net, targets)
    for name, batches in seen.data.items():
        if name in target_names or batches[0].ndim < 2:
            continue
        values = np.concatenate([b.ravel() for b in batches]).astype(np.float64)
        mean, deviation = float(values.mean()), float(values.std())
        if deviation == 0:
            found.append(Finding("constant-data", name, f"all values of '{name}' are {mean:g}", "look at the data"))
        elif abs(mean) > 10 or abs(mean) > 3 * deviation:
            found.append(
                Finding(
                    "mean",
                    name,
                    f"the values of '{name}' have mean {mean:.3g} and deviation {deviation:.3g}",
                    "subtract the mean (transform_param { mean_file or mean_value }) and scale to a deviation near 1",
                )
            )
        elif deviation > 30:
            found.append(
                Finding(
                    "scale",
                    name,
                    f"the values of '{name}' have deviation {deviation:.3g}",
                    "set transform_param { scale } so that it is near 1",
                )
            )
    return found


def _origins(net: Net, blobs: set[int]) -> set[str]:
    """The names of data tops that *blobs* are, or are splits of."""
    names = set()
    for step in reversed(net.steps):
        if step.layer.type == "Split" and any(id(t) in blobs for t in step.top):
            blobs = blobs | {id(step.bottom[0])}
        if not step.bottom:
            names |= {t.name for t in step.top if id(t) in blobs}
    return names


def _judge_labels(layer: str, count: int, batches: Sequence[Array]) -> list[Finding]:
    labels = np.concatenate([b.ravel() for b in batches]) if batches else np.zeros(0)
    if not labels.size:
        return []
    low, high = int(labels.min()), int(labels.max())
    if low == 1 and high in (count, count - 1) and labels.size >= 4 * count:
        return [
            Finding(
                "labels",
                layer,
                f"labels run from 1 to {high}, and 0 never occurs, for {count} outputs",
                "labels count from 0: subtract 1 from each",
            )
        ]
    if high >= count or low < 0:
        return [
            Finding(
                "outputs",
                layer,
                f"labels run from {low} to {high}, and there are {count} outputs",
                f"set num_output: {high + 1} in the layer before the loss, or mend the labels",
            )
        ]
    if high + 1 < count and labels.size >= 4 * count:
        return [
            Finding(
                "outputs",
                layer,
                f"there are {count} outputs, and labels only run from {low} to {high}",
                f"set num_output: {high + 1} in the layer before the loss, or look for missing classes",
            )
        ]
    return []


def of_activations(seen: Seen) -> list[Finding]:
    """ReLUs that never fire, and gates at their ends."""
    found = []
    for layer, highest in seen.highest.items():
        share = float(np.mean(highest <= 0))
        if share > DEAD:
            found.append(
                Finding(
                    "dead",
                    layer,
                    f"{share:.0%} of its units are 0 for every record seen",
                    "smaller or no negative bias, smaller weights or rate, msra weights",
                )
            )
    for layer, shares in seen.saturated.items():
        if np.mean(shares) > SATURATED:
            found.append(
                Finding(
                    "saturated",
                    layer,
                    f"{np.mean(shares):.0%} of its outputs are at their ends, where the gradient is nearly 0",
                    "smaller weights before it, inputs near 0, or ReLU",
                )
            )
    return found


def expected_loss(net: Net) -> float | None:
    """What the loss would be by guessing, from its layers; None where one of them has no such number."""
    total, known = 0.0, False
    for step in net.steps:
        for _, weight in step.losses:
            if step.layer.type == "SoftmaxWithLoss":
                total += weight * math.log(step.bottom[0].shape[1])
            elif step.layer.type == "SigmoidCrossEntropyLoss":
                total += weight * math.log(2) * step.bottom[0].count / max(1, step.bottom[0].shape[0])
            elif step.layer.type == "Split" or not step.layer.is_loss:
                continue
            else:
                return None
            known = True
    return total if known else None


def of_gradients(learnable: Sequence[Parameter], ratios: Sequence[tuple[str, float, float, float]]) -> list[Finding]:
    """Gradients that vanish in a layer while others get some."""
    rows = {label: (weight, gradient) for label, weight, gradient, _ in ratios}
    strongest = max((gradient for _, gradient in rows.values()), default=0.0)
    found = []
    for p in learnable:
        if p.index == 0 and p.lr_mult and p.label in rows and strongest > 0 and p.index not in p.layer.frozen:
            gradient = rows[p.label][1]
            if gradient < 1e-7 * strongest:
                found.append(
                    Finding(
                        "no-gradient",
                        p.layer.name,
                        f"its gradient is {gradient:.2g}, others' {strongest:.2g}",
                        "look at the layers between it and the loss: zero weights, dead or saturated units",
                    )
                )
    return found


def level(losses: Sequence[float]) -> float:
    """Where losses end: the mean of the last few, infinity if they ran away."""
    last = losses[-LAST:]
    return math.inf if not all(math.isfinite(v) and v < 1e6 for v in losses) else float(np.mean(last))


def of_rates(sweep: dict[float, list[float]], base: float, first: float) -> list[Finding]:
    """A rate that is far from those that work."""
    ends = {rate: level(losses) for rate, losses in sweep.items()}
    best = min(ends, key=lambda rate: ends[rate])
    if ends[best] > NO_CHANGE * first:
        return []
    own = next((end for rate, end in ends.items() if math.isclose(rate, base)), math.inf)
    end = "ran away" if math.isinf(own) else f"ended at {own:.3g}"
    seen = f"with base_lr {base:g} the loss {end}, with {best:g} at {ends[best]:.3g} (it began at {first:.3g})"
    if best < base / 5 and own > 0.9 * first:
        return [Finding("rate-high", "*", seen, f"set base_lr: {best:g}")]
    if best > base * 5 and own > 0.9 * first:
        return [Finding("rate-low", "*", seen, f"set base_lr: {best:g}")]
    return []


def of_learning(best: float, overfit: tuple[float, float], first: float) -> list[Finding]:
    """A net that learns a batch by heart and nothing else, or not even that; *best* is the loss on new batches."""
    before, after = overfit
    if not after < 0.5 * before:
        return [
            Finding(
                "cannot-overfit",
                "*",
                f"on a single batch the loss went only from {before:.3g} to {after:.3g}",
                "the net cannot learn even one batch by heart: look at the other findings, the wiring of the "
                "labels, and lr_mult",
            )
        ]
    if best > NO_CHANGE * first:
        return [
            Finding(
                "no-relation",
                "*",
                f"one batch is learned by heart ({before:.3g} to {after:.3g}), but on new "
                f"batches no rate brings the loss below {best:.3g}",
                "labels that do not belong to their records (shuffled separately?) look like this; or a net "
                "that is too small, or too few iterations",
            )
        ]
    return []
