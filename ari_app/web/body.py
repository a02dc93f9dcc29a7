"""Bodies of requests: small JSON objects of known keys. What is not so is refused with a cure."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
from aiohttp import web

from ari_app.web.auth import Refusal

BODY_S: Final = 5.0  # Seconds for the body to come.
TEXT_MAX: Final = 80
LATEST: Final = 4_102_444_800  # 2100-01-01: whoever sends milliseconds is told so.

Kind = tuple[str, Callable[[Any], bool]]
"""What a value must be: in words, and as a test."""

TEXT: Final[Kind] = (  # Terminals obey control characters.
    f"a text of at most {TEXT_MAX} characters, all of them printable",
    lambda v: isinstance(v, str) and len(v) <= TEXT_MAX and v.isprintable(),
)
YES_NO: Final[Kind] = ("true or false", lambda v: isinstance(v, bool))
TIME: Final[Kind] = (
    "a time in seconds (not milliseconds) since the Unix epoch, before 2100, or null",
    lambda v: v is None or (isinstance(v, int | float) and not isinstance(v, bool) and 0 <= v < LATEST),
)


async def read_body(request: web.Request, known: Mapping[str, Kind], example: str) -> dict[str, Any]:
    """The body; empty when there is none. A client may leave the content type out."""
    cure = f"send nothing, or a JSON object such as {example}"
    try:
        async with asyncio.timeout(BODY_S):
            raw = await request.read()
    except TimeoutError:
        raise Refusal(408, f"the body did not come within {BODY_S:g} s", "send it at once") from None
    except (ConnectionError, web.RequestPayloadError):
        raise Refusal(400, "the body was cut off, or is not packed as it says", cure) from None
    if not raw.strip():
        return {}
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"the body is not JSON: {error.msg} at character {error.pos}", cure) from None
    if not isinstance(body, dict):
        raise Refusal(400, "the body is not a JSON object", cure)
    for key, value in body.items():
        if key not in known:
            raise Refusal(400, f"unknown key {key[:40]!r}", f"known: {', '.join(known)}")
        words, fits = known[key]
        if not fits(value):
            raise Refusal(400, f"{key} is not {words}", cure)
    return body
