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


class AgentMove(StrEnum):
    SIGN_IN = "sign-in"
    GO_READY = "go-ready"
    GO_NOT_READY = "go-not-ready"
    SIGN_OUT = "sign-out"
    OFFER = "offer"
    OFFER_LOST = "offer-lost"  # Declined, ran out, unreachable: not ready, with the reason.
    OFFER_WITHDRAWN = "offer-withdrawn"  # The caller hung up first.
    CONNECT = "connect"
    TALK_ENDS = "talk-ends"
    WRAP_UP_ENDS = "wrap-up-ends"


AGENT: Final[Mapping[AgentState, Mapping[AgentMove, AgentState]]] = {
    AgentState.SIGNED_OUT: {AgentMove.SIGN_IN: AgentState.NOT_READY},
    AgentState.NOT_READY: {
        AgentMove.SIGN_IN: AgentState.NOT_READY,
        AgentMove.GO_READY: AgentState.READY,
        AgentMove.GO_NOT_READY: AgentState.NOT_READY,
        AgentMove.SIGN_OUT: AgentState.SIGNED_OUT,
    },
    AgentState.READY: {
        AgentMove.GO_READY: AgentState.READY,
        AgentMove.GO_NOT_READY: AgentState.NOT_READY,
        AgentMove.SIGN_OUT: AgentState.SIGNED_OUT,
        AgentMove.OFFER: AgentState.RESERVED,
    },
    AgentState.RESERVED: {
        AgentMove.CONNECT: AgentState.TALKING,
        AgentMove.OFFER_LOST: AgentState.NOT_READY,
        AgentMove.OFFER_WITHDRAWN: AgentState.READY,
    },
    AgentState.TALKING: {AgentMove.TALK_ENDS: AgentState.WRAP_UP},
    AgentState.WRAP_UP: {
        AgentMove.GO_READY: AgentState.READY,
        AgentMove.GO_NOT_READY: AgentState.NOT_READY,
        AgentMove.SIGN_OUT: AgentState.SIGNED_OUT,
        AgentMove.WRAP_UP_ENDS: AgentState.READY,
    },
}
"""A wish to be not ready or to sign out while reserved or talking is kept and carried out when that ends."""


class CallState(StrEnum):
    IN_FLOW = "in-flow"
    QUEUED = "queued"
    RINGING = "ringing"  # Queued, and an agent's phone rings.
    WHISPERING = "whispering"  # The agent answered and hears the whisper; the caller still hears music.
    TALKING = "talking"
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
    CLOSE = "close"


CALL: Final[Mapping[CallState, Mapping[CallMove, CallState]]] = {
    CallState.IN_FLOW: {CallMove.ENQUEUE: CallState.QUEUED, CallMove.CLOSE: CallState.CLOSING},
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
    CallState.TALKING: {CallMove.TALK_ENDS: CallState.IN_FLOW, CallMove.CLOSE: CallState.CLOSING},
    CallState.CALLING_BACK: {CallMove.ENQUEUE: CallState.QUEUED, CallMove.CLOSE: CallState.CLOSING},
    CallState.CLOSING: {},
}
