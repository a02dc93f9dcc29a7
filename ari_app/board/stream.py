"""A phone that begins its RTP stream anew: back from hold, moved by its own PBX, behind another SBC.

Asterisk then decodes nothing of it, for bridges and for recordings, until its packets have greater numbers than
before: up to 11 minutes, in half of all cases (adr/0020). Keys are not touched by it. A leg is heard again in its
bridge once it has left and entered it; in recordings once all that listens to it has been off at the same time.
"""

from ari_app.board import line, recording, transfer, voice
from ari_app.board.floor import Floor
from ari_app.board.records import Call, Resting
from ari_app.model.effects import Join, Leave, StopPlay
from ari_app.model.ids import BridgeId, LegId
from ari_app.model.states import CallState

REST_S = 0.5  # Nothing listens for so long, at least. Asterisk confirms that a recording stopped, not that a line did.
AGAIN_S = 0.5  # A leg that is told something just now is looked at again after so long.
TIMERS = ("stream", "ears")
WAITING = (CallState.QUEUED, CallState.RINGING, CallState.WHISPERING)


def belongs(floor: Floor, call: Call) -> dict[LegId, BridgeId]:
    """Which bridge each leg of the call has to be in."""
    music = voice.music_bridge(voice.music_of(floor, call))
    if call.talk is not None:
        with_agent = {call.talk.leg: call.talk.bridge, call.leg: music if call.talk.away else call.talk.bridge}
        if call.invite is not None and call.invite.answered:
            with_agent[call.invite.leg] = call.talk.bridge
        if call.watch is not None and call.watch.answered:
            with_agent[call.watch.leg] = call.talk.bridge if call.watch.how == "barge" else call.watch.bridge
            with_agent |= {call.watch.snoop: call.watch.bridge} if call.watch.snoop and call.watch.snooping else {}
        return with_agent
    if call.party is not None:
        return {call.leg: call.party.bridge, call.party.leg: call.party.bridge}
    return {call.leg: music} if call.state in (*WAITING, CallState.DIALLING) else {}


def keeps_keys(call: Call, leg: LegId) -> bool:
    """Keys of agents are codes; those of the caller, and of numbers outside, are for who talks with them."""
    return leg != call.leg and call.party is None


def resumed(floor: Floor, call: Call, leg: LegId, now: float) -> None:
    """A phone's own hold is over: many a phone begins anew then, and to be told of it may take 5 s."""
    if call.talk is not None:
        _enters_again(floor, call, leg, now)


def restarted(floor: Floor, call: Call, leg: LegId, now: float) -> None:
    """Make whoever hears the leg hear it again."""
    if call.state is CallState.CLOSING or leg in call.doomed:
        return
    _enters_again(floor, call, leg, now)
    if leg == call.leg:
        _ears_off(floor, call, now)


def _enters_again(floor: Floor, call: Call, leg: LegId, now: float) -> None:
    bridge = belongs(floor, call).get(leg)
    if bridge is None or bridge == voice.music_bridge(voice.music_of(floor, call)):
        return  # Whoever enters a bridge of talks next begins anew in any case.
    talk = call.talk
    if leg == call.leg and call.playback is not None:  # It could be put nowhere before its prompt is over.
        call.deaf = tuple(sorted({*call.deaf, leg}))
        floor.set_timer(call, "stream", now + AGAIN_S)
        return
    if talk is not None and leg == talk.leg and talk.said is not None:
        floor.do(StopPlay(call.id, talk.said))
        talk.said = None
    floor.do(Leave(call.id, bridge, leg), Join(call.id, bridge, leg, keep_keys=keeps_keys(call, leg)))


def timer(floor: Floor, call: Call, name: str, now: float) -> None:
    if name == "ears":
        _rested(floor, call, now)
    else:
        _again(floor, call, now)


def _again(floor: Floor, call: Call, now: float) -> None:
    """Legs that could not be moved when they began anew."""
    deaf, call.deaf = call.deaf, ()
    for leg in deaf:
        if leg in call.legs:
            _enters_again(floor, call, leg, now)


def _ears_off(floor: Floor, call: Call, now: float) -> None:
    """Whatever listens to the caller stops: all together, and for a moment."""
    was = call.resting or Resting()
    records, listens = was.records or call.recording is not None, was.listens or call.line is not None
    if records or listens:
        line.forget(floor, call)
        recording.drop(floor, call)
        call.resting = Resting(records, listens)
        floor.set_timer(call, "ears", now + REST_S)


def _rested(floor: Floor, call: Call, now: float) -> None:
    """They go on, as far as there is still something to listen to."""
    resting = call.resting
    assert resting is not None
    if call.stopping:
        floor.set_timer(call, "ears", now + REST_S)
        return
    call.resting = None
    if resting.records and call.talk is not None:
        recording.order(floor, call, call.talk.agent, call.talk.queue)
    elif resting.records and call.party is not None:
        transfer.record(floor, call)
    if resting.listens:
        line.listen(floor, call)
