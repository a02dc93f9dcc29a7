"""The ports Asterisk will listen on: which they are, and whether someone else has them."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ari_app.model.settings import Asterisk

LOOPBACK = "127.0.0.1"


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
