"""What a phone notes of the packets that come."""

import asyncio
import socket
import struct
import time
from itertools import count

from ari_app.phones.ports import Ports
from ari_app.phones.voice import FRAME, Voice


async def test_a_packet_comes_when_it_comes_however_late_it_is_read() -> None:
    voice = await Voice.open(Ports(range(26_000, 26_200)))
    numbers = count()

    async def late_s(packets: int) -> list[float]:
        """How much after their sending packets are noted that are read when all have come."""
        first = len(voice.times)
        sent = []
        for _ in range(packets):
            n = next(numbers)
            other.sendto(struct.pack("!BBHII", 0x80, 0, n, n * FRAME, 1860) + b"\xff" * FRAME, here)
            sent.append(time.monotonic())
            time.sleep(0.02)  # This process stands still, and reads nothing.
        async with asyncio.timeout(5):
            while len(voice.times) < first + packets:
                await asyncio.sleep(0)
        return [came - at for came, at in zip(voice.times[first:], sent, strict=True)]

    here = ("127.0.0.1", voice.port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        async with asyncio.timeout(5):
            while (await late_s(1))[0] > 0.01:  # The kernel has not begun to stamp.
                pass
        late = await late_s(9)
    await voice.close()
    assert max(late) < 0.002, "sent before, so it has come before"
