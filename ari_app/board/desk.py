"""Feature codes: an agent's phone dials `*11` (sign in), `*12` (ready) …; prompts answer, then the desk hangs up.

Signing in asks for work number and PIN, each ended by `#`. The PIN's digits are marked secret and checked outside.
Every other code needs no PIN: it acts for the agent signed in on that phone.
"""

from ari_app.board import inbox, screening, seats, studio, working
from ari_app.board.floor import Floor
from ari_app.board.records import Desk
from ari_app.model.effects import Answer, CancelTimer, CheckPin, HangUp, MarkSecret, Play, SetTimer, StopPlay, Warn
from ari_app.model.events import AgentAsked, AgentWish, FeatureDialled
from ari_app.model.ids import AgentId, TimerId
from ari_app.model.work import ItemAsked, ItemWish

ASK_S = (
    15.0  # For each of work number and PIN, from the start of the question; for the answer, and for the last prompt.
)
TYPED_MAX = 12


def dialled(floor: Floor, event: FeatureDialled, now: float) -> None:
    """A feature code was dialled."""
    if event.leg in floor.legs:
        return
    desk = Desk(floor.mint.call(), event.leg, event.phone)
    floor.desks[desk.id] = desk
    floor.legs[desk.leg] = desk.id
    seats.phone_taken(floor, desk.phone)
    floor.do(Answer(desk.id, desk.leg))
    if event.dialled == floor.settings.feature_codes.record_prompt:
        desk.records = True
        _ask(floor, desk, "number", "enter-work-number", now)
        return None
    wish, value = _wish(floor, event.dialled)
    if wish == "sign-in":
        _ask(floor, desk, "number", "enter-work-number", now)
        return
    if _is_of_an_item(floor, event.dialled):
        _say(floor, desk, _item(floor, desk, event.dialled, now), now)
        return
    agent = next((s.agent for s in floor.seats.values() if s.phone == desk.phone and s.state != "signed-out"), None)
    if wish is None or agent is None:
        _say(floor, desk, "code-unknown" if wish is None else "not-signed-in", now)
        return
    ok, _ = screening.agent_asked(floor, AgentAsked(agent, wish, value), now)
    _say(floor, desk, _answer(floor, agent, wish) if ok else _refusal(floor, agent, wish), now)


def _wish(floor: Floor, code: str) -> tuple[AgentWish | None, str]:
    codes = floor.settings.feature_codes
    wishes: dict[str, AgentWish] = {
        codes.sign_in: "sign-in",
        codes.ready: "ready",
        codes.not_ready: "not-ready",
        codes.sign_out: "sign-out",
        codes.disposition: "disposition",
        codes.more_time: "extend",
    }
    for prefix, wish in wishes.items():
        if code == prefix or (code.startswith(prefix) and wish in ("not-ready", "disposition")):
            return wish, code.removeprefix(prefix)
    return None, ""


def _is_of_an_item(floor: Floor, code: str) -> bool:
    codes = floor.settings.feature_codes
    return code == codes.item_return or code.startswith(codes.item_done)


def _item(floor: Floor, desk: Desk, code: str, now: float) -> str:
    """The message he works is done, with a disposition perhaps, or goes back. What he hears."""
    agent = next((s.agent for s in floor.seats.values() if s.phone == desk.phone and s.state != "signed-out"), None)
    message = working.worked_by(floor, agent) if agent is not None else None
    if agent is None or message is None:
        return "not-signed-in" if agent is None else "not-possible-now"
    codes = floor.settings.feature_codes
    wish: ItemWish = "return" if code == codes.item_return else "done"
    value = code.removeprefix(codes.item_done) if wish == "done" else ""
    ok, _ = inbox.wish(floor, ItemAsked(message, wish, agent, agent, disposition=value), now)
    if not ok:
        return "disposition-first" if not value else "code-unknown"
    return "disposition-noted" if value else "agent-ready"


def _answer(floor: Floor, agent: AgentId, wish: AgentWish) -> str:
    if wish == "disposition":
        return "disposition-noted"
    if wish == "sign-out":
        return "signed-out"
    if wish == "extend":
        return "more-time"
    return "agent-not-ready" if wish == "not-ready" else "agent-ready"


def _refusal(floor: Floor, agent: AgentId, wish: AgentWish) -> str:
    if wish == "ready" and floor.seats[agent].owes is not None:
        return "disposition-first"
    return "not-possible-now" if wish == "extend" else "code-unknown"


def key(floor: Floor, desk: Desk, digit: str, now: float) -> None:
    """A key at a desk: part of the work number or of the PIN."""
    if desk.studio is not None:
        studio.key(floor, desk, desk.studio, digit, now)
        return
    if digit != "#" and (desk.asking == "pin" or desk.number):  # Also when he types on after the PIN was taken.
        floor.do(MarkSecret())
    if desk.asking not in ("number", "pin"):
        return
    _hush(floor, desk)
    if digit != "#":
        desk.typed = (desk.typed + digit)[:TYPED_MAX]
    elif desk.asking == "number":
        desk.number, desk.typed = desk.typed, ""
        _ask(floor, desk, "pin", "enter-pin", now)
    else:
        pin, desk.typed = desk.typed, ""
        if _is_guessing(floor, desk, now):
            _say(floor, desk, "pin-wrong", now)
            return
        desk.asking = "check"
        _set_timer(floor, desk, now + ASK_S)
        floor.do(CheckPin(desk.leg, AgentId(desk.number), pin))


def _is_guessing(floor: Floor, desk: Desk, now: float) -> bool:
    """Whether too many PINs came from this phone. Each counts as wrong until it is right, so that many at once do."""
    rules = floor.settings.agent_rules
    wrong, since = floor.pins.get(desk.phone, (0, now))
    if now >= since + rules.pin_pause_s:
        wrong, since = 0, now
    if wrong >= rules.pin_tries_max:
        return True
    floor.pins[desk.phone] = wrong + 1, now
    if wrong + 1 == rules.pin_tries_max:
        floor.do(Warn(f"{desk.phone}: {wrong + 1} PINs, none right yet; for {rules.pin_pause_s:g} s none will be"))
    return False


def pin_checked(floor: Floor, desk: Desk, agent: AgentId, ok: bool, now: float) -> None:
    if ok:
        floor.pins.pop(desk.phone, None)
    if desk.records:
        studio.pin_checked(floor, desk, agent, ok, now)
        return
    if desk.asking != "check" or agent != desk.number:
        return
    if not ok:
        _say(floor, desk, "pin-wrong", now)
        return
    granted, _ = seats.ask(floor, AgentAsked(AgentId(desk.number), "sign-in", phone=desk.phone), now)
    _say(floor, desk, "signed-in" if granted else "not-possible-now", now)


def prompt_over(floor: Floor, desk: Desk, playback: str, now: float) -> None:
    if desk.playback == playback:
        desk.playback = None
        if desk.ending:
            _hang_up(floor, desk, now)
        elif desk.studio is not None:
            studio.prompt_over(floor, desk, desk.studio, now)


def timed_out(floor: Floor, desk: Desk, now: float) -> None:
    """Nothing came: goodbye, then hang up, then take the leg for gone."""
    if desk.hung_up:
        floor.do(HangUp(desk.id, desk.leg))
        gone(floor, desk)
        return
    _hush(floor, desk)
    if desk.ending:
        _hang_up(floor, desk, now)
    else:
        _say(floor, desk, "goodbye", now)


def gone(floor: Floor, desk: Desk) -> None:
    """The leg ended; the phone may be rung again."""
    studio.gone(floor, desk)
    floor.do(CancelTimer(_timer(desk)))
    del floor.legs[desk.leg], floor.desks[desk.id]
    floor.mint.forget(desk.id)
    seats.phone_freed(floor, desk.phone)


def missed_events(floor: Floor, desk: Desk, now: float) -> None:
    """The link was lost: the end of a prompt may have been missed."""
    _hush(floor, desk)
    if desk.ending:
        _hang_up(floor, desk, now)
    elif desk.studio is not None:
        studio.prompt_over(floor, desk, desk.studio, now)


def _hang_up(floor: Floor, desk: Desk, now: float) -> None:
    desk.hung_up = True
    floor.do(HangUp(desk.id, desk.leg))
    _set_timer(floor, desk, now + ASK_S)


def _set_timer(floor: Floor, desk: Desk, at: float) -> None:
    desk.due = at
    floor.do(SetTimer(_timer(desk), at))


def _timer(desk: Desk) -> TimerId:
    return TimerId(f"{desk.id}.ask")


def _ask(floor: Floor, desk: Desk, what: str, prompt: str, now: float) -> None:
    desk.asking = what
    desk.playback = floor.playback(desk.id)
    floor.do(Play(desk.id, desk.leg, desk.playback, (prompt,), floor.settings.language))
    _set_timer(floor, desk, now + ASK_S)


def _hush(floor: Floor, desk: Desk) -> None:
    if desk.playback is not None:
        floor.do(StopPlay(desk.id, desk.playback))
        desk.playback = None


def _say(floor: Floor, desk: Desk, prompt: str, now: float) -> None:
    """The last prompt; the desk hangs up after it."""
    desk.asking, desk.ending = "", True
    desk.playback = floor.playback(desk.id)
    floor.do(Play(desk.id, desk.leg, desk.playback, (prompt,), floor.settings.language))
    _set_timer(floor, desk, now + ASK_S)
