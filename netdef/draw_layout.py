"""Layout: places for the boxes of a graph that runs from top to bottom, and ways for its edges around them.

The usual four steps of a layered drawing: a rank for every box, so that edges go down (the longest path to it); points
on the ranks that long edges pass; an order within each rank with few crossings (each box goes to the mean of its
neighbours, up and down in turn); and x positions that keep the order and the gaps and are nearest to straight edges,
found rank by rank as an isotonic regression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

GAP_X = 26.0
GAP_Y = 54.0
DROP = 15.0
"""How far edges go straight down first, beside the label of their shape."""
MARGIN = 24.0
PASSES = 12
STRAIGHT = 8.0
"""How much more a point of a long edge pulls than a box does."""
TO_AXIS = 0.98


@dataclass
class Box:
    """A box of given size; ``x`` (of its middle) and ``y`` (of its upper side) are set by ``place``."""

    width: float
    height: float
    x: float = 0.0
    y: float = 0.0
    rank: int = 0


@dataclass
class Edge:
    """An edge between two boxes by index; ``shift`` moves its start from the middle of the box; ``points`` are set by
    ``place``: the ends, and an entry and an exit point of every rank passed."""

    source: int
    target: int
    shift: float = 0.0
    points: list[tuple[float, float]] = field(default_factory=list)


def place(boxes: Sequence[Box], edges: Sequence[Edge]) -> tuple[float, float]:
    """Give *boxes*, which stand in an order in which edges go forward, their places, and *edges* their points.

    Returns the width and height of the whole.
    """
    _rank(boxes, edges)
    items, links, chains = _with_points(boxes, edges)
    ranks: list[list[int]] = [[] for _ in range(max((b.rank for b in items), default=0) + 1)]
    for index, item in enumerate(items):
        ranks[item.rank].append(index)
    _order(ranks, links, len(items))
    _set_x(ranks, items, links, len(boxes))
    heights = _set_y(ranks, items)
    left = min((b.x - b.width / 2 for b in items), default=0.0) - MARGIN
    for item in items:
        item.x -= left
    for edge, chain in zip(edges, chains, strict=True):
        edge.points = _route(edge, [items[i] for i in chain], heights)
    right = max((b.x + b.width / 2 for b in items), default=0.0) + MARGIN
    bottom = max((b.y + b.height for b in items), default=0.0) + MARGIN
    return right, bottom


def _rank(boxes: Sequence[Box], edges: Sequence[Edge]) -> None:
    for edge in sorted(edges, key=lambda e: e.source):
        boxes[edge.target].rank = max(boxes[edge.target].rank, boxes[edge.source].rank + 1)
    entered = {edge.target for edge in edges}
    for index, box in enumerate(boxes):
        below = [boxes[e.target].rank for e in edges if e.source == index]
        if index not in entered and below:
            box.rank = min(below) - 1  # labels and the like stand just above the layer that reads them


def _with_points(
    boxes: Sequence[Box], edges: Sequence[Edge]
) -> tuple[list[Box], list[tuple[int, int]], list[list[int]]]:
    """Boxes and points, the links between neighbouring ranks, and each edge's items from its source to its target."""
    items, links, chains = list(boxes), [], []
    for edge in edges:
        chain = [edge.source]
        for rank in range(boxes[edge.source].rank + 1, boxes[edge.target].rank):
            items.append(Box(0.0, 0.0, rank=rank))
            chain.append(len(items) - 1)
        chain.append(edge.target)
        links += list(pairwise(chain))
        chains.append(chain)
    return items, links, chains


def _neighbours(links: Sequence[tuple[int, int]], count: int) -> tuple[list[list[int]], list[list[int]]]:
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for a, b in links:
        below[a].append(b)
        above[b].append(a)
    return above, below


def _order(ranks: list[list[int]], links: Sequence[tuple[int, int]], count: int) -> None:
    above, below = _neighbours(links, count)
    spot = [0.0] * count
    _number(ranks, spot)
    best, fewest = [list(rank) for rank in ranks], _crossings(ranks, below, spot)
    for turn in range(PASSES):
        side, rows = (above, ranks) if turn % 2 == 0 else (below, ranks[::-1])
        for rank in rows:
            rank.sort(key=lambda i: sum(spot[n] for n in side[i]) / len(side[i]) if side[i] else spot[i])
            _number([rank], spot)
        crossings = _crossings(ranks, below, spot)
        if crossings < fewest:
            best, fewest = [list(rank) for rank in ranks], crossings
    ranks[:] = best


def _number(ranks: Sequence[list[int]], spot: list[float]) -> None:
    for rank in ranks:
        for place_in_rank, index in enumerate(rank):
            spot[index] = place_in_rank - len(rank) / 2


def _crossings(ranks: Sequence[list[int]], below: list[list[int]], spot: list[float]) -> int:
    total = 0
    for rank in ranks:
        ends = [spot[n] for index in rank for n in sorted(below[index], key=lambda n: spot[n])]
        total += sum(ends[j] < ends[i] for i in range(len(ends)) for j in range(i + 1, len(ends)))
    return total


def _set_x(ranks: list[list[int]], items: Sequence[Box], links: Sequence[tuple[int, int]], boxes: int) -> None:
    above, below = _neighbours(links, len(items))
    for rank in ranks:
        _spread(rank, items, [0.0] * len(rank), [1.0] * len(rank))
    for turn in range(2 * PASSES):
        side, rows = (above, ranks) if turn % 2 == 0 else (below, ranks[::-1])
        for rank in rows:
            wanted = [_pull(side[i] or [i], items) for i in rank] if len(rank) > 1 else [0.0]
            weights = [STRAIGHT if i >= boxes else 1.0 + len(side[i]) for i in rank]
            _spread(rank, items, wanted, weights)


def _pull(neighbours: Sequence[int], items: Sequence[Box]) -> float:
    """The mean of the neighbours, and a little towards the axis, on which boxes alone on their rank stand."""
    return TO_AXIS * sum(items[n].x for n in neighbours) / len(neighbours)


def _spread(rank: Sequence[int], items: Sequence[Box], wanted: Sequence[float], weights: Sequence[float]) -> None:
    """The x nearest to *wanted* (least squares) that keep the order and the gaps: pool adjacent violators."""
    offsets, offset = [], 0.0
    for number, index in enumerate(rank):
        if number:
            offset += (items[rank[number - 1]].width + items[index].width) / 2 + GAP_X
        offsets.append(offset)
    blocks: list[tuple[float, float, int]] = []  # (mean, weight, members)
    for want, shift, weight in zip(wanted, offsets, weights, strict=True):
        blocks.append((want - shift, weight, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (m1, w1, n1), (m2, w2, n2) = blocks[-2:]
            blocks[-2:] = [((m1 * w1 + m2 * w2) / (w1 + w2), w1 + w2, n1 + n2)]
    means = [mean for mean, _, members in blocks for _ in range(members)]
    for index, mean, shift in zip(rank, means, offsets, strict=True):
        items[index].x = mean + shift


def _set_y(ranks: list[list[int]], items: Sequence[Box]) -> list[tuple[float, float]]:
    """Boxes of a rank stand on a common middle line; returns the upper and lower end of every rank."""
    y, ends = MARGIN, []
    for rank in ranks:
        height = max((items[i].height for i in rank), default=0.0)
        for index in rank:
            items[index].y = y + (height - items[index].height) / 2
        ends.append((y, y + height))
        y += height + GAP_Y
    return ends


def _route(edge: Edge, chain: Sequence[Box], ranks: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    source, target = chain[0], chain[-1]
    points = [(source.x + edge.shift, source.y + source.height), (source.x + edge.shift, ranks[source.rank][1] + DROP)]
    for point in chain[1:-1]:
        points += [(point.x, ranks[point.rank][0]), (point.x, ranks[point.rank][1])]
    return [*points, (target.x, ranks[target.rank][0]), (target.x, target.y)]
