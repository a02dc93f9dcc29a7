"""State machines as tables; the documentation's diagrams are drawn from them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class AgentState(StrEnum):
    SIGNED_OUT = "signed-out"
    NOT_READY = "not-ready"
    READY = "ready"
    RESERVED = "reserved"  # The phone rings, or the whisper is heard.
    TALKING = "talking"
    WRAP_UP = "wrap-up"
    WORKING = "working"  # A message; callers do not interrupt it.


class AgentMove(StrEnum):
    SIGN_IN = "sign-in"
    GO_READY = "go-ready"
    GO_NOT_READY = "go-not-ready"
    SIGN_OUT = "sign-out"
    OFFER = "offer"
    OFFER_LOST = "offer-lost"  # Declined, ran out too often, unreachable: not ready, with the reason.
    OFFER_RAN_OUT = "offer-ran-out"  # Not answered in time, but not yet too often in a row.
    OFFER_WITHDRAWN = "offer-withdrawn"  # The caller hung up first.
    CONNECT = "connect"
    TAKE_OVER = "take-over"  # A supervisor takes an agent's call.
    TALK_ENDS = "talk-ends"
    WRAP_UP_ENDS = "wrap-up-ends"
    DISPOSITION_MISSING = "disposition-missing"  # The time is up, and the queue requires a disposition.
    PHONE_LOST = "phone-lost"
    PHONE_BACK = "phone-back"
    TAKE_ITEM = "take-item"  # A message: he answered the phone that rang for it, or took it by hand while ready.
    WORK_ENDS = "work-ends"  # It is done, given back, or was his for too long.


AGENT: Final[Mapping[AgentState, Mapping[AgentMove, AgentState]]] = {
    AgentState.SIGNED_OUT: {AgentMove.SIGN_IN: AgentState.NOT_READY},
    AgentState.NOT_READY: {
        AgentMove.SIGN_IN: AgentState.NOT_READY,
        AgentMove.GO_READY: AgentState.READY,
        AgentMove.GO_NOT_READY: AgentState.NOT_READY,
        AgentMove.PHONE_BACK: AgentState.READY,
        AgentMove.SIGN_OUT: AgentState.SIGNED_OUT,
        AgentMove.TAKE_OVER: AgentState.TALKING,
    },
    AgentState.READY: {
        AgentMove.GO_READY: AgentState.READY,
        AgentMove.GO_NOT_READY: AgentState.NOT_READY,
        AgentMove.PHONE_LOST: AgentState.NOT_READY,
        AgentMove.SIGN_OUT: AgentState.SIGNED_OUT,
        AgentMove.OFFER: AgentState.RESERVED,
        AgentMove.TAKE_ITEM: AgentState.WORKING,
        AgentMove.TAKE_OVER: AgentState.TALKING,
    },
    AgentState.RESERVED: {
        AgentMove.CONNECT: AgentState.TALKING,
        AgentMove.TAKE_ITEM: AgentState.WORKING,
        AgentMove.OFFER_LOST: AgentState.NOT_READY,
        AgentMove.OFFER_RAN_OUT: AgentState.READY,
        AgentMove.OFFER_WITHDRAWN: AgentState.READY,
    },
    AgentState.TALKING: {AgentMove.TALK_ENDS: AgentState.WRAP_UP},
    AgentState.WRAP_UP: {
        AgentMove.GO_READY: AgentState.READY,
        AgentMove.GO_NOT_READY: AgentState.NOT_READY,
        AgentMove.SIGN_OUT: AgentState.SIGNED_OUT,
        AgentMove.WRAP_UP_ENDS: AgentState.READY,
        AgentMove.DISPOSITION_MISSING: AgentState.NOT_READY,
    },
    AgentState.WORKING: {
        AgentMove.WORK_ENDS: AgentState.READY,
        AgentMove.GO_NOT_READY: AgentState.NOT_READY,
        AgentMove.SIGN_OUT: AgentState.SIGNED_OUT,
    },
}
"""A wish to be not ready or to sign out while reserved, talking or working is kept and carried out when that ends."""

SIGNED_IN: Final = "signed-in"
RING_NO_ANSWER: Final = "ring-no-answer"
DECLINED: Final = "declined"
UNREACHABLE: Final = "unreachable"
PHONE_UNREACHABLE: Final = "phone-unreachable"
DISPOSITION_MISSING: Final = "disposition-missing"
WORKED_TOO_LONG: Final = "worked-too-long"
SUPERVISOR: Final = "supervisor"
UNSPECIFIED: Final = "unspecified"

NOT_READY_REASONS: Final[Mapping[str, str]] = {
    SIGNED_IN: "Signed in, and has not said yet that he is ready.",
    RING_NO_ANSWER: "Let `agent_rules.ran_out_max` offers in a row run out.",
    DECLINED: "Refused an offer on the phone, or hung up before the talk.",
    UNREACHABLE: "His phone could not be rung.",
    PHONE_UNREACHABLE: "His phone is no longer registered, or does not answer.",
    DISPOSITION_MISSING: "His queue requires a disposition, and after-call work ended without one.",
    WORKED_TOO_LONG: "Had a message for the `work_s_max` of its box; it went back.",
    SUPERVISOR: "A supervisor said so; the fact AgentForced holds who and why.",
    UNSPECIFIED: "He said so, and gave no reason.",
}
"""Reasons the hotline itself gives; agents give those of `agent_rules.not_ready_reasons`."""


class CallState(StrEnum):
    IN_FLOW = "in-flow"
    QUEUED = "queued"
    RINGING = "ringing"  # Queued, and an agent's phone rings.
    WHISPERING = "whispering"  # The agent answered and hears the whisper; the caller still hears music.
    TALKING = "talking"  # With an agent; also on hold, while he consults, and in a three-way talk.
    DIALLING = "dialling"  # Transferred: somebody's phone rings for the caller, who hears music.
    OUTSIDE = "outside"  # Talking to a number outside.
    CALLING_BACK = "calling-back"  # A call-back: the caller is dialled, and asked whether he is there.
    CLOSING = "closing"  # Being hung up; waits for the last leg.


class CallMove(StrEnum):
    ENQUEUE = "enqueue"
    OFFER = "offer"
    OFFER_ENDS = "offer-ends"
    AGENT_ANSWERS = "agent-answers"
    CONNECT = "connect"
    LEAVE_QUEUE = "leave-queue"  # Time-out, or a choice while waiting: back into the flow.
    TALK_ENDS = "talk-ends"
    DIAL = "dial"  # A leg is rung for the caller himself, outside every queue.
    DIAL_FAILS = "dial-fails"
    AGENT_JOINS = "agent-joins"
    PARTY_JOINS = "party-joins"
    PARTY_LEAVES = "party-leaves"
    CLOSE = "close"


CALL: Final[Mapping[CallState, Mapping[CallMove, CallState]]] = {
    CallState.IN_FLOW: {
        CallMove.ENQUEUE: CallState.QUEUED,
        CallMove.DIAL: CallState.DIALLING,
        CallMove.CLOSE: CallState.CLOSING,
    },
    CallState.QUEUED: {
        CallMove.OFFER: CallState.RINGING,
        CallMove.LEAVE_QUEUE: CallState.IN_FLOW,
        CallMove.CLOSE: CallState.CLOSING,
    },
    CallState.RINGING: {
        CallMove.OFFER_ENDS: CallState.QUEUED,
        CallMove.AGENT_ANSWERS: CallState.WHISPERING,
        CallMove.CLOSE: CallState.CLOSING,
    },
    CallState.WHISPERING: {
        CallMove.OFFER_ENDS: CallState.QUEUED,
        CallMove.CONNECT: CallState.TALKING,
        CallMove.CLOSE: CallState.CLOSING,
    },
    CallState.TALKING: {
        CallMove.TALK_ENDS: CallState.IN_FLOW,
        CallMove.PARTY_JOINS: CallState.OUTSIDE,
        CallMove.CLOSE: CallState.CLOSING,
    },
    CallState.DIALLING: {
        CallMove.AGENT_JOINS: CallState.TALKING,
        CallMove.PARTY_JOINS: CallState.OUTSIDE,
        CallMove.DIAL_FAILS: CallState.IN_FLOW,
        CallMove.CLOSE: CallState.CLOSING,
    },
    CallState.CALLING_BACK: {CallMove.ENQUEUE: CallState.QUEUED, CallMove.CLOSE: CallState.CLOSING},
    CallState.OUTSIDE: {CallMove.PARTY_LEAVES: CallState.IN_FLOW, CallMove.CLOSE: CallState.CLOSING},
    CallState.CLOSING: {},
}
