"""ari-py's model on asyncio, for engineers' scripts and for tests; the daemon itself never uses it.

    async with await connect("http://127.0.0.1:8088", "hotline", password) as client:
        client.on_channel_event("StasisStart", greet)     # async def greet(channel, event): await channel.answer()
        for channel in await client.channels.list(): print(channel.id, channel.json["state"])
        await client.run("my-app")

Operations come from the server's own api-docs, read at run time: they are Asterisk's (GPL), never copied here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self, TypeAlias
from urllib.parse import quote

import aiohttp

from ari_app.ari.connection import Address, fetch
from ari_app.ari.protocol import Occurred, Request, hear
from ari_app.ari.socket import Socket

Callback: TypeAlias = Callable[..., Awaitable[None] | None]

# What an object of a class is called by: path parameter -> field of its JSON; and the repository of its operations.
_NAMES: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "Channel": ("channels", {"channelId": "id"}),
    "Bridge": ("bridges", {"bridgeId": "id"}),
    "Playback": ("playbacks", {"playbackId": "id"}),
    "Endpoint": ("endpoints", {"tech": "technology", "resource": "resource"}),
    "LiveRecording": ("recordings", {"recordingName": "name"}),
    "StoredRecording": ("recordings", {"recordingName": "name"}),
    "Application": ("applications", {"applicationName": "name"}),
    "DeviceState": ("deviceStates", {"deviceName": "name"}),
    "Mailbox": ("mailboxes", {"mailboxName": "name"}),
    "Sound": ("sounds", {"soundId": "id"}),
}
# Where an event holds the object it is about.
_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "Channel": ("channel", "peer"),
    "Bridge": ("bridge",),
    "Playback": ("playback",),
    "Endpoint": ("endpoint",),
    "LiveRecording": ("recording",),
}


@dataclass(frozen=True)
class Operation:
    """`await operation(name=value, …)`: parameters are named as in Asterisk's api-docs. Gone, RequestFailed."""

    client: "Client"
    method: str
    path: str
    returns: str
    parameters: Mapping[str, str]  # Name: where it goes (path, query, body).
    required: frozenset[str]
    bound: Mapping[str, str]

    async def __call__(self, **values: Any) -> Any:
        values = {**self.bound, **values}
        if unknown := values.keys() - self.parameters.keys():
            raise TypeError(f"{self.path}: no parameter {', '.join(sorted(unknown))}; there is {list(self.parameters)}")
        if missing := self.required - values.keys():
            raise TypeError(f"{self.path}: parameter {', '.join(sorted(missing))} is missing")
        path, query, body = self.path, {}, None
        for name, value in values.items():
            match self.parameters[name]:
                case "path":
                    path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
                case "body":
                    body = value if name == "filter" else {name: value}
                case _:
                    query[name] = _text(value)
        return await self.client.request(self.method, path, query, body, self.returns)

    def of(self, names: Mapping[str, str]) -> "Operation":
        """The same for one object."""
        bound = {name: value for name, value in names.items() if name in self.parameters}
        return Operation(
            self.client, self.method, self.path, self.returns, self.parameters, self.required, {**self.bound, **bound}
        )


class Repository:
    """`client.channels` and the like: its operations are attributes, as `get`, `list`, `originate`."""

    def __init__(self, name: str, operations: Mapping[str, Operation]) -> None:
        self.name, self.operations = name, operations

    def __getattr__(self, name: str) -> Operation:
        try:
            return self.operations[name]
        except KeyError:
            raise AttributeError(f"{self.name}: no operation {name}; there is {sorted(self.operations)}") from None

    def __dir__(self) -> list[str]:
        return sorted(self.operations)


class Thing:
    """A channel, bridge, playback …: `json` as it was when we got it; operations know its id."""

    def __init__(self, client: "Client", kind: str, json: Mapping[str, Any]) -> None:
        self.client, self.kind, self.json = client, kind, json
        self._repository, fields = _NAMES[kind]
        self._names = {name: str(json[field]) for name, field in fields.items()}

    @property
    def id(self) -> str:
        """Its id, or its name where it has none."""
        return "/".join(self._names.values())

    def __getattr__(self, name: str) -> Operation:
        operation: Operation = getattr(self.client.repositories[self._repository], name)
        return operation.of(self._names)

    def __repr__(self) -> str:
        return f"<{self.kind} {self.id}>"


class Client:
    """What `connect` gives. Callbacks may be plain or async; async ones run beside each other."""

    def __init__(self, address: Address, session: aiohttp.ClientSession) -> None:
        self._address, self._session = address, session
        self.repositories: dict[str, Repository] = {}
        self._callbacks: list[tuple[str, str | None, Callback]] = []
        self._tasks: set[asyncio.Future[None]] = set()

    def __getattr__(self, name: str) -> Repository:
        try:
            return self.repositories[name]
        except KeyError:
            raise AttributeError(f"no resource {name}; there is {sorted(self.repositories)}") from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the callbacks still running and the connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()

    def on_event(self, kind: str, callback: Callback) -> None:
        """callback(event) for every event of a type."""
        self._callbacks.append((kind, None, callback))

    def on_channel_event(self, kind: str, callback: Callback) -> None:
        """callback(channel, event)."""
        self._callbacks.append((kind, "Channel", callback))

    def on_bridge_event(self, kind: str, callback: Callback) -> None:
        """callback(bridge, event)."""
        self._callbacks.append((kind, "Bridge", callback))

    def on_playback_event(self, kind: str, callback: Callback) -> None:
        """callback(playback, event)."""
        self._callbacks.append((kind, "Playback", callback))

    def on_endpoint_event(self, kind: str, callback: Callback) -> None:
        """callback(endpoint, event)."""
        self._callbacks.append((kind, "Endpoint", callback))

    async def run(self, apps: str, ready: asyncio.Event | None = None) -> None:
        """Hand events of the applications (comma between them) to the callbacks until the socket closes."""
        socket = await self._address.socket(apps, _Listening(self._dispatch))
        if ready is not None:
            ready.set()
        try:
            await asyncio.shield(socket.over)
        finally:
            await socket.close()

    async def request(
        self, method: str, path: str, query: dict[str, str], body: Any = None, returns: str = "void"
    ) -> Any:
        """One HTTP request; `path` begins behind /ari. Gone, RequestFailed, AsteriskError (no connection)."""
        reply = await fetch(self._address, self._session, Request(method, path.lstrip("/"), query, body, timeout_s=30))
        return reply.check().body if returns == "binary" else self._promoted(returns, reply.check().value())

    def _promoted(self, kind: str, value: Any) -> Any:
        inner = kind.removeprefix("List[").removesuffix("]")
        if inner not in _NAMES or value is None:
            return value
        return [Thing(self, inner, each) for each in value] if kind != inner else Thing(self, kind, value)

    def _dispatch(self, event: dict[str, Any]) -> None:
        for kind, about, callback in self._callbacks:
            if event["type"] != kind:
                continue
            if about is None:
                self._later(callback(event))
            elif json := next((event[field] for field in _FIELDS[about] if field in event), None):
                self._later(callback(Thing(self, about, json), event))

    def _later(self, result: Awaitable[None] | None) -> None:
        if result is not None:
            task = asyncio.ensure_future(result)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def load(self) -> None:
        """Read the server's api-docs."""
        docs = await self.request("GET", "/api-docs/resources.json", {})
        for resource in docs["apis"]:
            path = resource["path"].replace("{format}", "json")
            name = path.rpartition("/")[2].removesuffix(".json")
            self.repositories[name] = Repository(name, self._operations(await self.request("GET", path, {})))

    def _operations(self, doc: Mapping[str, Any]) -> dict[str, Operation]:
        found = {}
        for api in doc["apis"]:
            for each in api["operations"]:
                given = each.get("parameters", ())
                parameters = {p["name"]: p["paramType"] for p in given}
                required = frozenset(p["name"] for p in given if p.get("required"))
                found[each["nickname"]] = Operation(
                    self, each["httpMethod"], api["path"], each["responseClass"], parameters, required, {}
                )
        return found


class _Listening(Socket):
    def __init__(self, dispatch: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self._dispatch = dispatch

    def text(self, message: bytes) -> None:
        heard = hear(message)
        if isinstance(heard, Occurred):
            self._dispatch(heard.message)


async def connect(url: str, user: str, password: str) -> Client:
    """A client of the ARI at `url` (`http://HOST:PORT`). AccessDenied, AsteriskError."""
    address = Address(url, user, password, "")
    session = address.session()
    client = Client(address, session)
    try:
        await client.load()
    except BaseException:
        await session.close()
        raise
    return client


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
