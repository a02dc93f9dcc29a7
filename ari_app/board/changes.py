"""What an admin changes while calls go on: the flows new calls take, and hours closed by hand.

A flow in use is never changed: the mapping of flows is replaced, and each call keeps the flow it began with. Closures
are never pinned: every call, old or new, is asked about them when it comes to a queue.
"""

from collections.abc import Iterable

from ari_app.board.floor import Floor
from ari_app.flow.situations import SITUATIONS
from ari_app.model.effects import Reply, Warn
from ari_app.model.events import ALL_HOURS, Closure, ClosureSet, FlowsLoaded, HoursLoaded
from ari_app.model.facts import ClosureChanged, FlowsActivated
from ari_app.model.ids import RequestId
from ari_app.model.routing import hours_of


def swap(floor: Floor, event: FlowsLoaded) -> None:
    """All flows at once, or none: what was not offered cannot be taken."""
    known = {**{(flow.name, flow.version): flow for flow in floor.flows.values()}, **floor.offered}
    scripts = {(SITUATIONS, flow.situations.version) for flow in known.values()}  # Flows hold theirs.
    floor.offered = {}
    wanted = [each for each in event.versions if each not in scripts]
    if unknown := [f"{name} {version}" for name, version in wanted if (name, version) not in known]:
        floor.do(Warn(f"flows not swapped: {', '.join(unknown)} not offered"))
        _reply(floor, event.request, False, f"unknown: {', '.join(unknown)}")
        return
    floor.take_flows({name: known[name, version] for name, version in wanted})
    floor.note(FlowsActivated(event.versions, event.by, event.how, event.held))
    _reply(floor, event.request, True, "live for new calls")


def take_hours(floor: Floor, event: HoursLoaded) -> None:
    """Opening hours of config.yaml, for calls that are in already too."""
    found = hours_of(event.hours)
    used = {name for queue in floor.settings.queues.values() if (name := queue.hours) is not None}
    if gone := used - found.keys():
        _reply(floor, event.request, False, f"a queue needs the hours {', '.join(sorted(gone))}")
        return
    floor.hours.update(found)  # In place: the walks of live calls hold it. A name that went may still be asked for.
    _reply(floor, event.request, True, "live for every call")


def switch(floor: Floor, event: ClosureSet, now: float) -> None:
    """Close or open hours by hand."""
    if event.hours not in (ALL_HOURS, *floor.hours):
        _reply(floor, event.request, False, f"no hours named {event.hours} in config.yaml")
        return
    if event.closed and event.until is not None and event.until <= now:
        _reply(floor, event.request, False, "that time is over already")
        return
    name = "all" if event.hours == ALL_HOURS else event.hours
    was = floor.closures.pop(event.hours, now)
    if event.closed:
        floor.closures[event.hours] = event.until
    elif was is not None and was <= now:
        _reply(floor, event.request, True, f"{name}: was not closed by hand{_still(floor, now)}")
        return
    until = event.until if event.closed else None
    floor.note(ClosureChanged(event.hours, event.closed, until, event.by, event.reason))
    done = "closed" if event.closed else f"no longer closed by hand{_still(floor, now)}"
    _reply(floor, event.request, True, f"{name}: {done}")


def _still(floor: Floor, now: float) -> str:
    """Whoever opens `all` may think that all are open then."""
    names = [name for name, until in floor.closures.items() if until is None or until > now]
    shut = sorted("all" if name == ALL_HOURS else name for name in names)
    return f"; still closed by hand: {', '.join(shut)}" if shut else ""


def closed_before(floor: Floor, closures: Iterable[Closure]) -> None:
    """What an earlier run closed stays closed."""
    floor.closures.clear()  # Changed in place: the walks of live calls hold it.
    floor.closures.update({each.hours: each.until for each in closures})


def _reply(floor: Floor, request: RequestId | None, ok: bool, message: str) -> None:
    if request is not None:
        floor.do(Reply(request, ok, message))
