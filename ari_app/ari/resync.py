"""After every connect: filters and subscriptions sent again, then what Asterisk holds for us, as a Listed.

Filters and subscriptions stay with an application over a lost socket but not over a restart of Asterisk
(phones.md §2.9), so they are sent each time; all of them may be sent twice.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from ari_app.ari.connection import Address
from ari_app.ari.decode import DISALLOWED, PHONES_EVENT, caller_seen
from ari_app.ari.protocol import Reply, Request
from ari_app.errors import Gone
from ari_app.model.events import BridgeSeen, CallArrived, CallerSeen, ChannelSeen, Event, FeatureDialled, Listed
from ari_app.model.ids import BridgeId, LegId, PhoneName

Ask = Callable[[Request], Awaitable[Reply]]


async def subscribe(ask: Ask, address: Address) -> str:
    """Filters and the phones' subscription. Asterisk's version. RequestFailed."""
    about = (await ask(Request("GET", "asterisk/info", {"only": "system"}))).check().value()
    ours = await _filter(ask, address.app, {"disallowed": [{"type": kind} for kind in DISALLOWED]})
    await _unsubscribe(ask, address.app, ours["endpoint_ids"])
    await _filter(ask, address.phones_app, {"allowed": [{"type": PHONES_EVENT}]})
    await _subscribe(ask, address.phones_app, "endpoint:PJSIP")
    return str(about["system"]["version"])


async def listing(ask: Ask, address: Address) -> tuple[Listed, list[CallerSeen]]:
    """Channels and bridges of our application, the phones reachable now; and who the callers are. RequestFailed."""
    ours = (await ask(Request("GET", f"applications/{address.app}", {}))).check().value()
    channels = (await ask(Request("GET", "channels", {}))).check().value()
    bridges = (await ask(Request("GET", "bridges", {}))).check().value()
    endpoints = (await ask(Request("GET", "endpoints/PJSIP", {}))).check().value()
    mine = set(ours["channel_ids"])
    legs = tuple(ChannelSeen(LegId(c["id"]), str(c["state"])) for c in channels if c["id"] in mine)
    # A bridge made by an earlier socket and empty since is not in bridge_ids; `Stasis` made it all the same.
    seen = tuple(_bridge(b) for b in bridges if b.get("bridge_class") == "stasis")
    for bridge in seen:
        if bridge.bridge not in ours["bridge_ids"]:
            await _subscribe(ask, address.app, f"bridge:{bridge.bridge}")
    callers = [found for c in channels if c["id"] in mine if (found := caller_seen(c, address.app)) is not None]
    phones = tuple(PhoneName(e["resource"]) for e in endpoints if e["state"] == "online")
    return Listed(legs, seen, phones), callers


def rewound(listed: Listed, since: Iterable[Event]) -> Listed:
    """The listing as it was before `since` happened, so that those events may follow it.

    A call that arrived meanwhile is taken out: its CallArrived brings it. What ended meanwhile simply ends again.
    """
    new = {event.leg for event in since if isinstance(event, CallArrived | FeatureDialled)}
    return Listed(tuple(c for c in listed.channels if c.leg not in new), listed.bridges, listed.phones)


def unknown(callers: Iterable[CallerSeen], since: Iterable[Event]) -> list[CallerSeen]:
    """Without those who arrived meanwhile, likewise."""
    new = {event.leg for event in since if isinstance(event, CallArrived)}
    return [caller for caller in callers if caller.leg not in new]


def _bridge(bridge: Mapping[str, Any]) -> BridgeSeen:
    return BridgeSeen(BridgeId(bridge["id"]), str(bridge["bridge_type"]), tuple(LegId(c) for c in bridge["channels"]))


async def _unsubscribe(ask: Ask, app: str, endpoints: list[str]) -> None:
    """Whoever subscribed our application to endpoints doubled every digit of their channels (phones.md §2.9)."""
    for endpoint in endpoints:
        left = [endpoint]
        while endpoint in left:  # Asterisk counts subscriptions: as many must be undone as were made.
            source = {"eventSource": f"endpoint:{endpoint}"}
            left = (
                (await ask(Request("DELETE", f"applications/{app}/subscription", source)))
                .check()
                .value()["endpoint_ids"]
            )


async def _filter(ask: Ask, app: str, body: dict[str, Any]) -> dict[str, Any]:
    """The application as it is with the filter."""
    reply = await ask(Request("PUT", f"applications/{app}/eventFilter", {}, body))
    application: dict[str, Any] = reply.check().value()
    return application


async def _subscribe(ask: Ask, app: str, source: str) -> None:
    reply = await ask(Request("POST", f"applications/{app}/subscription", {"eventSource": source}))
    try:
        reply.check()
    except Gone:
        return  # A bridge that ended between the listing and now.
