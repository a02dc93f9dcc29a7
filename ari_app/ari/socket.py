"""A WebSocket to Asterisk: each message is told by a callback as it is read, and its end once.

No task waits behind it, as one does behind aiohttp's: what that costs stands in docs/adr/0022.
"""

import asyncio
import struct
from socket import SO_LINGER, SOL_SOCKET
from typing import Final

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

MESSAGE_MAX: Final = 2**22  # Bytes.
CLOSE_S: Final = 0.5  # Asterisk need not answer our close frame when it is blocked or gone.

_AT_ONCE: Final = struct.pack("ii", 1, 0)  # Closing resets the connection, and the kernel sends nothing more of it.


class Socket(WSListener):
    """Opened by `Address.socket`. Who derives from it says what `text`, `pong` and `ended` mean; they must not raise.
    `over` is done when it has ended, whoever closed it: it holds why, in a few words."""

    def __init__(self) -> None:
        self.over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._transport: WSTransport | None = None
        self._parts = b""  # Of a message that comes in several frames.

    def text(self, message: bytes) -> None:
        """A whole message."""

    def pong(self) -> None:
        """A ping was answered."""

    def ended(self, why: str) -> None:
        """Nothing more comes."""

    def send(self, message: bytes) -> None:
        """Never blocks. Nothing happens when it has ended: that is told by `ended`."""
        if self._transport is not None:
            self._transport.send(WSMsgType.TEXT, message)

    def ping(self) -> None:
        if self._transport is not None:
            self._transport.send_ping()

    async def close(self, forget: bool = False) -> None:
        """`forget`: what was sent and not yet received over there must not arrive later."""
        transport = self._transport
        if transport is None:
            return
        if forget:
            transport.underlying_transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, _AT_ONCE)
        transport.send_close(WSCloseCode.OK)
        await asyncio.wait([self.over], timeout=CLOSE_S)
        transport.disconnect(graceful=False)
        await self.over

    # ---- what picows calls ----

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        match frame.msg_type:
            case WSMsgType.TEXT | WSMsgType.BINARY if frame.fin:
                self.text(frame.get_payload_as_bytes())
            case WSMsgType.TEXT | WSMsgType.BINARY | WSMsgType.CONTINUATION:
                self._parts += frame.get_payload_as_bytes()
                if len(self._parts) > MESSAGE_MAX:
                    transport.disconnect(graceful=False)
                elif frame.fin:
                    message, self._parts = self._parts, b""
                    self.text(message)
            case WSMsgType.PONG:
                self.pong()
            case WSMsgType.CLOSE:
                transport.send_close(WSCloseCode.OK)
                transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._transport = None
        closed = transport.close_handshake.recv if transport.close_handshake is not None else None
        why = "connection broken" if closed is None else f"closed by Asterisk ({closed.code.value})"
        self.over.set_result(why)
        self.ended(why)
