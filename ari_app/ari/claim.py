"""One daemon an application of an Asterisk, whatever its store: a second connection under a name throws the first out.

ARI listens on loopback only, so the claim is a name of the same network namespace: an abstract socket, gone with us.
"""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ari_app.errors import AlreadyRunning


@contextmanager
def claimed(port: int, app: str) -> Iterator[None]:
    """Ours while the block lasts. AlreadyRunning, with pid and cure, when another daemon serves the application."""
    name = f"\0hotline/ari/{port}/{app}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as ours:
        try:
            ours.bind(name)
        except OSError:
            raise AlreadyRunning(
                f"Another daemon ({_whose(name)}) serves the application {app!r} of the Asterisk on port {port}, "
                "from another store.\n"
                "Stop it, or give this one an Asterisk of its own (asterisk.http_port) or another name (asterisk.app)."
            ) from None
        ours.listen(1)
        yield


def _whose(name: str) -> str:
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(1)
        asking.connect(name)
        pid, _, _ = struct.unpack("3i", asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return f"pid {pid}"
    return "its process cannot be seen"
