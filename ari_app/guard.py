"""Shuts attackers out: Asterisk's security events are counted by address, and bans become an ACL that PJSIP reads.

Needs no root. Bans outlive the daemon (bans.json in the state folder); each one and its end is audited.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import structlog

from ari_app.ami.link import AmiLink
from ari_app.errors import AsteriskError
from ari_app.model.bans import Ban, Bans
from ari_app.provision.instance import replace
from ari_app.store import retention
from ari_app.store.journal import Journal

log = structlog.get_logger(__name__)

EVERY_S: Final = 1.0  # Between looks: bans made meanwhile are carried out together.
FAILURES: Final = frozenset({"InvalidPassword", "ChallengeResponseFailed", "InvalidAccountID", "FailedACL"})
RETRY_S: Final = 10.0
FILE: Final = "pjsip_bans.conf"


@dataclass
class Guard:
    """`acl`: the file Asterisk reads; `kept`: where bans stand between two runs. `events`: security events by kind."""

    ami: AmiLink
    journal: Journal
    bans: Bans
    acl: Path
    kept: Path
    events: Counter[str] = field(default_factory=Counter)
    made: int = 0
    _carried: bool = True  # Asterisk has what `bans` says.
    _loaded: str | None = None  # The file as Asterisk has read it; None: who knows.

    async def run(self) -> None:
        """Carry out what `hear` decided, for ever."""
        self._restore()
        while True:
            for ban in self.bans.over(time.time()):
                self._note(ban, "unban-address", "its time is over")
            if not self._carried and self.ami.connected:
                await self._carry_out()
            await asyncio.sleep(EVERY_S)

    def hear(self, event: Mapping[str, str]) -> None:
        """One event of the manager interface; most are not about failures."""
        kind = event.get("Event", "")
        if kind not in FAILURES:
            return
        self.events[kind] += 1
        part = event.get("RemoteAddress", "").split("/")  # IPV4/UDP/192.0.2.7/5060
        ban = self.bans.failed(part[2], time.time()) if len(part) > 2 else None
        if ban is not None:
            self.made += 1
            self._note(ban, "ban-address", f"{kind}; until {ban.until:.0f}, for the {ban.times}. time")

    def unban(self, address: str, by: str) -> bool:
        """Let an address in again; False when it is not shut out."""
        ban = self.bans.lift(address)
        if ban is not None:
            self._note(ban, "unban-address", f"by {by}")
        return ban is not None

    def _restore(self) -> None:
        try:
            self.bans.held = {each["address"]: Ban(**each) for each in json.loads(self.kept.read_text())}
        except (OSError, ValueError, TypeError, KeyError):
            self.bans.held = {}
        self._carried = False

    def _note(self, ban: Ban, action: str, detail: str) -> None:
        self._carried = False
        log.warning("address", action=action, address=ban.address, detail=detail)
        self.journal.run(lambda conn: retention.audit(conn, time.time(), (action, ban.address, detail)))

    async def _carry_out(self) -> None:
        """Write the ACL and have PJSIP read it; tried again when it fails. Calls that are there are not touched."""
        self._carried = True
        held = list(self.bans.held.values())
        try:
            text = await asyncio.to_thread(self._write, held)
            if text != (self._loaded or ""):
                await self.ami.reload("res_pjsip.so")
                self._loaded = text
        except (OSError, AsteriskError) as error:
            self._carried = False
            log.error("bans cannot be carried out", file=str(self.acl), why=str(error))
            await asyncio.sleep(RETRY_S)

    def _write(self, held: list[Ban]) -> str:
        replace(self.kept, json.dumps([asdict(ban) for ban in held]))
        lines = "".join(f"deny = {ban.address}\n" for ban in held)
        made = "; Made by the daemon: addresses shut out for a while (`hotline security bans`).\n"
        text = f"{made}[bans]\ntype = acl\n{lines}" if held else made
        before = self.acl.read_text() if self.acl.exists() else ""
        if not held and not before:  # As a box without bans has always been: nothing for Asterisk to read.
            return self._loaded or ""
        if text != before:
            replace(self.acl, text)
        return text
