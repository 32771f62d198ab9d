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
from .finding import Finding
from .labels import Labels, losses_with_labels

GATES = {"Sigmoid": (0.0, 1.0), "TanH": (-1.0, 1.0)}
DEAD, SATURATED = 0.5, 0.7
LAST = 5
STILL = 0.97
"""Times the loss by guessing: above it nothing has happened yet."""
WIDE = 128.0
"""The deviation that no image of bytes can have; Caffe's nets take pixels of 0 to 255 less their mean as they are."""


@dataclass
class Seen:
    """What a few batches showed: values of data tops, labels by loss layer, the largest output per unit of ReLUs, and
    the shares of saturated outputs."""

    data: dict[str, list[Array]] = field(default_factory=dict)
    labels: dict[str, Labels] = field(default_factory=dict)
    highest: dict[str, Array] = field(default_factory=dict)
    saturated: dict[str, list[float]] = field(default_factory=dict)

    def add(self, net: Net) -> None:
        """Take in what the net holds after a forward. Layers in place are read where nothing has changed them since."""
        self.add_labels(net)
        for step in net.steps:
            kind = step.layer.type
            if not step.bottom:
                for blob in step.top:
                    self.data.setdefault(blob.name, []).append(blob.data.copy())
            elif kind == "ReLU" and step.top[0].num_axes > 1:
                axes = tuple(a for a in range(step.top[0].num_axes) if a != 1)
                highest = step.top[0].data.max(axis=axes)
                before = self.highest.get(step.layer.name)
                self.highest[step.layer.name] = highest if before is None else np.maximum(before, highest)
            elif kind in GATES and not _is_answer(net, step):
                low, high = GATES[kind]
                near = 0.01 * (high - low)
                y = step.top[0].data
                self.saturated.setdefault(step.layer.name, []).append(
                    float(np.mean((y < low + near) | (y > high - near)))
                )

    def add_labels(self, net: Net) -> None:
        """Take in the labels that loss layers hold."""
        for step in losses_with_labels(net):
            self.labels.setdefault(step.layer.name, Labels.of(step)).add(step.bottom[1].data)


def _is_answer(net: Net, step: Step) -> bool:
    """Whether only losses read what a gate makes: it has to come near the ends that its targets are."""
    blobs = {id(step.top[0])}
    readers = []
    for other in net.steps[net.steps.index(step) + 1 :]:
        if blobs & {id(blob) for blob in other.bottom}:
            if other.layer.type == "Split":
                blobs |= {id(blob) for blob in other.top}
            else:
                readers.append(other)
    return all(other.layer.is_loss or other.layer.type == "Silence" for other in readers)


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
    if not isinstance(error, DataError) or "label" not in str(error).lower():
        return [Finding("failure", "*", str(error), "mend this first")]
    seen = Seen()
    seen.add_labels(net)
    return of_labels(seen) or [Finding("labels", "*", str(error), "labels count from 0")]


def of_data(net: Net, seen: Seen) -> list[Finding]:
    """Inputs that are far from 0, or constant; labels and the number of outputs."""
    found = of_labels(seen)
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
        elif deviation > WIDE:
            found.append(
                Finding(
                    "scale",
                    name,
                    f"the values of '{name}' have deviation {deviation:.3g}",
                    "set transform_param { scale } so that it is near 1",
                )
            )
    return found


def of_labels(seen: Seen) -> list[Finding]:
    """Labels and the number of outputs, of every loss that knows both."""
    found = [labels.judge(layer) for layer, labels in seen.labels.items()]
    return [one for one in found if one is not None]


def _origins(net: Net, blobs: set[int]) -> set[str]:
    """The names of data tops that *blobs* are, or are splits of."""
    names = set()
    for step in reversed(net.steps):
        if step.layer.type == "Split" and any(id(t) in blobs for t in step.top):
            blobs = blobs | {id(step.bottom[0])}
        if not step.bottom:
            names |= {t.name for t in step.top if id(t) in blobs}
    return names


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


def guessed_loss(net: Net, seen: Seen) -> float | None:
    """What a net gets that knows how often each label occurs and nothing else; None for other losses than one of
    SoftmaxWithLoss, or with too few labels to tell."""
    losses = [step for step in net.steps if step.losses and step.layer.is_loss]
    if len(losses) != 1 or losses[0].layer.type != "SoftmaxWithLoss":
        return None
    entropy = seen.labels[losses[0].layer.name].entropy
    return None if entropy is None else losses[0].losses[0][1] * entropy


def of_gradients(learnable: Sequence[Parameter], ratios: Sequence[tuple[str, float, float, float]]) -> list[Finding]:
    """Gradients that vanish in a layer while others get some."""
    rows = {label: (weight, gradient) for label, weight, gradient, _ in ratios}
    strongest = max((gradient for _, gradient in rows.values()), default=0.0)
    still = [
        p.layer.name
        for p in learnable
        if p.index == 0 and p.lr_mult and p.label in rows and p.index not in p.layer.frozen
        and rows[p.label][1] < 1e-7 * strongest
    ]  # fmt: skip
    if not still:
        return []
    more = f", as those of {', '.join(still[1:])}" if still[1:] else ""
    return [
        Finding(
            "no-gradient",
            still[0],
            f"its gradient is less than a ten millionth of others' ({strongest:.2g}){more}",
            "look for zero weights, dead or saturated units between these layers and the loss, or before them",
        )
    ]


def level(losses: Sequence[float]) -> float:
    """Where losses end: the mean of the last few, infinity if they ran away."""
    last = losses[-LAST:]
    return math.inf if not all(math.isfinite(v) and v < 1e6 for v in losses) else float(np.mean(last))


def of_rates(sweep: dict[float, list[float]], base: float, first: float, guessed: float, limit: float) -> list[Finding]:
    """A rate that is far from those that work: with it the loss stays where guessing gets, and with another it falls
    below *limit*."""
    ends = {rate: level(losses) for rate, losses in sweep.items()}
    best = min(ends, key=lambda rate: ends[rate])
    if ends[best] > limit:
        return []
    own = next((end for rate, end in ends.items() if math.isclose(rate, base)), math.inf)
    end = "ran away" if math.isinf(own) else f"ended at {own:.3g}"
    seen = f"with base_lr {base:g} the loss {end}, with {best:g} at {ends[best]:.3g} (it began at {first:.3g})"
    if own <= STILL * guessed:
        return []
    if best < base / 5:
        return [Finding("rate-high", "*", seen, f"set base_lr: {best:g}")]
    if best > base * 5 and ends[best] < 0.8 * limit:
        return [Finding("rate-low", "*", seen, f"set base_lr: {best:g}")]
    return []


def of_learning(best: float, overfit: tuple[float, float], limit: float) -> list[Finding]:
    """A net that learns a batch by heart and nothing else, or not even that; *best* is the loss on new batches, which
    is above *limit* for a net that only guesses."""
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
    if best > limit:
        return [
            Finding(
                "no-relation",
                "*",
                f"one batch is learned by heart ({before:.3g} to {after:.3g}), but on new "
                f"batches no rate brings the loss below {best:.3g}, which is what guessing gives",
                "labels that do not belong to their records (shuffled separately?) look like this; or a net "
                "that is too small, or too few iterations",
            )
        ]
    return []
