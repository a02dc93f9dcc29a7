"""What is heard of one leg, or of a prompt, is told to whom it belongs: a call, a desk, or somebody who is offered a
message. Of a leg that is nobody's, only that it answered or ended counts."""

from ari_app.board import call as calls
from ari_app.board import callback, control, desk, invite, link, offers, stream, talk, walk, working
from ari_app.board.floor import Floor
from ari_app.board.records import Call, Desk, ItemOffer
from ari_app.model.effects import HangUp
from ari_app.model.events import (
    KeyPressed,
    LegAnswered,
    LegEnded,
    LegHeld,
    LegResumed,
    LegRinging,
    PlaybackEnded,
    SpeechBegan,
    SpeechEnded,
    StreamRestarted,
)
from ari_app.model.ids import CallId, LegId, call_of
from ari_app.model.states import CallState


def owner_of(floor: Floor, leg: LegId) -> Call | Desk | ItemOffer | None:
    """Whose it is."""
    owner = floor.legs.get(leg, CallId(""))
    return floor.calls.get(owner) or floor.desks.get(owner) or floor.item_offers.get(owner)


def rings(floor: Floor, event: LegRinging, now: float) -> None:
    match owner_of(floor, event.leg):
        case Call() as call:
            offers.ringing(floor, call, event.leg)
            invite.ringing(floor, call, event.leg)
        case ItemOffer() as its:
            working.ringing(floor, its, now)


def answered(floor: Floor, event: LegAnswered, now: float) -> None:
    match owner_of(floor, event.leg):
        case Call(state=CallState.CALLING_BACK) as call:
            callback.answered(floor, call, now)
        case Call() as call:
            if not control.leg_answered(floor, call, event.leg, now):
                offers.agent_answered(floor, call, event.leg, now)
        case ItemOffer() as its:
            working.answered(floor, its, now)
        case None:
            floor.do(HangUp(link.NO_CALL, event.leg))  # Its offer was given up: nobody would ever talk to him.


def ended(floor: Floor, event: LegEnded, now: float) -> None:
    match owner_of(floor, event.leg):
        case Call() as call:
            calls.leg_ended(floor, call, event, now)
        case ItemOffer() as its:
            working.ended(floor, its, event.cause, now)
        case Desk() as its:
            desk.gone(floor, its)
        case None:
            link.orphan_ended(floor, event.leg, now)


def key(floor: Floor, event: KeyPressed, now: float) -> None:
    match owner_of(floor, event.leg):
        case Call(state=CallState.CALLING_BACK) as call:
            callback.key(floor, call, event.digit, now)
        case Call() as call if event.leg != call.leg:
            control.key(floor, call, event.leg, event.digit, now)
        case Call() as call:
            walk.key(floor, call, event.leg, event.digit, now)
        case ItemOffer() as its:
            working.key(floor, its, event.digit, now)
        case Desk() as its:
            desk.key(floor, its, event.digit, now)


def held(floor: Floor, event: LegHeld | LegResumed, now: float) -> None:
    """Nobody else can be put on hold: who looks through a message hears it, and a desk has no leg but his."""
    if isinstance(call := owner_of(floor, event.leg), Call):
        talk.held(floor, call, event.leg, isinstance(event, LegHeld))
        if isinstance(event, LegResumed):
            stream.resumed(floor, call, event.leg, now)


def spoke(floor: Floor, event: SpeechBegan | SpeechEnded, now: float) -> None:
    if isinstance(call := owner_of(floor, event.leg), Call):
        walk.speech(floor, call, event, now)


def began_anew(floor: Floor, event: StreamRestarted, now: float) -> None:
    if isinstance(call := owner_of(floor, event.leg), Call):
        stream.restarted(floor, call, event.leg, now)


def playback(floor: Floor, event: PlaybackEnded, now: float) -> None:
    playback = event.playback
    owner = call_of(playback)
    if owner in floor.calls:
        calls.prompt_over(floor, floor.calls[owner], playback, event.ok, now)
    elif owner in floor.desks:
        desk.prompt_over(floor, floor.desks[owner], playback, now)
    elif owner in floor.item_offers:
        working.prompt_over(floor, floor.item_offers[owner], playback, now)
