"""The hotline of the chaos cases, laid over the sample: for each phase a number, a flow, a queue and agents."""

from typing import Any, Final

LOAD_AGENTS: Final = tuple(str(9101 + n) for n in range(40))
AGENTS: Final[dict[str, tuple[str, ...]]] = {
    # The first of each queue has its skill, the second none of any queue: he is consulted, or transferred to.
    "lines": ("9001",),
    "menu": ("9002",),
    "ringing": ("9003",),
    "answered": ("9004",),
    "talk": ("9005",),
    "hold": ("9006",),
    "consult-ringing": ("9007", "9008"),
    "consulting": ("9009", "9010"),
    "completing": ("9011", "9012"),
    "returned": ("9013", "9014"),
    "blind": ("9015", "9016"),
    "wrap-up": ("9017",),
    "booked": ("9018",),
    "vanishing": ("9019", "9020"),
}
NUMBERS: Final = {queue: str(1870 + n) for n, queue in enumerate(AGENTS)}  # Dialled, it leads into that queue at once.
MENU: Final = "1890"  # Greeting, menu, and with 1 to the queue load, with 2 to menu.
BOOKING: Final = "1891"  # Books a call-back in the queue booked.
WRAP_UP_S: Final = 15

_QUEUE: Final[dict[str, Any]] = {
    "wrap_up_s": 0,
    "ring_s": 30,
    "whisper": "",
    "announce_every_s": 0,
    "announce_position": False,
    "announce_wait": False,
    "recording": {"policy": "never"},
}
_SPECIAL: Final[dict[str, dict[str, Any]]] = {
    "answered": {"whisper": "voicemail-ask"},  # Long: the fault hits in the middle of it.
    "talk": {"recording": {"policy": "always"}},
    "wrap-up": {"wrap_up_s": WRAP_UP_S},
    "vanishing": {"policy": "most-skilled"},
}
_QUEUES: Final = (*AGENTS, "load")


def _flow(queue: str) -> str:
    return f"to_{queue.replace('-', '_')}"


FLOWS: Final[dict[str, dict[str, Any]]] = {
    **{_flow(queue): {"start": "q", "nodes": {"q": {"type": "queue", "queue": queue}}} for queue in _QUEUES},
    "chaos_menu": {
        "start": "greeting",
        "nodes": {
            "greeting": {"type": "greet", "next": "menu"},
            "menu": {"type": "menu", "say": ["main-menu"], "keys": {"1": "load", "2": "q"}, "wait_s": 20},
            "load": {"type": "queue", "queue": "load"},
            "q": {"type": "queue", "queue": "menu"},
        },
    },
    "chaos_booking": {
        "start": "book",
        "nodes": {"book": {"type": "callback", "queue": "booked", "next": "bye"}, "bye": {"type": "hangup"}},
    },
}


def _agents() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for queue, (first, *others) in AGENTS.items():
        found[first] = {"phone": f"p{first}", "skills": {queue: 3}, "may": ["transfer-blind"]}
        skill = queue if queue == "vanishing" else "spare"
        found |= {other: {"phone": f"p{other}", "skills": {skill: 1}} for other in others}
    return found | {n: {"phone": f"load{i}", "skills": {"load": 3}} for i, n in enumerate(LOAD_AGENTS, 1)}


CHANGES: Final[dict[str, Any]] = {
    "numbers": {
        **{NUMBERS[queue]: {"flow": _flow(queue)} for queue in AGENTS},
        MENU: {"flow": "chaos_menu"},
        BOOKING: {"flow": "chaos_booking"},
    },
    "skills": {name: "chaos" for name in (*_QUEUES, "spare")},
    "queues": {queue: {"skills": {queue: 1}, **_QUEUE, **_SPECIAL.get(queue, {})} for queue in _QUEUES},
    "agents": _agents(),
    "phones": {each["phone"]: {} for each in _agents().values() if not each["phone"].startswith("load")},
    "agent_rules": {"no_ringing_s": 3, "hold_reminders_s": []},
    "callbacks": {"window": ["00:00-24:00"]},
    "surge": {"waiting": 100, "rush": 200},
    "limits": {"drain_s": 2, "disk_free_mb": 20},
    "log": {"format": "json"},
}
