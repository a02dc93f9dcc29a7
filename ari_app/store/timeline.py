"""A call as a timeline a person can read: one line a fact, in seconds since the first. Pure text."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Final, TypeAlias

from ari_app.model import audit, codec, control, facts, screening_facts, work
from ari_app.model.facts import Fact
from ari_app.model.mask import WITHHELD, mask
from ari_app.store.reader import CallStory

Words: TypeAlias = str | Callable[[Any], str]


def _leg_opened(fact: facts.LegOpened) -> str:
    return f"{fact.role}'s leg {fact.leg} begins" + (f" on phone {fact.phone}" if fact.phone else "")


def _leg_closed(fact: facts.LegClosed) -> str:
    return f"leg {fact.leg} is gone: {cause(fact.cause)}" + (f", SIP {fact.sip}" if fact.sip else "")


def _key_taken(fact: facts.KeyTaken) -> str:
    return f"caller pressed {fact.key} at {fact.node}" + ("" if fact.accepted else ": no such choice")


def _queue_left(fact: facts.QueueLeft) -> str:
    return f"left queue {fact.queue} after {fact.wait_s:.1f} s: {fact.outcome}" + (
        f" to agent {fact.agent}" if fact.agent else ""
    )


def _offer_ended(fact: facts.OfferEnded) -> str:
    return f"offer to agent {fact.agent}: {fact.outcome}" + (f", {cause(fact.cause)}" if fact.cause else "")


def _agent_changed(fact: facts.AgentChanged) -> str:
    return f"agent {fact.agent} is {fact.state}" + (f" ({fact.reason})" if fact.reason else "")


def _surge_taken(fact: audit.SurgeStepTaken) -> str:
    agents = f" for {', '.join(fact.agents)}" if fact.agents else ""
    call_in = f"; call in {fact.head_count} more" if fact.head_count else ""
    drill = "drill: " if fact.drill else ""
    return f"{drill}surge step {fact.step} ({fact.name}) taken by {fact.by}{agents}: {fact.why}{call_in}"


def _surge_undone(fact: audit.SurgeStepUndone) -> str:
    drill = "drill: " if fact.drill else ""
    return f"{drill}surge step {fact.step} ({fact.name}) undone by {fact.by}: {fact.why}"


def _recording_stored(fact: facts.RecordingStored) -> str:
    return f"recording {fact.recording} stored: {fact.path}, {fact.seconds:.1f} s, {fact.size_bytes:,} bytes"


def _look_up_done(fact: facts.LookUpDone) -> str:
    outcome = "answered" if fact.ok else "not answered"
    return f"look-up at {fact.node} {outcome} after {fact.seconds:.1f} s" + (f": {fact.reason}" if fact.reason else "")


def _wait_told(fact: work.WaitTold) -> str:
    return f"told {fact.low_s / 60:.0f} to {fact.high_s / 60:.0f} minutes at place {fact.position}"


def _callback_missed(fact: work.CallbackMissed) -> str:
    return f"call-back {fact.booking} missed: {fact.outcome}" + ("" if fact.next_at else ", for the last time")


def _callback_ended(fact: work.CallbackEnded) -> str:
    return f"call-back {fact.booking} over: {fact.outcome}" + (f" by {fact.by}" if fact.by else "")


def _item_done(fact: work.ItemDone) -> str:
    said = ", ".join(each for each in (fact.disposition, fact.note) if each)
    return f"message {fact.message} done by {fact.by}" + (f": {said}" if said else "")


def _rated(fact: facts.Rated) -> str:
    return f"caller answers {fact.question} with {fact.key}" + (f", about agent {fact.agent}" if fact.agent else "")


_OUTCOMES: Final = {
    "key": "the caller pressed a key",
    "speech": "the caller spoke",
    "clear": "the line is good again",
    "over": "heard to its end",
    "hung-up": "hung up",
    "gone": "the call ended",
}


_CAUSES_OF_NOISE: Final = {"network": ", packets were lost meanwhile", "place": ", no packets were lost"}


def _line_heard(fact: facts.LineHeard) -> str:
    cause_ = _CAUSES_OF_NOISE.get(fact.cause, "")
    return f"line {fact.verdict} (speech {fact.speech_dbfs} dBFS, noise {fact.noise_dbfs} dBFS{cause_})"


def _call_quality(fact: facts.CallQuality) -> str:
    lost = f"{fact.loss:.1%} of packets lost ({fact.loss_max:.1%} in the worst 5 s)"
    return f"leg {fact.leg} sounded MOS {fact.mos}: {lost}, jitter {fact.jitter_ms} ms, round trip {fact.rtt_ms} ms"


def _situation_ended(fact: facts.SituationEnded) -> str:
    return f"situation {fact.situation} ends at step {fact.step}: {_OUTCOMES[fact.outcome]}"


def _transfer_began(fact: control.TransferBegan) -> str:
    who = f"agent {fact.agent}" if fact.agent else "the flow"
    what = {"blind": "transfers the caller to", "consult": "consults", "flow": "connects the caller to"}[fact.how]
    outside = f"number {mask(fact.number)}" if fact.target == "number" else fact.target.replace(":", " ")
    return f"{who} {what} {outside}"


def _supervised(fact: control.Supervised) -> str:
    ways = {
        "listen": "listens to",
        "whisper": "whispers to",
        "barge": "joins the talk of",
        "take-over": "takes the call from",
    }
    return f"supervisor {fact.by} {ways[fact.how]} agent {fact.agent}"


def _flows_activated(fact: facts.FlowsActivated) -> str:
    held = {name for name, _ in fact.held}
    flows = (f"{name} {version}{' (held)' if name in held else ''}" for name, version in fact.versions)
    return f"flows live by {fact.how} of {fact.by}: {', '.join(flows)}"


def _screening_ended(fact: screening_facts.ScreeningEnded) -> str:
    how = {"expired": "is over by its time", "lifted": f"is lifted by {fact.by}", "erased": "is erased"}[fact.outcome]
    return f"screening {fact.screening} {how}" + (f": {fact.why}" if fact.why else "")


def _closure_changed(fact: facts.ClosureChanged) -> str:
    if not fact.closed:
        return f"hours {fact.hours} no longer closed by hand ({fact.by})"
    until = "until opened" if fact.until is None else f"until {fact.until:.0f}"
    return f"hours {fact.hours} closed by hand {until} ({fact.by}){': ' if fact.reason else ''}{fact.reason}"


def _call_closed(fact: facts.CallClosed) -> str:
    return f"call closed by {fact.by} after {fact.seconds:.1f} s: {cause(fact.cause)}" + (
        f", at {fact.node}" if fact.node else ""
    )


WORDS: Final[Mapping[type[Fact], Words]] = {
    facts.DaemonStarted: "daemon started, run {epoch}",
    facts.FlowsActivated: _flows_activated,
    facts.ClosureChanged: _closure_changed,
    facts.CallOpened: "caller {caller} dialled {dialled} through {via}: flow {flow}, {language}",
    facts.CallRefused: "call refused: {reason}",
    facts.LegOpened: _leg_opened,
    facts.LegClosed: _leg_closed,
    facts.NodeEntered: "flow at {node} ({type})",
    facts.KeyTaken: _key_taken,
    facts.Queued: "joined queue {queue}, position {position}, priority {priority}",
    facts.QueueLeft: _queue_left,
    facts.OfferMade: "offered to agent {agent} on phone {phone}",
    facts.OfferRang: "agent's phone rings",
    facts.OfferEnded: _offer_ended,
    facts.Connected: "connected to agent {agent} after {wait_s:.1f} s in queue {queue}",
    facts.HoldBegan: "agent {agent} puts the caller on hold",
    facts.HoldEnded: "agent {agent} takes the caller back",
    facts.TalkEnded: "talk with agent {agent} ended by {by} after {talk_s:.1f} s",
    control.TransferBegan: _transfer_began,
    control.TransferAnswered: "{transfer} answers",
    control.ConferenceBegan: "caller, agent and {transfer} talk together",
    control.TransferEnded: "transfer or consult {transfer}: {outcome}",
    control.HelpAsked: "agent {agent} calls supervisor {supervisor}",
    control.Supervised: _supervised,
    control.SupervisionEnded: "supervisor {by} leaves agent {agent}'s talk",
    facts.DispositionNoted: "agent {agent} notes: {disposition}",
    facts.AgentChanged: _agent_changed,
    audit.WrapUpExtended: "agent {agent} takes more time after the call ({times})",
    audit.AgentForced: "supervisor {by} puts agent {agent} to {to}: {reason}",
    audit.SurgeStepTaken: _surge_taken,
    audit.SurgeStepUndone: _surge_undone,
    audit.SurgeSwitched: "surge plan {what} by {by}: {why}",
    facts.RecordingWanted: "recording {recording} ordered ({basis}; kept {keep_days} days)",
    facts.RecordingRunning: "recording {recording} runs",
    facts.RecordingRefused: "caller refused to be recorded",
    facts.RecordingMissed: "recording {recording} failed: {reason}",
    facts.RecordingStored: _recording_stored,
    facts.PromptFailed: "prompt not heard to its end: {prompts}",
    facts.LineHeard: _line_heard,
    facts.LineMissed: "line not listened to: {reason}",
    facts.CallQuality: _call_quality,
    facts.LookUpDone: _look_up_done,
    facts.MessageLeft: "caller left message {message} of {seconds:.1f} s in box {box}, to be called back on {back}",
    facts.PromptRecorded: "agent {agent} recorded prompt {prompt} in {language}, {seconds:.1f} s",
    work.WaitTold: _wait_told,
    work.CallbackBooked: "call-back {booking} to {number} booked for queue {queue}",
    work.CallbackDialled: "dialled for call-back {booking}, time {n}",
    work.CallbackMissed: _callback_missed,
    work.CallbackConfirmed: "caller confirms call-back {booking}",
    work.CallbackEnded: _callback_ended,
    work.MessageStored: "message {message} filed: {path}, {size_bytes:,} bytes, kept {keep_days} days",
    work.ItemOpened: "message {message} is to be worked in box {box}",
    work.ItemOffered: "message {message} offered to agent {agent} on {phone}",
    work.ItemOfferEnded: "offer of message {message} to agent {agent}: {outcome}",
    work.ItemTaken: "message {message} taken by {by}",
    work.ItemReturned: "message {message} given back by {by}",
    work.ItemDone: _item_done,
    screening_facts.CallerScreened: "number {number} is screened by {by} for the {times}. time: {why}",
    screening_facts.ScreeningRefused: "number {number} marked by {by} is not screened: {reason}",
    screening_facts.ScreeningEnded: _screening_ended,
    screening_facts.AppealLeft: "message {message} appeals against screening {screening}",
    screening_facts.AppealKept: "screening {screening} is kept by {by}: {why}",
    facts.Rated: _rated,
    facts.SituationBegan: "situation {situation} begins ({where})",
    facts.SituationEnded: _situation_ended,
    facts.TalkLong: "talk with agent {agent} has lasted {seconds:.0f} s: hint for the {for_whom}",
    facts.CallClosed: _call_closed,
}
_CAUSES: Final = {
    16: "normal end",
    17: "busy",
    18: "no response",
    19: "no answer",
    20: "not registered",
    21: "declined",
    26: "answered elsewhere",
    34: "no circuit free",
}


def cause(number: int) -> str:
    """A Q.850 cause in words."""
    return f"{_CAUSES[number]} ({number})" if number in _CAUSES else f"cause {number}"


def sentence(fact: Fact, masked: bool = True) -> str:
    """One fact in plain English; numbers masked unless asked otherwise."""
    words = WORDS[type(fact)]
    if callable(words):
        return words(fact)
    if isinstance(fact, facts.MessageLeft) and not fact.back:
        words = words.partition(", to be")[0]
    values = {field.name: getattr(fact, field.name) for field in fields(fact)}
    for name, table in codec.apart(type(fact).__name__).items():
        if table == "person":
            values[name] = mask(values[name]) if masked else values[name] or WITHHELD
    return words.format(**values)


def timeline(story: CallStory, masked: bool = True) -> list[str]:
    """`+00.000 caller 138****8000 dialled 1860 …`, a line a fact, seconds since the call's first fact."""
    start = story.facts[0].at if story.facts else 0.0
    return [f"+{kept.at - start:06.3f} {sentence(kept.fact, masked)}" for kept in story.facts]
