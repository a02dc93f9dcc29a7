"""A TCP relay between the daemon and a port of Asterisk, for tests: it can cut, fall silent, go deaf or crawl."""

import asyncio
from contextlib import suppress


class Wire:
    """`cut` breaks what is connected; `silence` swallows without a word, in both directions or one; `strand` does so
    to what is connected now and lets new connections through, as a firewall that has forgotten them; `slow` crawls."""

    def __init__(self, port: int) -> None:
        self._to, self._server = port, None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._forth, self._back = asyncio.Event(), asyncio.Event()  # Set: it flows that way.
        self._forth.set()
        self._back.set()
        self._stranded = 0  # Connections up to this number are silent for ever.
        self._bytes_s: float | None = None
        self.open_to_all = True
        self.connections = 0
        self.held = 0  # Pieces that had to wait so far.
        self._readers: list[asyncio.StreamReader] = []

    async def __aenter__(self) -> "Wire":
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()
        self.silence(False)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def port(self) -> int:
        return self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def resets(self) -> int:
        """Connections that the daemon's side broke off without letting them end."""
        return sum(reader.exception() is not None for reader in self._readers)

    def cut(self, shut: bool = False) -> None:
        """Break every connection without a word; with `shut`, refuse new ones until `mend`."""
        self.open_to_all = not shut
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def mend(self) -> None:
        """As if nothing had been; connections that were stranded are broken."""
        self.open_to_all, self._bytes_s = True, None
        if self._stranded:
            self.cut()
            self._stranded = 0
        self.silence(False)

    def silence(self, silent: bool = True, *, forth: bool = True, back: bool = True) -> None:
        """Swallow everything, connections staying up: `forth` to Asterisk, `back` to the daemon."""
        for flows, meant in ((self._forth, forth), (self._back, back)):
            if meant:
                flows.clear() if silent else flows.set()

    def strand(self) -> None:
        """What is connected now never hears a word again; new connections are as ever."""
        self._stranded = self.connections

    def slow(self, bytes_s: float) -> None:
        """The way back carries so many bytes a second on each connection: a daemon that reads too slowly."""
        self._bytes_s = bytes_s

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        self._readers.append(reader)
        if not self.open_to_all:
            writer.transport.abort()
            return
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()  # Nobody there, and so it looks from the other side.
            return
        self._writers |= {writer, forth}
        for source, sink, flows in ((reader, forth, self._forth), (back, writer, self._back)):
            task = asyncio.create_task(self._pump(source, sink, flows, number))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, flows: asyncio.Event, number: int
    ) -> None:
        with suppress(OSError):
            while piece := await source.read(1024 if self._bytes_s else 65536):
                self.held += not flows.is_set()
                await flows.wait()
                if source.exception() is not None:
                    break  # It was reset meanwhile: what was under way is never received.
                if number <= self._stranded:
                    continue
                if self._bytes_s and flows is self._back:
                    await asyncio.sleep(len(piece) / self._bytes_s)
                sink.write(piece)
                await sink.drain()
        if number > self._stranded:  # Also the end of a stranded one is not told.
            sink.transport.abort()
