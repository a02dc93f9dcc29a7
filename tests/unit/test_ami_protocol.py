"""One connection of the manager interface without an Asterisk."""

import asyncio
from typing import cast

import uvloop

from ari_app.ami.protocol import Connection, Headers


def test_what_is_given_up_is_cut() -> None:
    """Also on uvloop, whose transports are no instances of asyncio's: Asterisk would keep a manager for each."""

    async def give_up() -> bytes:
        read: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                read.set_result(await reader.read())
            except ConnectionResetError:
                read.set_result(b"")
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        address = server.sockets[0].getsockname()
        loop = asyncio.get_running_loop()
        async with server:
            _, connection = await loop.create_connection(lambda: Connection(lambda _: None), *address)
            connection.abort()
            await asyncio.wait_for(connection.lost, 5)
            return await asyncio.wait_for(read, 5)

    assert uvloop.run(give_up()) == b""


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.said = b""

    def write(self, data: bytes) -> None:
        self.said += data


async def test_events_come_whole_in_whatever_pieces_and_answers_find_who_asked() -> None:
    heard: list[Headers] = []
    wire, connection = Wire(), Connection(heard.append)
    connection.connection_made(cast(asyncio.BaseTransport, wire))
    asking = asyncio.create_task(connection.ask("Ping", {}, 5))
    await asyncio.sleep(0)
    name = next(line for line in wire.said.split(b"\r\n") if line.startswith(b"ActionID: "))
    event = "Event: VarSet\r\nPrivilege: dialplan,all\r\nCallerIDName: 数: a\r\nAccountCode: \r\n\r\n".encode()
    answer = b"Response: Success\r\n" + name + b"\r\nPing: Pong\r\n\r\n"
    connection.data_received(b"Asterisk Call Manager/11.0.0\r\n" + answer[:10])
    connection.data_received(answer[10:] + event + event)
    for n in range(len(event)):
        connection.data_received(event[n : n + 1])
    assert (await asking)["Ping"] == "Pong"
    expected = {"Event": "VarSet", "Privilege": "dialplan,all", "CallerIDName": "数: a", "AccountCode": ""}
    assert heard == [expected] * 3
