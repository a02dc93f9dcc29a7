"""A phone that begins its RTP stream anew: back from hold, moved by its own PBX, behind another SBC.

Asterisk then decodes nothing of it, for bridges and for recordings, until its packets have greater numbers than
before: up to 11 minutes, in half of all cases (adr/0020). Keys are not touched by it. A leg is heard again in its
bridge once it has left and entered it; in recordings once all that listens to it has been off at the same time.
"""

from ari_app.board import line, recording, situations, transfer, voice
from ari_app.board.floor import Floor
from ari_app.board.records import Call, Resting
from ari_app.model.effects import Join, Leave, StopPlay, Unlisten
from ari_app.model.ids import BridgeId, LegId
from ari_app.model.states import CallState

REST_S = 0.5  # Nothing listens for so long, at least. Asterisk confirms that a recording stopped, not that a line did.
REST_S_MAX = 10.0  # A stop that is not confirmed by then is waited for no longer.
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
    outside = call.invite is not None and call.invite.leg == leg and call.invite.agent is None
    return leg != call.leg and call.party is None and not outside


def resumed(floor: Floor, call: Call, leg: LegId, now: float) -> None:
    """A phone's own hold is over: many a phone begins anew then, and to be told of it may take 5 s."""
    if (call.talk is not None or call.party is not None) and not _is_busy(call, leg):
        _enters_again(floor, call, leg)
        _again(floor, call, now)


def restarted(floor: Floor, call: Call, leg: LegId, now: float) -> None:
    """Make whoever hears the leg hear it again."""
    if call.state is CallState.CLOSING or leg in call.doomed:
        return
    if _is_busy(call, leg):
        call.deaf = tuple(sorted({*call.deaf, leg}))
        floor.set_timer(call, "stream", now + AGAIN_S)
        return
    _enters_again(floor, call, leg)
    if leg == call.leg:
        _ears_off(floor, call, now)


def _is_busy(call: Call, leg: LegId) -> bool:
    """Whether it can be moved nowhere just now: before his prompt is over, or it would end the agent's hold music."""
    if leg == call.leg and call.playback is not None:
        return True
    return call.talk is not None and call.talk.held and leg != call.talk.leg


def _enters_again(floor: Floor, call: Call, leg: LegId) -> None:
    bridge, talk = belongs(floor, call).get(leg), call.talk
    if bridge is None or bridge == voice.music_bridge(voice.music_of(floor, call)):
        return  # Whoever enters a bridge of talks next begins anew in any case.
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
    """Legs for which nothing could be done when they began anew."""
    deaf, call.deaf = call.deaf, ()
    for leg in deaf:
        if leg in call.legs:
            restarted(floor, call, leg, now)


def _ears_off(floor: Floor, call: Call, now: float) -> None:
    """Whatever listens to the caller stops: all together, and for a moment."""
    was = call.resting or Resting(until=now + REST_S_MAX)
    records, listens = was.records or call.recording is not None, was.listens or call.line is not None
    if not (records or listens or call.listening):
        return
    line.forget(floor, call)
    recording.drop(floor, call)
    if call.listening and call.resting is None:
        floor.do(Unlisten(call.id, call.leg))
    call.resting = Resting(records, listens, call.listening, was.until)
    floor.set_timer(call, "ears", now + REST_S)


def _rested(floor: Floor, call: Call, now: float) -> None:
    """They go on, as far as there is still something to listen to."""
    resting = call.resting
    assert resting is not None
    if (call.stopping and now < resting.until) or (resting.speech and call.playback is not None):
        floor.set_timer(call, "ears", now + REST_S)
        return
    call.resting = None
    if resting.records and call.talk is not None:
        recording.order(floor, call, call.talk.agent, call.talk.queue)
    elif resting.records and call.party is not None:
        transfer.record(floor, call)
    if resting.listens:
        line.listen(floor, call)
    if resting.speech:
        situations.listen(floor, call)
