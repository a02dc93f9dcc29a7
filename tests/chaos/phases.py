"""Where calls are when the fault hits. Each phase is a story with a gap in it: it brings its callers there, yields how
many they are, and, after the fault, shows that each of them is still served. `Lost` says who is not."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from typing import Final, TypeAlias

from ari_app.phones.call import Call
from ari_app.phones.phone import Phone
from ari_app.phones.sip import PhoneError
from tests.chaos.house import House
from tests.chaos.site import AGENTS, BOOKING, MENU, NUMBERS, WRAP_UP_S

Phase: TypeAlias = Callable[[House], AsyncGenerator[int, None]]

LINES: Final = 3  # Callers waiting in line.
SERVED_S: Final = 20.0  # Within this each caller must have an agent again.
FRESH: Final = (700, 1000)  # Tones after the fault: others than before it.


class Lost(Exception):
    """Callers who are not served any more, and whether the others were served in order."""

    def __init__(self, count: int, why: str, in_order: bool = True) -> None:
        super().__init__(why)
        self.count, self.in_order = count, in_order


async def both(caller: Call, agent: Call, hz: tuple[int, int] = (600, 900), timeout_s: float = 10) -> None:
    """Each hears the other, from now on."""
    await agent.wait_answered()
    caller.play_tone(hz[0])
    agent.play_tone(hz[1])
    await asyncio.gather(caller.wait_tone(hz[1], timeout_s), agent.wait_tone(hz[0], timeout_s))


async def takes(phone: Phone, caller: Call, hz: tuple[int, int] = FRESH) -> Call:
    """The agent's phone is rung and answers; a ringing that ends before that is followed by another. PhoneError."""
    async with asyncio.timeout(SERVED_S):
        while True:
            theirs = await phone.incoming(SERVED_S)
            if theirs.ended.is_set():
                continue
            theirs.ring()
            await theirs.answer()
            try:
                await both(caller, theirs, hz)
            except (PhoneError, TimeoutError):
                if caller.ended.is_set() or not theirs.ended.is_set():
                    raise
            else:
                return theirs


async def connected(at: House, queue: str) -> tuple[Call, Call]:
    """A new caller of the queue talks with its agent, for longer than facts take to be written down."""
    phone = await at.ready(AGENTS[queue][0])
    call = await (await at.caller()).dial(NUMBERS[queue])
    theirs = await takes(phone, call, (600, 900))
    await at.until(lambda: at.has_connected(AGENTS[queue][0]))
    return call, theirs


async def served(at: House, agent: str, caller: Call, theirs: Call | None = None) -> None:
    """Either the agent's leg of before still talks with the caller, or he is rung anew. Hangs up."""
    if caller.ended.is_set():
        raise Lost(1, f"hung up on ({caller.cause})")
    if theirs is None or theirs.ended.is_set():
        phone = at.phones[agent]
        if (await at.agent(agent))["state"] in ("signed-out", "not-ready"):
            await at.ready(agent)
        theirs = await takes(phone, caller)
    else:
        await both(caller, theirs, FRESH)
    await caller.hangup()
    await theirs.wait_ended(5)


# -- waiting --


async def lines(at: House) -> AsyncGenerator[int, None]:
    """Several wait in line, no agent is ready."""
    (agent,) = AGENTS["lines"]
    phone = await at.phone(agent)
    calls = list[Call]()
    for n in range(LINES):
        calls.append(await (await at.caller()).dial(NUMBERS["lines"]))
        await at.until(lambda n=n: _waiting(at, n + 1))
    yield LINES
    alive = [call for call in calls if not call.ended.is_set()]
    expected, order = [call.phone.user for call in alive], list[str]()
    try:
        if alive:
            await at.ready(agent)
        while any(not call.ended.is_set() for call in alive):
            theirs = await _rung(phone, alive)
            at.first_ring_at = at.first_ring_at or theirs.invite_at
            theirs.ring()
            await theirs.answer()
            order.append(theirs.caller)
            caller = next(call for call in alive if call.phone.user == theirs.caller)
            await both(caller, theirs, FRESH)
            await caller.hangup()
            await theirs.wait_ended(5)
            alive.remove(caller)
    except (PhoneError, TimeoutError) as error:
        at.notes.append(f"lines: {error!r}")
    in_order = order == expected[: len(order)]
    if len(order) < LINES or not in_order:
        gone = sum(call.ended_by == "them" for call in calls) - len(order)
        raise Lost(LINES - len(order), f"{gone} hung up on, {len(order)} served", in_order)


async def _rung(phone: Phone, waiting: list[Call]) -> Call:
    """The next call at an agent's phone. TimeoutError when it does not come, or everybody who waited has gone."""
    end = time.monotonic() + SERVED_S
    while time.monotonic() < end and any(not call.ended.is_set() for call in waiting):
        try:
            return await phone.incoming(0.2)
        except TimeoutError:
            continue
    raise TimeoutError("nobody is rung for those who wait")


async def _waiting(at: House, count: int) -> bool:
    return await at.waiting("lines") == count


async def ringing(at: House) -> AsyncGenerator[int, None]:
    """Offered to an agent whose phone rings."""
    (agent,) = AGENTS["ringing"]
    phone = await at.ready(agent)
    caller = await (await at.caller()).dial(NUMBERS["ringing"])
    theirs = await phone.incoming()
    theirs.ring()
    yield 1
    if not theirs.ended.is_set() and not caller.ended.is_set():
        await theirs.answer()
        try:
            await both(caller, theirs, FRESH)
        except PhoneError:  # That ringing was over; there must be another.
            theirs = None
    await served(at, agent, caller, theirs)


async def answered(at: House) -> AsyncGenerator[int, None]:
    """The agent has answered and hears the whisper; the caller still hears music."""
    (agent,) = AGENTS["answered"]
    phone = await at.ready(agent)
    caller = await (await at.caller()).dial(NUMBERS["answered"])
    theirs = await phone.incoming()
    theirs.ring()
    await theirs.answer()
    await theirs.wait_silence_end(5)
    yield 1
    await _joined(at, agent, caller, theirs)


async def _joined(at: House, agent: str, caller: Call, theirs: Call) -> None:
    """Within a time the caller talks to the agent, on the leg of before or a new one."""
    async with asyncio.timeout(SERVED_S):
        while not (theirs.ended.is_set() or caller.ended.is_set()):
            try:
                await both(caller, theirs, FRESH, 2)
                break
            except TimeoutError:
                continue
    await served(at, agent, caller, theirs)


# -- in the flow --


async def menu(at: House) -> AsyncGenerator[int, None]:
    """In the menu, choosing; after the fault a key leads to an agent."""
    await at.phone(AGENTS["menu"][0])
    caller = await (await at.caller()).dial(MENU)
    await at.until(lambda: _at_node(at, "menu"))
    yield 1
    await _chooses(at, caller)


async def greeting(at: House) -> AsyncGenerator[int, None]:
    """In the first words of the greeting."""
    await at.phone(AGENTS["menu"][0])
    caller = await (await at.caller()).dial(MENU)
    await caller.wait_silence_end(5)
    yield 1
    await _chooses(at, caller)


async def _at_node(at: House, node: str) -> bool:
    return any(call["node"] == node for call in (await at.get("/api/live"))["calls"])


async def _chooses(at: House, caller: Call) -> None:
    if caller.ended.is_set():
        raise Lost(1, f"hung up on ({caller.cause})")
    await caller.press("2")
    (agent,) = AGENTS["menu"]
    await at.ready(agent)
    await served(at, agent, caller)


# -- talking --


async def talking(at: House) -> AsyncGenerator[int, None]:
    """Caller and agent talk, recorded."""
    caller, theirs = await connected(at, "talk")
    yield 1
    if caller.ended.is_set() or theirs.ended.is_set():
        raise Lost(1, f"ended by {caller.ended_by or theirs.ended_by}")
    await both(caller, theirs, FRESH)
    await caller.hangup()
    await theirs.wait_ended(5)


async def hold(at: House) -> AsyncGenerator[int, None]:
    """The caller is on hold, and is taken back after the fault."""
    (agent,) = AGENTS["hold"]
    caller, theirs = await connected(at, "hold")
    await at.does(agent, "hold")
    await at.until(lambda: _held(at, agent))
    yield 1
    if not caller.ended.is_set() and not theirs.ended.is_set():
        granted, message = await at.ask(agent, "resume")
        if not granted:
            at.notes.append(f"hold: {message}")
    await served(at, agent, caller, theirs)


async def _held(at: House, agent: str) -> bool:
    return bool((await at.agent(agent))["held"])


async def wrap_up(at: House) -> AsyncGenerator[int, None]:
    """No call, but an agent at work after one: he gets ready by himself at the end of his time, not before."""
    (agent,) = AGENTS["wrap-up"]
    caller, theirs = await connected(at, "wrap-up")
    await caller.hangup()
    await theirs.wait_ended(5)
    began = time.monotonic()
    await at.until(lambda: _is(at, agent, "wrap-up"))
    yield 0
    state = (await at.agent(agent))["state"]
    if time.monotonic() - began < WRAP_UP_S - 1:
        if state != "wrap-up":
            raise Lost(0, f"agent in wrap-up is {state}")
        await at.until(lambda: _is(at, agent, "ready"), WRAP_UP_S + 5)
        if time.monotonic() - began < WRAP_UP_S - 1:
            raise Lost(0, "wrap-up cut short")
    else:
        await at.until(lambda: _is(at, agent, "ready"), 5)


async def _is(at: House, agent: str, state: str) -> bool:
    return bool((await at.agent(agent))["state"] == state)


async def booked(at: House) -> AsyncGenerator[int, None]:
    """No call either, but a call-back that keeps a place."""
    caller = await (await at.caller()).dial(BOOKING)
    await caller.wait_silence_end(5)
    await caller.press("1")
    await at.until(lambda: _bookings(at))
    await caller.hangup()
    yield 0
    if len(await _bookings(at)) != 1:
        raise Lost(0, "the call-back is gone")


async def _bookings(at: House) -> list[object]:
    return list((await at.get("/api/callbacks"))["callbacks"])


# -- being transferred --


async def consult_ringing(at: House) -> AsyncGenerator[int, None]:
    """The agent consults another one, whose phone rings; the caller hears music."""
    caller, theirs, second = await _consults(at, "consult-ringing")
    yield 1
    await _somebody(at, "consult-ringing", caller, theirs, second)


async def consulting(at: House) -> AsyncGenerator[int, None]:
    """Both agents talk; the caller hears music. Afterwards he goes to the second."""
    caller, theirs, second = await _consults(at, "consulting")
    await second.answer()
    await both(theirs, second, (900, 1100))
    yield 1
    await _somebody(at, "consulting", caller, theirs, second)


async def completing(at: House) -> AsyncGenerator[int, None]:
    """The moment in which the caller goes from one agent to the other."""
    caller, theirs, second = await _consults(at, "completing")
    await second.answer()
    await both(theirs, second, (900, 1100))
    asking = asyncio.create_task(at.ask(AGENTS["completing"][0], "complete"))
    yield 1
    await asyncio.gather(asking, return_exceptions=True)
    await _somebody(at, "completing", caller, theirs, second)


async def returned(at: House) -> AsyncGenerator[int, None]:
    """Back from a consult: caller and first agent talk again."""
    caller, theirs, second = await _consults(at, "returned")
    await second.answer()
    await both(theirs, second, (900, 1100))
    await at.does(AGENTS["returned"][0], "return")
    await both(caller, theirs)
    yield 1
    await _somebody(at, "returned", caller, theirs, second)


async def blind(at: House) -> AsyncGenerator[int, None]:
    """Handed over without a word: the second agent's phone rings, the first has left."""
    first, other = AGENTS["blind"]
    phone = await at.ready(other)
    caller, theirs = await connected(at, "blind")
    await at.does(first, "transfer", target=other)
    second = await phone.incoming()
    second.ring()
    await theirs.wait_ended(5)
    yield 1
    await _somebody(at, "blind", caller, theirs, second)


async def _consults(at: House, queue: str) -> tuple[Call, Call, Call]:
    first, other = AGENTS[queue]
    phone = await at.ready(other)
    caller, theirs = await connected(at, queue)
    await at.does(first, "consult", target=other)
    second = await phone.incoming()
    second.ring()
    return caller, theirs, second


async def _somebody(at: House, queue: str, caller: Call, theirs: Call, second: Call) -> None:
    """The caller talks to one of the two agents within a time: a transfer may come back, but nobody is stranded."""
    first, other = AGENTS[queue]
    if not second.answered.is_set() and not second.ended.is_set():
        await second.answer()
    for wish in ("complete", "return", "resume"):  # What the agent would try on finding himself in silence.
        if theirs.ended.is_set() or await _talks(caller, theirs) or await _talks(caller, second):
            break
        await at.ask(first, wish)
    for leg in (second, theirs):
        if await _talks(caller, leg):
            at.notes.append(f"{queue}: with {'the first' if leg is theirs else 'the second'}")
            return await _hang_up(caller, theirs, second)
    if caller.ended.is_set():
        raise Lost(1, f"hung up on ({caller.cause})")
    if (await at.agent(first))["state"] in ("signed-out", "not-ready"):
        await at.ready(first)  # The caller may be back in the queue.
    rung = [asyncio.ensure_future(takes(at.phones[agent], caller)) for agent in (first, other)]
    done, _ = await asyncio.wait(rung, timeout=SERVED_S, return_when=asyncio.FIRST_COMPLETED)
    for each in rung:
        each.cancel()
    await asyncio.gather(*rung, return_exceptions=True)
    if not done or next(iter(done)).exception() is not None:
        ends = f"first {theirs.ended_by or 'there'}, second {second.ended_by or 'there'}"
        raise Lost(1, f"in silence; {ends}")
    at.notes.append(f"{queue}: rung anew")
    return await _hang_up(caller, theirs, second, next(iter(done)).result())


async def _talks(caller: Call, leg: Call) -> bool:
    if caller.ended.is_set() or leg.ended.is_set() or not leg.answered.is_set():
        return False
    try:
        await both(caller, leg, FRESH, 1.5)
    except (TimeoutError, PhoneError):
        return False
    return True


async def _hang_up(*calls: Call) -> None:
    await asyncio.gather(*(call.hangup() for call in calls))


# -- where one phone is the fault --


async def vanishing(at: House) -> AsyncGenerator[int, None]:
    """A talk whose agent's phone is about to vanish; another agent is ready for the caller."""
    first, other = AGENTS["vanishing"]
    caller, _ = await connected(at, "vanishing")
    phone = await at.ready(other)
    yield 1
    theirs = await takes(phone, caller)
    at.first_ring_at = theirs.invite_at
    state = await at.agent(first)
    if (state["state"], state["reason"]) != ("not-ready", "phone-unreachable"):
        at.notes.append(f"vanishing: the agent is {state['state']} ({state['reason']})")
    await caller.hangup()
    await theirs.wait_ended(5)


PHASES: Final[dict[str, Phase]] = {
    # Those that last come first, so that all of them are there when the fault hits.
    "lines": lines,
    "talking": talking,
    "hold": hold,
    "ringing": ringing,
    "consult_ringing": consult_ringing,
    "consulting": consulting,
    "returned": returned,
    "blind": blind,
    "booked": booked,
    "wrap_up": wrap_up,
    "menu": menu,
    "answered": answered,
    "completing": completing,
    "greeting": greeting,
}
OTHERS: Final[dict[str, Phase]] = {"vanishing": vanishing}
