"""What became of the calls: the store's facts, joined with the sound of each recording.

A call counts as answered when it was connected to an agent and its recording holds at least a second of the caller's
tone on both sides. The agents' phones echo, so the tone on the agent's side (what the caller hears) has gone from the
caller through Asterisk to the agent's phone and back: voice both ways, end to end, read after the load is over.
"""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from ari_app.bench.house import NUMBER
from ari_app.model.facts import CallClosed, CallOpened, Connected, RecordingMissed, RecordingStored, RecordingWanted
from ari_app.model.ids import CallId
from ari_app.phones import audio
from ari_app.store.reader import open_reader

TWO_WAY_S: Final = 1.0
TONE_DBFS: Final = -21.0  # SIPp's tone comes at -15; no prompt and no music holds its frequency above this for long.
POLL_S: Final = 0.5
WINDOW: Final = audio.RATE // 10


@dataclass
class Calls:
    """The load's calls as the store tells them; `read` goes on where it stopped."""

    store: Path
    taken: int = 0  # Of all calls, those of the measuring phones too.
    opened: set[CallId] = field(default_factory=set)
    closed: set[CallId] = field(default_factory=set)
    connected: set[CallId] = field(default_factory=set)
    recordings: dict[CallId, str] = field(default_factory=dict)  # Path below the folder of recordings.
    unsettled: set[str] = field(default_factory=set)  # Recordings ordered, of which no end is known yet.
    unrecorded: set[str] = field(default_factory=set)
    _last: int = 0

    def read(self) -> None:
        """Take in the facts since the last time."""
        with open_reader(self.store) as reader:
            while kept := reader.facts_after(self._last):
                for one in kept:
                    self.taken += isinstance(one.fact, CallOpened)
                    self._take(one.fact)
                self._last = kept[-1].id

    def _take(self, fact: object) -> None:
        match fact:
            case CallOpened(call=call, dialled=dialled) if dialled == NUMBER:
                self.opened.add(call)
            case Connected(call=call) if call in self.opened:
                self.connected.add(call)
            case CallClosed(call=call) if call in self.opened:
                self.closed.add(call)
            case RecordingWanted(call=call, recording=recording) if call in self.opened:
                self.unsettled.add(recording)
            case RecordingMissed(call=call, recording=recording) if call in self.opened:
                self.unsettled.discard(recording)
                self.unrecorded.add(recording)
            case RecordingStored(call=call, recording=recording, path=path) if call in self.opened:
                self.unsettled.discard(recording)
                self.recordings[call] = path
            case _:
                pass

    async def settled(self, timeout_s: float) -> bool:
        """Wait until every call is closed and every recording stored (or given up); False when time ran out."""
        end = asyncio.get_running_loop().time() + timeout_s
        while True:
            await asyncio.to_thread(self.read)
            if self.opened == self.closed and not self.unsettled:
                return True
            if asyncio.get_running_loop().time() > end:
                return False
            await asyncio.sleep(POLL_S)

    def answered(self, folder: Path, tone_hz: int) -> int:
        """Calls that were connected and heard both ways for at least TWO_WAY_S."""
        return sum(
            call in self.connected and two_way_s(folder / path, tone_hz) >= TWO_WAY_S
            for call, path in self.recordings.items()
        )


def two_way_s(path: Path, hz: int) -> float:
    """Seconds for which the tone stands on both sides of a stereo recording, counted in windows of 0.1 s."""
    rate, sides = audio.read_wav(path)
    assert rate == audio.RATE and len(sides) == 2
    held = [_windows_with(pcm, hz) for pcm in sides]
    return 0.1 * min(held)


def _windows_with(pcm: bytes, hz: int) -> int:
    """As `audio.tone_dbfs` for each window, all at once."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
    windows = samples[: len(samples) // WINDOW * WINDOW].reshape(-1, WINDOW)
    shape = np.hanning(WINDOW + 1)[:-1]
    turning = shape * np.exp(-2j * np.pi * hz / audio.RATE * np.arange(WINDOW))
    amplitude = 2 * np.abs(windows @ turning) / shape.sum() / 32768
    return int(np.count_nonzero(amplitude**2 / 2 > 10 ** (TONE_DBFS / 10)))
