"""Callers nobody looks after, given back to the dialplan's safety net: over HTTP, as no daemon is there to ask.

A channel stays in Stasis for good when its application goes; only `continue` gets it out (phones.md §2.10).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from ari_app.ari.connection import Address, fetch
from ari_app.ari.protocol import Request
from ari_app.errors import Gone, RequestFailed

NET: Final = {"context": "net", "extension": "call", "priority": "1"}


@dataclass(frozen=True, slots=True)
class Rescued:
    """How many callers were given to the net, and how many talk with somebody and were left alone."""

    callers: int
    talks: int


def alone(
    channels: Sequence[Mapping[str, Any]], bridges: Sequence[Mapping[str, Any]], app: str
) -> tuple[list[str], int]:
    """From ARI's listings: the callers of `app` with nobody on the line, oldest first; how many have somebody."""
    talking = {
        channel
        for bridge in bridges
        if bridge["bridge_type"] == "mixing" and len(bridge["channels"]) > 1
        for channel in bridge["channels"]
    }
    ours = sorted(
        (channel["creationtime"], channel["id"])
        for channel in channels
        if str(channel["dialplan"].get("app_data", "")).startswith(f"{app},in,")
    )
    callers = [name for _, name in ours if name not in talking]
    return callers, len(ours) - len(callers)


async def rescue(address: Address) -> Rescued:
    """Give every caller of the application who is alone to the net. AsteriskError when ARI cannot be reached."""
    async with address.session() as session:
        listed = [
            (await fetch(address, session, Request("GET", what, {}))).check().value()
            for what in ("channels", "bridges")
        ]
        callers, talks = alone(listed[0], listed[1], address.app)
        given = [await _given(address, session, caller) for caller in callers]
    return Rescued(sum(given), talks)


async def _given(address: Address, session: aiohttp.ClientSession, caller: str) -> bool:
    """False when he has hung up, or is no longer in Stasis."""
    try:
        (await fetch(address, session, Request("POST", f"channels/{caller}/continue", NET))).check()
    except Gone:
        return False
    except RequestFailed as error:
        if error.status == 409:
            return False
        raise
    return True
