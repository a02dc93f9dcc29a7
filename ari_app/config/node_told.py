"""What docs/nodes.md says of each type besides its keys: what is heard, what it needs, a call that shows it."""

from typing import Final, NamedTuple


class Told(NamedTuple):
    """`call` is a transcript of tests/calls in which the node is entered."""

    hears: str
    needs: str
    call: str


TOLD: Final = {
    "greet": Told(
        "One greeting: the festival's, else the VIP's, else by the clock. Nothing when he has typed ahead.",
        "Nothing; `vip` counts once a `lookup` or `set` has given that variable a value.",
        "greeting/vip.call",
    ),
    "play": Told(
        "The prompts, one after another; a key ends them. Nothing when he has typed ahead.",
        "A value said must have been given one, and not be a secret.",
        "balance/told.call",
    ),
    "menu": Told(
        "The prompts, then `wait_s` of silence. After a wrong key or none: `wrong_key` or `no_key`, and the prompts"
        " again. Nothing when the key was typed ahead.",
        "A way to a `queue` while open (F031).",
        "wrong_keys.call",
    ),
    "collect": Told(
        "The prompts until the first digit. After too few or none: `too_few` or `no_key`, and the prompts again.",
        "`min` not above `max`. A `secret` is nowhere said (F027).",
        "message_desk/too_few.call",
    ),
    "confirm": Told(
        "What is read back. After a wrong key or none: that it was wrong or missing, and all of it again.",
        "The values said must have been given.",
        "message_desk/confirm_wrong_keys.call",
    ),
    "hours": Told(
        "Nothing.",
        "The opening hours stand in config.yaml and open at some time (F033).",
        "hours/holiday.call",
    ),
    "branch": Told(
        "Nothing.",
        "The variables of `when` are given a value somewhere in the flow (F024).",
        "english.call",
    ),
    "set": Told(
        "Nothing.",
        "The variables read are given a value somewhere in the flow (F024).",
        "self_service/lost_sim_own_phone.call",
    ),
    "lookup": Told(
        "`say`, then silence until the answer comes, `timeout_s` at most. Keys pressed meanwhile are kept.",
        "Exactly one of `agi`, `http` and `sql` (F028); the handler, service or query is there.",
        "balance/look_up_too_slow.call",
    ),
    "queue": Told(
        "`say` and music; the notice where the queue records; his place when it falls; the choices, if any. Then the"
        " agent.",
        "The queue stands in config.yaml, and some agent has its skills (F037).",
        "happy_path.call",
    ),
    "transfer": Told(
        "`say` and music until the other side answers.",
        "Exactly one of `agent`, `number` and `directory` (F047); a number that `outbound.permitted` allows (F046).",
        "transfer/answered.call",
    ),
    "voicemail": Told(
        "`say` and a tone; then he speaks.",
        "Nothing; a box without an entry under `boxes` has the defaults.",
        "hours/after_hours_message.call",
    ),
    "callback": Told(
        "`say`, his number and what to press; or that he type one. Then that it is booked, was already, or cannot be.",
        "`outbound` permits the number (F050).",
        "call_back/another_number.call",
    ),
    "language": Told(
        "Nothing.",
        "The prompts that follow have audio in that language (F021).",
        "english.call",
    ),
    "subflow": Told(
        "What the other flow says.",
        "The flow is there and does not run this one again before it returns (F038); it lists what is sent (F036).",
        "password/wrong_then_right.call",
    ),
    "return": Told(
        "Nothing; in a flow that was not called, a goodbye.",
        "A `subflow` calls this flow (F041).",
        "password/wrong_then_right.call",
    ),
    "survey": Told(
        "The question once; it is not repeated.",
        "Nothing. After a talk: it is the `next` or `survey` of a `queue`.",
        "survey/key_2.call",
    ),
    "situation": Told(
        "The script's prompts and its waits.",
        "The situation has `steps`, and its `allowed` has `in-flow` (F043, F044).",
        "situations/silent_true_times.call",
    ),
    "goto": Told(
        "Nothing.",
        "Not back to itself without a wait on the way (F023).",
        "self_service/wrong_keys.call",
    ),
    "hangup": Told(
        "`holiday` or `weekend` when it is one, then `say`; then the line is closed.",
        "Nothing.",
        "goodbye/friday.call",
    ),
}
