"""What a caller hears: prompts on his leg, music, and silence before his leg is joined elsewhere."""

from ari_app.board.floor import Floor
from ari_app.board.records import Call
from ari_app.model.effects import Join, Leave, MakeBridge, Play, StopPlay
from ari_app.model.ids import BridgeId


def say(floor: Floor, call: Call, prompts: tuple[str, ...]) -> None:
    call.playback = floor.playback(call.id)
    floor.do(Play(call.id, call.leg, call.playback, prompts, call.language, call.audio))


def hush(floor: Floor, call: Call) -> None:
    """Stop what the caller hears; must stand before any Join or Leave of that leg (asterisk.md: requests wait)."""
    floor.cancel_timer(call, "prompt")
    if call.unasked is not None:
        call.unasked = None
        floor.cancel_timer(call, "unasked")
    if call.playback is not None:
        floor.do(StopPlay(call.id, call.playback))
        call.playback = call.notice = None


def music_bridge(music: str) -> BridgeId:
    """The holding bridge of a music class: one for all waiting callers, the same over boots."""
    return BridgeId(f"music-{music}")


def music_of(floor: Floor, call: Call) -> str:
    """The music class of the queue he is, or was, in; before any queue: the first one there is."""
    queues = floor.settings.queues
    return queues[call.queue.queue].music if call.queue else min((q.music for q in queues.values()), default="default")


def to_music(floor: Floor, call: Call) -> None:
    call.music = "joined"
    join_music(floor, call)


def join_music(floor: Floor, call: Call) -> None:
    music = music_of(floor, call)
    floor.do(Join(call.id, music_bridge(music), call.leg, music=music))


def from_music(floor: Floor, call: Call) -> None:
    floor.do(Leave(call.id, music_bridge(music_of(floor, call)), call.leg))


def music_again(floor: Floor, call: Call) -> None:
    """Joining him to his music failed because one of them is gone: if it was the music, it is made anew, once."""
    if call.music != "joined":
        return
    music = music_of(floor, call)
    floor.do(MakeBridge(None, music_bridge(music), "holding", music))
    to_music(floor, call)
    call.music = "joined again"
