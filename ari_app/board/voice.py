"""What a caller hears: prompts on his leg, and silence before his leg is joined elsewhere."""

from ari_app.board.floor import Call, Floor
from ari_app.model.effects import Play, StopPlay
from ari_app.model.ids import BridgeId


def say(floor: Floor, call: Call, prompts: tuple[str, ...]) -> None:
    call.playback = floor.playback(call.id)
    floor.do(Play(call.id, call.leg, call.playback, prompts, call.language, call.audio))


def hush(floor: Floor, call: Call) -> None:
    """Stop what the caller hears; must stand before any Join or Leave of that leg (asterisk.md: requests wait)."""
    floor.cancel_timer(call, "prompt")
    if call.playback is not None:
        floor.do(StopPlay(call.id, call.playback))
        call.playback = call.notice = None


def music_bridge(music: str) -> BridgeId:
    """The holding bridge of a music class: one for all waiting callers, the same over boots."""
    return BridgeId(f"music-{music}")
