"""Free UDP ports for RTP: even ones, each with its odd RTCP neighbour, found by binding.

Below 32768, where the kernel hands out no ports of its own; processes start at different places, because a port
found free may be taken by a neighbour before it is used (the voice then simply asks for the next).
"""

import os
import socket
from collections.abc import Iterator

from ari_app.phones.sip import PhoneError

EPHEMERAL_FIRST = 32768


class Ports:
    """A pool over `range(first, last)`; round and round, so that a port just left rests longest."""

    def __init__(self, span: range, host: str = "127.0.0.1") -> None:
        if span.stop > EPHEMERAL_FIRST:
            raise PhoneError(f"RTP ports {span.start}-{span.stop - 1}: must stay below {EPHEMERAL_FIRST}")
        self.host = host
        self._evens = [port for port in span if port % 2 == 0 and port + 1 in span]
        self._next = (os.getpid() * 61) % max(1, len(self._evens))

    def __iter__(self) -> Iterator[int]:
        """Free ports, each once, from where the last search stopped."""
        for _ in range(len(self._evens)):
            port = self._evens[self._next]
            self._next = (self._next + 1) % len(self._evens)
            if _free(self.host, port) and _free(self.host, port + 1):
                yield port


def _free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


DEFAULT_PORTS = Ports(range(20000, 26000))
