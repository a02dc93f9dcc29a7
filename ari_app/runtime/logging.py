"""The log: console lines for people, JSON lines for machines; numbers masked, secrets dropped, wherever they stand.

Loggers are `structlog.get_logger(__name__)`; what libraries log by `logging` goes the same way.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager
from dataclasses import fields, is_dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final

import structlog
from structlog.typing import EventDict, Processor

from ari_app.model.machine import Log
from ari_app.model.mask import mask

FILE_BYTES_MAX: Final = 20 << 20
FILES_KEPT: Final = 4

# Whole words of a key: `caller`, `caller_number`, `api_token`, `digits`.
_PERSONAL: Final = frozenset({"caller", "number", "dialled", "callee", "msisdn"})
_SECRET: Final = frozenset(
    {"pin", "pins", "password", "passwords", "token", "secret", "secrets", "digit", "digits", "authorization"}
)
_MOBILE: Final = re.compile(r"(?<![0-9.])(?:\+?86)?1[3-9][0-9]{9}(?![0-9.])", re.ASCII)
_TRACES: Final = frozenset({"exception", "stack"})
_DEPTH_MAX: Final = 6
_CHATTY: Final = ("aiohttp.access", "asyncio", "panoramisk", "picows")


def configure(log: Log, file: Path | None = None) -> None:
    """Write the log to standard error, or to `file`, which is kept below a size. May be called again."""
    handler: logging.StreamHandler[Any]
    if file is None:
        handler = logging.StreamHandler(sys.stderr)
        is_terminal = sys.stderr.isatty()
    else:
        file.parent.mkdir(parents=True, exist_ok=True)
        limits: dict[str, Any] = {"maxBytes": FILE_BYTES_MAX, "backupCount": FILES_KEPT}
        handler = RotatingFileHandler(file, encoding="utf-8", errors="backslashreplace", **limits)
        is_terminal = False
    is_console = log.format == "console" or (log.format == "auto" and is_terminal)
    handler.setFormatter(_formatter(is_console, is_terminal))
    level = logging.getLevelNamesMapping()[log.level.upper()]
    root = logging.getLogger()
    for old in root.handlers[:]:
        if isinstance(old.formatter, structlog.stdlib.ProcessorFormatter):  # Ours, of an earlier call.
            root.removeHandler(old)
            old.close()
    root.addHandler(handler)
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def about_call(call: str) -> AbstractContextManager[None]:
    """Every line logged inside, also by what is called from there, carries the call's id."""
    return structlog.contextvars.bound_contextvars(call=call)


def clean(_: Any, __: str, event: EventDict) -> EventDict:
    """A processor: drops secrets, masks numbers, makes control characters visible; also inside nested values."""
    cleaned: EventDict = _clean_mapping(event, 0)
    return cleaned


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]


def _formatter(is_console: bool, has_colours: bool) -> structlog.stdlib.ProcessorFormatter:
    last: list[Processor]
    if is_console:
        stamp = structlog.processors.TimeStamper(fmt="%H:%M:%S.%f", utc=False)
        last = [_call_first, structlog.dev.ConsoleRenderer(colors=has_colours, pad_event_to=40, pad_level=False)]
    else:
        stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
        last = [structlog.processors.JSONRenderer(serializer=_as_json)]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            stamp,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,  # The text of a traceback, without the values of variables.
            clean,
            *last,
        ],
    )


def _call_first(_: Any, __: str, event: EventDict) -> EventDict:
    """People look for one call: its id stands before the text."""
    if call := event.pop("call", None):
        event["event"] = f"[{call}] {event.get('event', '')}"
    return event


def _as_json(event: Mapping[str, Any], **_: Any) -> str:
    return json.dumps(event, ensure_ascii=False, default=str)


def _clean_mapping(event: Mapping[Any, Any], depth: int) -> MutableMapping[str, Any]:
    kept = {str(key): value for key, value in event.items()}
    return {key: _clean(key, value, depth) for key, value in kept.items() if not _names(key) & _SECRET}


def _clean(key: str, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if depth > _DEPTH_MAX:
        return "…"
    if isinstance(value, Mapping):
        return _clean_mapping(value, depth + 1)
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(key, item, depth + 1) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        inner = {field.name: getattr(value, field.name) for field in fields(value)}
        return {"kind": type(value).__name__, **_clean_mapping(inner, depth + 1)}
    if _names(key) & _PERSONAL and isinstance(value, str | int):
        return _visible(mask(str(value)))
    if isinstance(value, int):
        return value
    text = _MOBILE.sub(lambda found: mask(found.group()), str(value))
    return text if key in _TRACES else _visible(text)


def _names(key: str) -> set[str]:
    return set(key.lower().replace("-", "_").split("_"))


def _visible(text: str) -> str:
    """No line breaks or escape sequences: a caller's name must not forge a line or move the cursor."""
    return text if text.isprintable() else "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
