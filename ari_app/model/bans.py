"""Which source addresses are shut out for a while: too many failed attempts within a time, longer each time. Pure.

Bounded: what is remembered of an address is dropped when it is quiet, and the oldest when there are too many.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated, Final

from pydantic import Field

from ari_app.model.part import Part

WATCHED_MAX: Final = 10_000
LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
GROWS: Final = 4  # Each further ban of an address is this many times as long.

Network = IPv4Network | IPv6Network


class BanRules(Part):
    """Addresses from which log-ins and calls fail again and again are shut out. Never loopback, never a trunk."""

    on: bool = Field(True, description="Whether addresses are shut out at all; failures are counted in any case.")
    failures: Annotated[int, Field(ge=2, le=1000)] = Field(10, description="Failed attempts of one address …")
    within_s: Annotated[float, Field(ge=1, le=86_400)] = Field(
        60, description="… within so many seconds: it is shut out."
    )
    ban_s: Annotated[float, Field(ge=10, le=604_800)] = Field(
        600, description="Seconds it is shut out the first time; four times as long each further time."
    )
    ban_s_max: Annotated[float, Field(ge=10, le=2_592_000)] = Field(86_400, description="Seconds at most.")
    bans_max: Annotated[int, Field(ge=1, le=10_000)] = Field(1_000, description="Addresses shut out at once, at most.")
    allow: tuple[str, ...] = Field((), description="Addresses and networks that are never shut out.")


@dataclass(frozen=True, slots=True)
class Ban:
    """`times`: how often this address was shut out, this time included."""

    address: str
    until: float
    times: int


@dataclass
class Bans:
    """`trusted` are never shut out. `held`: who is, by address."""

    rules: BanRules
    trusted: tuple[Network, ...]
    held: dict[str, Ban] = field(default_factory=dict)
    _past: dict[str, Ban] = field(default_factory=dict)  # Over, but remembered: the next one is longer.
    _failed: dict[str, list[float]] = field(default_factory=dict)

    def failed(self, text: str, now: float) -> Ban | None:
        """One failed attempt; the ban, when it is one too many."""
        address = _address(text)
        if address is None or any(address in network for network in self.trusted) or str(address) in self.held:
            return None
        name, rules = str(address), self.rules
        times = [at for at in self._failed.pop(name, []) if now - at < rules.within_s]
        if len(times) + 1 < rules.failures or len(self.held) >= rules.bans_max or not rules.on:
            self._failed[name] = [*times, now][-rules.failures :]
            if len(self._failed) > WATCHED_MAX:
                del self._failed[next(iter(self._failed))]
            return None
        count = self._past.pop(name).times + 1 if name in self._past else 1
        ban = Ban(name, now + min(rules.ban_s * GROWS ** min(count - 1, 10), rules.ban_s_max), count)
        self.held[name] = ban
        return ban

    def over(self, now: float) -> list[Ban]:
        """Bans that end now; what is long past is forgotten."""
        ended = [ban for ban in self.held.values() if ban.until <= now]
        for ban in ended:
            self._past[ban.address] = self.held.pop(ban.address)
        for name in [name for name, ban in self._past.items() if ban.until + self.rules.ban_s_max < now]:
            del self._past[name]
        return ended

    def lift(self, address: str) -> Ban | None:
        """End a ban by hand, its past forgotten; None when there is none."""
        found = _address(address)
        return self.held.pop(str(found), None) if found is not None else None


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Addresses and networks as text, loopback besides; ValueError for what is none."""
    return tuple(ip_network(text) for text in (*LOOPBACK, *texts))


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
