"""SIP phones in Python: for the tests, for the demo's scripted call and for `hotline bench`.

    async with Phone("p1", "secret", register=True) as agent, Phone("trunk") as caller:
        agent.on_invite = answer_after(0.2)
        call = await caller.dial("1860", caller="13800138000")
        await call.wait_answered()
        await call.press("1")
        await (await agent.incoming()).wait_answered()

Needs the extra `phones` (aiosipua, aiortp, numpy); nothing else in the product imports this package before a phone
is wanted. `sipp` starts SIPp for load, `measure` times a call by its RTP. Loopback only, G.711, UDP.
"""

from ari_app.phones.call import Call
from ari_app.phones.phone import Phone, Policy, answer_after, manual, reject, ring_only, say_nothing
from ari_app.phones.ports import Ports
from ari_app.phones.sip import PhoneError

__all__ = [
    "Call",
    "Phone",
    "PhoneError",
    "Policy",
    "Ports",
    "answer_after",
    "manual",
    "reject",
    "ring_only",
    "say_nothing",
]
