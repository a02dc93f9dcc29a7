"""Asks a configured JSON service. Only texts, numbers and true/false at the top of its object are taken.

The service may be down, slow or lying: every way that ends is a LookUpFailed, within the time and 64 KiB.
"""

import asyncio
import json
import os
import re
from collections.abc import Mapping
from json import JSONDecodeError
from math import isfinite
from typing import Any, Final

import aiohttp
from yarl import URL

from ari_app.errors import ConfigError, LookUpFailed
from ari_app.model.machine import HttpLookUp

Scalar = str | int | float | bool

BYTES_MAX: Final = 65_536
KEYS_MAX: Final = 64
TEXT_MAX: Final = 1_000
REDIRECTS_MAX: Final = 3

_REDIRECTS: Final = (301, 302, 303, 307, 308)
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,40}", re.ASCII)


class HttpLookUps:
    """The services by name; ConfigError for an address that is none. `close` at the end."""

    def __init__(self, services: Mapping[str, HttpLookUp]) -> None:
        self._services = {name: (service, _address(name, service)) for name, service in services.items()}
        self._client: aiohttp.ClientSession | None = None

    def names(self) -> tuple[str, ...]:
        """Every one there is, in order."""
        return tuple(sorted(self._services))

    async def ask(self, name: str, request: Mapping[str, str], timeout_s: float) -> Mapping[str, Scalar]:
        """Its answer. LookUpFailed: no-such-service, not-found (404), refused, unreachable, timeout, bad-answer, …"""
        if name not in self._services:
            raise LookUpFailed("no-such-service")
        service, url = self._services[name]
        try:
            async with asyncio.timeout(min(timeout_s, service.timeout_s)):
                return _flat(await self._body(service, url, request))
        except TimeoutError:
            raise LookUpFailed("timeout") from None
        except (aiohttp.ClientError, OSError, ValueError):  # Their words may quote the address, values and all.
            raise LookUpFailed("unreachable") from None

    async def close(self) -> None:
        """Close what connections are kept."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _body(self, service: HttpLookUp, url: URL, request: Mapping[str, str]) -> bytes:
        options: dict[str, Any] = {"json": dict(request)}
        if service.method == "GET":
            url, options = url.extend_query(dict(request)), {}
        for _ in range(1 + REDIRECTS_MAX):
            options["headers"] = _headers(service)
            async with self._open().request(service.method, url, allow_redirects=False, **options) as answer:
                if answer.status not in _REDIRECTS:
                    return await _content(answer)
                target = answer.url.join(URL(answer.headers.get("Location", "")))
            if service.method != "GET" or target.origin() != url.origin():
                raise LookUpFailed("redirected")
            url = target
        raise LookUpFailed("redirected")

    def _open(self) -> aiohttp.ClientSession:
        if self._client is None:  # Not earlier: it belongs to the running loop.
            connector = aiohttp.TCPConnector(limit=0)  # LookUps bounds them.
            cookies = aiohttp.DummyCookieJar()
            self._client = aiohttp.ClientSession(connector=connector, cookie_jar=cookies, auto_decompress=False)
        return self._client


def _address(name: str, service: HttpLookUp) -> URL:
    try:
        url = URL(service.url)
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host or url.user or url.fragment:
        raise ConfigError(f"lookups.http.{name}.url: not an address such as https://crm.example/balance")
    return url


def _headers(service: HttpLookUp) -> dict[str, str]:
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    if service.token_env:
        token = os.environ.get(service.token_env, "")
        if not token.isprintable() or not token:
            raise LookUpFailed("no-token")
        headers["Authorization"] = f"Bearer {token}"
    return headers


async def _content(answer: aiohttp.ClientResponse) -> bytes:
    if answer.status == 404:
        raise LookUpFailed("not-found")
    if answer.status != 200:
        raise LookUpFailed("refused")
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise LookUpFailed("bad-answer")
    body = bytearray()
    async for part in answer.content.iter_any():
        body += part
        if len(body) > BYTES_MAX:
            raise LookUpFailed("too-large")
    return bytes(body)


def _flat(body: bytes) -> Mapping[str, Scalar]:
    """`balanceDue` becomes `balance_due`; what is nested, null, or no name of a variable is left out."""
    try:
        found = json.loads(body)
    except (JSONDecodeError, UnicodeDecodeError, RecursionError, ValueError):  # ValueError: a number of 5,000 digits.
        raise LookUpFailed("bad-answer") from None
    if not isinstance(found, dict):
        raise LookUpFailed("bad-answer")
    named = {_HUMP.sub("_", key).lower().replace("-", "_"): value for key, value in found.items()}
    kept = {key: value for key, value in named.items() if _NAME.fullmatch(key) and _is_scalar(value)}
    if len(kept) > KEYS_MAX:
        raise LookUpFailed("too-large")
    return kept


def _is_scalar(value: object) -> bool:
    match value:
        case str():
            return len(value) <= TEXT_MAX
        case float():
            return isfinite(value)
        case _:
            return isinstance(value, int) and abs(value) < 1 << 63
