"""The recording of a talk: ordered when caller and agent are joined, tried again while it fails, joined at the end."""

from dataclasses import replace

from ari_app.board import line, voice
from ari_app.board.floor import Floor
from ari_app.board.records import Call
from ari_app.model.effects import JoinRecording, StartRecording, StopRecording, Warn
from ari_app.model.events import RecordingJoined, RecordingStarted, RecordingStopped, RecordingUnusable
from ari_app.model.facts import RecordingMissed, RecordingRunning, RecordingStored, RecordingWanted
from ari_app.model.ids import AgentId, QueueName, RecordingId, call_of

RECORD_AGAIN_S = 2.0  # Between tries to record while a talk goes on unrecorded.


def order(floor: Floor, call: Call, agent: AgentId, queue: QueueName) -> None:
    policy = floor.settings.queues[queue].recording
    if policy.policy == "never" or call.recording_refused:
        return
    if call.resting is not None:
        call.resting = replace(call.resting, records=True)
        return
    call.recording = RecordingId(floor.mint.part(call.id, "r"))
    call.recording_on = call.recording_missed = False
    floor.note(RecordingWanted(call.id, call.recording, queue, agent, policy.basis, policy.keep_days))
    if call.untold:
        call.recording_missed = True
        floor.note(RecordingMissed(call.id, call.recording, "the caller could not be told of it"))
        floor.do(Warn("not recorded: the recording notice could not be played", call.id))
        call.recording = None
    else:
        floor.do(StartRecording(call.id, call.leg, call.recording))


def told(floor: Floor, event: RecordingStarted | RecordingStopped | RecordingJoined | RecordingUnusable) -> None:
    """What became of an order; the call may be over."""
    owner = call_of(event.recording)
    assert owner is not None
    call = floor.calls.get(owner)
    match event:
        case RecordingStarted(name) if call is not None:
            started(floor, call, name)
        case RecordingStopped(name) if call is not None:
            stopped(floor, call, name)
        case RecordingJoined(name, path, seconds, size, sha256):
            floor.note(RecordingStored(owner, name, path, seconds, size, sha256))
        case RecordingUnusable(name, reason):
            floor.note(RecordingMissed(owner, name, reason))
            floor.do(Warn(f"recording {name} unusable: {reason}", owner))
        case _:
            pass


def started(floor: Floor, call: Call, recording: RecordingId) -> None:
    if call.recording == recording and not call.recording_on:
        call.recording_on = True
        floor.note(RecordingRunning(call.id, recording))


def failed(floor: Floor, call: Call, recording: str, reason: str, now: float) -> None:
    """Unrecorded, and noticed: a fact, a warning, and another try while the talk lasts."""
    if call.recording != recording or call.recording_on:
        return
    if not call.recording_missed:
        call.recording_missed = True
        floor.note(RecordingMissed(call.id, call.recording, reason))
        floor.do(Warn(f"not recorded: {reason}", call.id))
    line.apart(floor, call)
    floor.set_timer(call, "record-again", now + RECORD_AGAIN_S)


def again(floor: Floor, call: Call) -> None:
    if call.recording is not None and not call.recording_on:
        floor.do(StartRecording(call.id, call.leg, call.recording))


def drop(floor: Floor, call: Call) -> None:
    """The talk is over: stop, and make one file of the two sides."""
    if call.resting is not None:
        call.resting = replace(call.resting, records=False)
    if call.recording is None:
        return
    line.apart(floor, call)
    recording, call.recording = call.recording, None
    floor.cancel_timer(call, "record-again")
    if call.leg in call.legs:
        stop(floor, call, recording)
    if call.recording_on or not call.recording_missed:  # Else its failure is known, and there is nothing to join.
        floor.do(JoinRecording(call.id, recording))


def stop(floor: Floor, call: Call, recording: RecordingId) -> None:
    """Until Asterisk has confirmed it, whatever the caller says or types may still be recorded."""
    call.stopping = (*call.stopping, recording)
    floor.do(StopRecording(call.id, call.leg, recording))


def stopped(floor: Floor, call: Call, recording: RecordingId) -> None:
    """A question for a secret that waited for this is asked now."""
    call.stopping = tuple(each for each in call.stopping if each != recording)
    if not call.stopping and call.unasked is not None:
        prompts, call.unasked = call.unasked, None
        floor.cancel_timer(call, "unasked")
        voice.say(floor, call, prompts)
