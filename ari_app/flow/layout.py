"""Where boxes and arrows go: a layered layout. Pure; the same chart always gives the same picture.

Nodes stand in layers by their longest way from the start; arrows that lead back run against the layers. Every arrow
passes an own place in the layer between, wide enough for its words, so that words never lie on one another.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

GAP: Final = 22.0  # Between neighbours of a layer.
_SWEEPS: Final = 12

Size = tuple[float, float]
Edge = tuple[str, str]


@dataclass(eq=False)
class Spot:
    """A node, or a place an arrow passes (`name` empty). `x`, `y`: its middle."""

    name: str
    layer: int
    width: float
    height: float
    x: float = 0.0
    y: float = 0.0
    above: list["Spot"] = field(default_factory=list, repr=False)
    below: list["Spot"] = field(default_factory=list, repr=False)


@dataclass(frozen=True)
class Layout:
    """`ways`: the spots of each arrow from its source to its target, which is above it when it leads back."""

    spots: Mapping[str, Spot]
    ways: Mapping[Edge, Sequence[Spot]]
    size: Size


def laid_out(sizes: Mapping[str, Size], arrows: Mapping[Edge, Size]) -> Layout:
    """`sizes` of the nodes, the start first; `arrows` with the sizes of their words."""
    edges = [edge for edge in arrows if edge[0] != edge[1]]
    back = _leading_back(sizes, edges)
    down = [edge if edge not in back else (edge[1], edge[0]) for edge in edges]
    depth = _depths(list(sizes), down)
    spots = {name: Spot(name, 2 * depth[name], *size) for name, size in sizes.items()}
    ways = {}
    for edge, (upper, lower) in zip(edges, down, strict=True):
        layer = spots[lower].layer - 1 if edge in back else spots[upper].layer + 1  # Words stand near the source.
        way = _passed(spots[upper], spots[lower], arrows[edge], layer)
        ways[edge] = way[::-1] if edge in back else way
    layers = _layers(spots.values())
    _order(layers)
    return Layout(spots, ways, _place(layers))


def _leading_back(names: Iterable[str], edges: Iterable[Edge]) -> set[Edge]:
    """Arrows to a node that is still being looked at on the way from the start: they close a circle."""
    targets: dict[str, list[str]] = {name: [] for name in names}
    for source, target in edges:
        targets[source].append(target)
    back, state = set[Edge](), dict[str, int]()  # 1: on the way, 2: done.
    for start, first in targets.items():
        todo = [] if start in state else [(start, iter(first))]
        state.setdefault(start, 1)
        while todo:
            name, rest = todo[-1]
            for target in rest:
                if state.get(target) == 1:
                    back.add((name, target))
                elif target not in state:
                    state[target] = 1
                    todo.append((target, iter(targets[target])))
                    break
            else:
                state[name] = 2
                todo.pop()
    return back


def _depths(names: Sequence[str], down: Iterable[Edge]) -> dict[str, int]:
    """Longest way from a node nothing leads to; without circles."""
    below: dict[str, list[str]] = {name: [] for name in names}
    waiting = dict.fromkeys(names, 0)
    for upper, lower in down:
        below[upper].append(lower)
        waiting[lower] += 1
    depth = dict.fromkeys(names, 0)
    todo = [name for name in names if not waiting[name]]
    for name in todo:  # Grows while it is read.
        for lower in below[name]:
            depth[lower] = max(depth[lower], depth[name] + 1)
            waiting[lower] -= 1
            if not waiting[lower]:
                todo.append(lower)
    return depth


def _passed(upper: Spot, lower: Spot, words: Size, told: int) -> list[Spot]:
    """A spot in every layer between, that of the layer `told` wide enough for the words."""
    way = [upper]
    for layer in range(upper.layer + 1, lower.layer):
        way.append(Spot("", layer, *(words if layer == told else (4.0, 0.0))))
    way.append(lower)
    for one, other in pairwise(way):
        one.below.append(other)
        other.above.append(one)
    return way


def _layers(spots: Iterable[Spot]) -> list[list[Spot]]:
    """All spots by layer, in the order in which they are met going down."""
    found: dict[int, list[Spot]] = {}
    seen, todo = set[Spot](), list(spots)[::-1]
    while todo:
        spot = todo.pop()
        if spot not in seen:
            seen.add(spot)
            found.setdefault(spot.layer, []).append(spot)
            todo += spot.below[::-1]
    return [found[layer] for layer in sorted(found)]


def _order(layers: list[list[Spot]]) -> None:
    """Fewer crossings: each spot goes to the middle of its neighbours, downwards and upwards in turn."""
    for sweep in range(_SWEEPS):
        for layer in layers:
            for n, spot in enumerate(layer):
                spot.x = float(n)
        down = sweep % 2 == 0
        for layer in layers if down else layers[::-1]:
            layer.sort(key=lambda spot: _middle(spot.above if down else spot.below, spot.x))
            for n, spot in enumerate(layer):
                spot.x = float(n)


def _middle(neighbours: list[Spot], own: float) -> float:
    return sum(spot.x for spot in neighbours) / len(neighbours) if neighbours else own


def _place(layers: list[list[Spot]]) -> Size:
    """Coordinates: below one another where possible, never nearer than GAP."""
    for layer in layers:
        _apart(layer, lambda spot: spot.x)
    for sweep in range(2 * _SWEEPS):
        for layer in layers if sweep % 2 == 0 else layers[::-1]:
            _apart(layer, lambda spot: _middle([*spot.above, *spot.below], spot.x))
    left = min((spot.x - spot.width / 2 for layer in layers for spot in layer), default=0.0)
    y = GAP
    for layer in layers:
        height = max(14.0, *(spot.height for spot in layer))
        for spot in layer:
            spot.x += GAP - left
            spot.y = y + height / 2
        y += height + GAP
    right = max((spot.x + spot.width / 2 for layer in layers for spot in layer), default=0.0)
    return right + GAP, y


def _apart(layer: list[Spot], wish: Callable[[Spot], float]) -> None:
    """The x nearest to the wishes that keeps order and distance (pool adjacent violators)."""
    offset, offsets = 0.0, list[float]()
    for before, spot in zip([None, *layer], layer, strict=False):
        offset += 0.0 if before is None else (before.width + spot.width) / 2 + GAP
        offsets.append(offset)
    pools: list[tuple[float, int]] = []  # Sum of wishes, number of spots.
    for spot, shift in zip(layer, offsets, strict=True):
        total, count = wish(spot) - shift, 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            more, members = pools.pop()
            total, count = total + more, count + members
        pools.append((total, count))
    at = iter(zip(layer, offsets, strict=True))
    for total, count in pools:
        for _ in range(count):
            spot, shift = next(at)
            spot.x = total / count + shift
