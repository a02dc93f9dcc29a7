"""The ports Asterisk will listen on: which they are, whether someone else has them; free ones for tests and benches."""

import fcntl
import random
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from ari_app.errors import AsteriskError
from ari_app.model.machine import Asterisk

LOOPBACK = "127.0.0.1"
BLOCK: Final = 400  # Ports a block: the first ten for SIP, HTTP, AMI and whoever else asks, the rest for RTP.
BLOCKS: Final = range(10_000, 20_000, BLOCK)  # Below 20000, where our phones begin; far below the kernel's own.


@dataclass(frozen=True)
class Listener:
    """A port Asterisk binds, and the key of config.yaml that names it."""

    key: str
    host: str
    port: int
    kind: Literal["udp", "tcp"]

    def __str__(self) -> str:
        return f"{self.kind} port {self.port} on {self.host}"


def listeners(asterisk: Asterisk) -> Iterator[Listener]:
    """All but the voice range: of that Asterisk skips a taken port by itself."""
    yield Listener("asterisk.sip_port", asterisk.sip_listen, asterisk.sip_port, "udp")
    yield Listener("asterisk.sip_port", asterisk.sip_listen, asterisk.sip_port, "tcp")
    yield Listener("asterisk.http_port", LOOPBACK, asterisk.http_port, "tcp")
    yield Listener("asterisk.ami_port", LOOPBACK, asterisk.ami_port, "tcp")


def taken(asterisk: Asterisk) -> list[str]:
    """One sentence for each port that cannot be had: which, its key, and the cure."""
    problems = []
    for listener in listeners(asterisk):
        try:
            _bind(listener)
        except OSError as error:
            cure = "stop the program that has it (`ss -lntup` names it)"
            if error.errno is not None and "assign" in (error.strerror or ""):
                cure = "asterisk.sip_listen is not an address of this machine"
            problems.append(f"{listener.key}: {listener} cannot be had ({error.strerror}): {cure}, or choose another")
    return problems


def _bind(listener: Listener) -> None:
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    kind = socket.SOCK_DGRAM if listener.kind == "udp" else socket.SOCK_STREAM
    with socket.socket(family, kind) as probe:
        if listener.kind == "tcp":  # As Asterisk does: connections of a run before may still be closing.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((listener.host, listener.port))


@contextmanager
def port_block(count: int = BLOCK) -> Iterator[int]:
    """The first of `count` free ports in a row, kept from other tests and benches by locks while in use."""
    size = -(-count // BLOCK) * BLOCK
    firsts = [first for first in BLOCKS if first + size <= BLOCKS.stop]
    for first in random.sample(firsts, len(firsts)):
        with ExitStack() as locks:
            if not all(_locked(locks, block) for block in range(first, first + size, BLOCK)):
                continue
            if all(_free(port) for port in range(first, first + size)):
                yield first
                return
    raise AsteriskError(f"no {size} free ports in a row from {BLOCKS.start} to {BLOCKS.stop - 1}: see `ss -lntup`")


def _locked(locks: ExitStack, block: int) -> bool:
    path = Path(tempfile.gettempdir(), f"hotline-test-ports-{block}.lock")
    lock = locks.enter_context(path.open("w"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _free(port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                return False
    return True
