"""The recording of a talk: ordered when caller and agent are joined, tried again while it fails, joined at the end."""

from ari_app.board.floor import Floor
from ari_app.board.records import Call
from ari_app.model.effects import JoinRecording, StartRecording, StopRecording, Warn
from ari_app.model.facts import RecordingMissed, RecordingRunning, RecordingWanted
from ari_app.model.ids import AgentId, QueueName, RecordingId

RECORD_AGAIN_S = 2.0  # Between tries to record while a talk goes on unrecorded.


def order(floor: Floor, call: Call, agent: AgentId, queue: QueueName) -> None:
    policy = floor.settings.queues[queue].recording
    if policy.policy == "never" or call.recording_refused:
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
    floor.set_timer(call, "record-again", now + RECORD_AGAIN_S)


def again(floor: Floor, call: Call) -> None:
    if call.recording is not None and not call.recording_on:
        floor.do(StartRecording(call.id, call.leg, call.recording))


def drop(floor: Floor, call: Call) -> None:
    """The talk is over: stop, and make one file of the two sides."""
    if call.recording is None:
        return
    recording, call.recording = call.recording, None
    floor.cancel_timer(call, "record-again")
    if call.leg in call.legs:
        floor.do(StopRecording(call.id, call.leg, recording))
    if call.recording_on or not call.recording_missed:  # Else its failure is known, and there is nothing to join.
        floor.do(JoinRecording(call.id, recording))
