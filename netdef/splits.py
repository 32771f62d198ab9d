"""Splits: a blob that several layers read goes through a Split layer, so that its gradients are added up."""

from __future__ import annotations

from collections import Counter

from .state import LayerSpec

SPLIT = "_split"
"""How the names of the layers end that are put in here."""
Top = tuple[int, int]
"""A top blob as (index of the layer that writes it, index among that layer's tops)."""


def insert_splits(layers: list[LayerSpec]) -> list[LayerSpec]:
    """*layers* with a Split layer after every top that has more than one use.

    Uses are the bottoms that name the blob after that top wrote it, and one more where the top has a loss weight of
    its own; that weight moves to the split's first top. For blob ``x`` written by layer ``l`` as its top ``i`` the
    layer is called ``x_l_i_split`` and its tops ``x_l_i_split_0``, ``x_l_i_split_1`` ….
    A bottom that no earlier layer writes is left as it is, for ``wire`` to refuse.
    """
    sources, uses, weights = _count_uses(layers)
    taken: Counter[Top] = Counter()
    result = []
    for index, original in enumerate(layers):
        spec, renamed = original, {}
        for b in range(len(spec.config.bottom)):
            top = sources.get((index, b))
            if top is not None and uses[top] > 1:
                renamed[b] = f"{_split_name(layers, top)}_{taken[top]}"
                taken[top] += 1
        spec = _rename(spec, renamed)
        splits = [(index, t) for t in range(len(spec.config.top)) if uses[index, t] > 1]
        for top in splits:
            if weights.get(top):
                spec = _without_loss_weight(spec, top[1])
                taken[top] += 1
        result.append(spec)
        result += [_split_layer(layers, top, uses[top], weights.get(top, 0.0)) for top in splits]
    return result


def _count_uses(layers: list[LayerSpec]) -> tuple[dict[tuple[int, int], Top], Counter[Top], dict[Top, float]]:
    """For every bottom the top it reads; for every top how often it is used, and its loss weight."""
    last: dict[str, Top] = {}
    sources: dict[tuple[int, int], Top] = {}
    uses: Counter[Top] = Counter()
    weights: dict[Top, float] = {}
    for index, spec in enumerate(layers):
        for b, name in enumerate(spec.config.bottom):
            if name in last:
                sources[index, b] = last[name]
                uses[last[name]] += 1
        for t, name in enumerate(spec.config.top):
            last[name] = (index, t)
        for t, weight in enumerate(spec.config.loss_weight[: len(spec.config.top)]):
            top = last[spec.config.top[t]]
            weights[top] = weight
            uses[top] += bool(weight)
    return sources, uses, weights


def _split_name(layers: list[LayerSpec], top: Top) -> str:
    config = layers[top[0]].config
    return f"{config.top[top[1]]}_{config.name}_{top[1]}{SPLIT}"


def _rename(spec: LayerSpec, names: dict[int, str]) -> LayerSpec:
    if not names:
        return spec
    copy = spec.copy()
    for index, name in names.items():
        copy.config.bottom[index] = name
    return copy


def _without_loss_weight(spec: LayerSpec, top: int) -> LayerSpec:
    copy = spec.copy()
    copy.config.loss_weight[top] = 0.0
    return copy


def _split_layer(layers: list[LayerSpec], top: Top, count: int, weight: float) -> LayerSpec:
    origin = layers[top[0]]
    name = _split_name(layers, top)
    config = type(origin.config)()
    config.name = name
    config.type = "Split"
    config.bottom.append(origin.config.top[top[1]])
    config.top.extend(f"{name}_{k}" for k in range(count))
    if weight:
        config.loss_weight.extend([weight] + [0.0] * (count - 1))
    return LayerSpec(config, origin.positions)
