"""Times a call by its RTP alone, as the caller hears it; for `hotline bench`, beside the SIPp load.

All times are taken when a packet reaches this process, so they hold the wait for its 20 ms frame to be sent, and
the event loop's own delay: run few measuring phones in a process of their own.
"""

import asyncio
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from ari_app.phones import audio
from ari_app.phones.call import Call
from ari_app.phones.phone import Phone
from ari_app.phones.voice import FRAME, Voice

QUIET_S = 0.06  # Silence between the old prompt and a new one; prompts begin with 0.1 s of it.
BEFORE_S = 0.5  # How far before the key's end the old prompt is looked for.
FOREVER_S = 3600  # The waits below stand inside a time limit.
FRAME_BYTES = 2 * FRAME
MATCH_S = 0.4  # Length of the sounding start of a prompt by which it is recognised.


@dataclass(frozen=True)
class Timings:
    """Milliseconds; None where it was not measured.

    first_rtp_ms: INVITE sent (the first, before any 401) → first voice packet.
    first_audio_ms: INVITE sent → first packet that sounds (level above -50 dBFS); holds the greeting's lead silence.
    key_to_quiet_ms: key let go (end of the RFC 4733 event sent) → last sounding packet of the old prompt; negative
        when it fell silent before; None when it was silent for the half second before the key's end.
    key_to_sound_ms: key let go → first sounding packet of the new prompt; holds that prompt's lead silence.
    key_to_prompt_ms: key let go → packet with the new prompt's first sample, silent or not. Only with `prompt`.
    """

    first_rtp_ms: float
    first_audio_ms: float
    key_to_quiet_ms: float | None = None
    key_to_sound_ms: float | None = None
    key_to_prompt_ms: float | None = None


async def measure_call(
    phone: Phone,
    number: str,
    key: str = "1",
    *,
    caller: str | None = None,
    listen_s: float = 1.0,
    prompt: bytes | None = None,
    timeout_s: float = 5.0,
) -> Timings:
    """Call, listen for `listen_s` from the first sound on, press the key, wait for the new prompt, hang up.

    `prompt`: the PCM of the prompt that should follow the key, to recognise it by (see `time_key`).
    TimeoutError when something expected does not come; PhoneError when the call is refused.
    """
    call = await phone.dial(number, caller, timeout_s)
    try:
        await call.wait_answered(timeout_s)
        if call.first_sound_at is None:
            await call.wait_silence_end(timeout_s)
        started, first_rtp, first_sound = call.invite_at, call.first_rtp_at, call.first_sound_at
        assert started is not None and first_rtp is not None and first_sound is not None
        if not await call.lasts(listen_s):
            raise TimeoutError(f"{call!r} ended before the key could be pressed")
        quiet, sound, first_sample = await time_key(call, key, prompt, timeout_s)
    finally:
        await call.hangup()
    return Timings(1000 * (first_rtp - started), 1000 * (first_sound - started), quiet, sound, first_sample)


async def time_key(
    call: Call, key: str, prompt: bytes | None = None, timeout_s: float = 5.0
) -> tuple[float | None, float, float | None]:
    """Press a key and time the change of what is heard: key_to_quiet_ms, key_to_sound_ms, key_to_prompt_ms.

    Without `prompt` the new prompt is the first sound that follows at least 60 ms without any (silent packets or no
    packets) and comes after the key was let go. A pause of 60 ms or more in the old prompt at that very moment,
    before the application has stopped it, is taken for the change: choose an old prompt without such pauses
    after `listen_s`, or give `prompt`.
    With `prompt` the start of it (0.4 s from its first sound) is searched in what was heard since the key, by
    correlation; pauses and the old prompt then do not matter, and its first, silent sample is timed as well.
    """
    voice = call._voice()
    released = await voice.press(key, 100, 20)
    async with asyncio.timeout(timeout_s):
        if prompt is None:
            return await _after_quiet(voice, released)
        return await _recognised(voice, released, prompt)


async def _after_quiet(voice: Voice, released: float) -> tuple[float | None, float, None]:
    last_sound: float | None = None
    index = bisect_left(voice.times, released - BEFORE_S)
    while True:
        times = voice.times
        for at in range(index, len(times)):
            if not voice.sounds_at(at):
                continue
            if times[at] >= released and (last_sound is None or times[at] - last_sound >= QUIET_S):
                quiet = None if last_sound is None else 1000 * (last_sound - released)
                return quiet, 1000 * (times[at] - released), None
            last_sound = times[at]
        index = len(times)
        await voice.wait_frame(lambda _: True, FOREVER_S)


async def _recognised(voice: Voice, released: float, prompt: bytes) -> tuple[float | None, float, float]:
    lead_s = audio.onset_s(prompt)
    if lead_s is None:
        raise ValueError("the prompt to recognise is silent")
    lead = 2 * round(lead_s * audio.RATE)
    piece = prompt[lead : lead + 2 * round(MATCH_S * audio.RATE)]
    while True:
        heard, places = voice.lay(released - BEFORE_S)
        found_s = audio.find_s(heard, piece)
        if found_s is not None:
            break
        await voice.wait_frame(lambda index: index % 10 == 0, FOREVER_S)
    found = 2 * round(found_s * audio.RATE)
    start = max(0, found - lead)
    sounding = [at for place, at in places if place < start and audio.sounds(heard[place : place + FRAME_BYTES])]
    quiet = 1000 * (sounding[-1] - released) if sounding else None
    return quiet, 1000 * (_arrival(places, found) - released), 1000 * (_arrival(places, start) - released)


def _arrival(places: list[tuple[int, float]], byte: int) -> float:
    """When the frame came that holds a byte (or, in a pause of the stream, the frame before it)."""
    return places[max(0, bisect_right(places, byte, key=lambda place: place[0]) - 1)][1]
