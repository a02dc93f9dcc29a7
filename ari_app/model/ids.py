"""Names of things. Ids we will wait on are minted here, before the command is sent (design §2.5).

A call id is `EPOCH-N`; everything made for that call is `EPOCH-N.KIND M` (`7-42.p3`: playback 3 of call 42 of boot 7),
so an event that carries only an id still finds its call. What a later boot makes for a call it took over carries that
boot's number (`7-42.p9-1`): the earlier one may have made more than it could write down.
The caller's own channel keeps the id Asterisk gave it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NewType

UNWRITTEN_MAX: Final = 6  # Parts of one call made within the 0.1 s in which facts may linger.

CallId = NewType("CallId", str)
LegId = NewType("LegId", str)  # Asterisk's channel id; ours for legs we originate.
BridgeId = NewType("BridgeId", str)
PlaybackId = NewType("PlaybackId", str)
RecordingId = NewType("RecordingId", str)
LineId = NewType("LineId", str)  # What we listen to on a caller's leg.
LookUpId = NewType("LookUpId", str)
MessageId = NewType("MessageId", str)  # A voicemail message.
OfferId = NewType("OfferId", str)  # The id of the agent's leg: one offer, one leg.
TransferId = NewType("TransferId", str)  # A transfer or consult; where a leg is rung for it, that leg's id.
ScreeningId = NewType("ScreeningId", str)
TimerId = NewType("TimerId", str)
AgentId = NewType("AgentId", str)  # The work number.
QueueName = NewType("QueueName", str)
Skill = NewType("Skill", str)
PhoneName = NewType("PhoneName", str)  # A SIP account in config.yaml: PJSIP endpoint of the same name.
Number = NewType("Number", str)  # A telephone number: personal data; the store keeps it in a side table.
NoteText = NewType("NoteText", str)  # What somebody wrote about a caller: personal data too, in a table of its own.
RequestId = NewType("RequestId", str)  # Minted by the page, API or CLI that waits for a Replied effect.


def call_of(name: str) -> CallId | None:
    """The call an id of ours belongs to, or None for ids that carry no call (callers' channels, music bridges)."""
    head, dot, _ = name.partition(".")
    epoch, dash, n = head.partition("-")
    return CallId(head) if dot and dash and epoch.isdigit() and n.isdigit() else None


@dataclass
class Mint:
    """Hands out ids that no other boot of the daemon ever repeats. `epoch` is the boot number (≥ 1)."""

    epoch: int
    calls: int = 0
    parts: dict[CallId, int] = field(default_factory=dict)

    def call(self) -> CallId:
        self.calls += 1
        call = CallId(f"{self.epoch}-{self.calls}")
        self.parts[call] = 0
        return call

    def part(self, call: CallId, kind: str) -> str:
        """An id for a part of a call: kind is one letter (l leg, b bridge, p playback, r recording, h line …)."""
        self.parts[call] = n = self.parts.get(call, 0) + 1
        taken_over = "" if call.partition("-")[0] == str(self.epoch) else f"{self.epoch}-"
        return f"{call}.{kind}{taken_over}{n}"

    def perhaps_made(self, call: CallId, kind: str, known: Iterable[str]) -> list[str]:
        """Ids of a kind that the boot before this one may have made for a call after those `known`, and could not
        write down any more."""
        before = self.epoch - 1
        form = f"{call}.{{}}{'' if call.partition('-')[0] == str(before) else f'{before}-'}{{}}"
        numbers = [re.fullmatch(form.format("[a-z]", "([0-9]+)").replace(".", r"\.", 1), each) for each in known]
        last = max((int(found[1]) for found in numbers if found), default=0)
        return [form.format(kind, n) for n in range(last + 1, last + 1 + UNWRITTEN_MAX)]

    def forget(self, call: CallId) -> None:
        self.parts.pop(call, None)
