"""Ways between names: what can be reached, and what goes round in circles. Pure; nothing recurses."""

from collections.abc import Collection, Iterable, Mapping

Ways = Mapping[str, Collection[str]]
"""Name -> the names it leads to."""


def reached(ways: Ways, starts: Iterable[str]) -> set[str]:
    """The starts and everything they lead to; names that stand nowhere in `ways` are left out."""
    found, todo = set[str](), list(starts)
    while todo:
        name = todo.pop()
        if name in ways and name not in found:
            found.add(name)
            todo += ways[name]
    return found


def backwards(ways: Ways) -> dict[str, set[str]]:
    """Name -> the names that lead to it."""
    turned: dict[str, set[str]] = {name: set() for name in ways}
    for name, targets in ways.items():
        for target in targets:
            turned.setdefault(target, set()).add(name)
    return turned


def knots(ways: Ways) -> list[list[str]]:
    """Groups of names that all lead to one another; a name alone only if it leads to itself. In the order of `ways`."""
    ways = _in_circles(ways)
    back, group = backwards(ways), dict[str, str]()
    for name in reversed(_finished(ways)):  # Kosaraju: last finished first, against the arrows.
        todo = [name]
        while todo:
            one = todo.pop()
            if one not in group:
                group[one] = name
                todo += [before for before in back.get(one, ()) if before in ways]
    members: dict[str, list[str]] = {}
    for name in ways:
        members.setdefault(group[name], []).append(name)
    return [found for found in members.values() if len(found) > 1 or found[0] in ways[found[0]]]


def _in_circles(ways: Ways) -> Ways:
    """Without the names that lead nowhere, again and again: what is left is a circle, or leads into one."""
    counts = {name: sum(target in ways for target in targets) for name, targets in ways.items()}
    todo = [name for name, count in counts.items() if not count]
    if not todo:
        return ways
    back = backwards(ways)
    while todo:
        name = todo.pop()
        del counts[name]
        for before in back.get(name, ()):
            if before in counts:
                counts[before] -= 1
                if not counts[before]:
                    todo.append(before)
    return {name: ways[name] for name in ways if name in counts}


def _finished(ways: Ways) -> list[str]:
    """Every name, after all that it leads to (depth first)."""
    order: list[str] = []
    seen = set[str]()
    for start in ways:
        todo = [(start, iter(ways[start]))] if start not in seen else []
        seen.add(start)
        while todo:
            name, rest = todo[-1]
            if (below := next((one for one in rest if one in ways and one not in seen), None)) is None:
                order.append(name)
                todo.pop()
            else:
                seen.add(below)
                todo.append((below, iter(ways[below])))
    return order
