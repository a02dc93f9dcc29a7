"""The scripts of agi_scripts/: found by name, run on threads of their own within a bounded time.

A script is a module with `async def look_up(request)` (or plain `def`); it may block. An edited file is read anew.
"""

import asyncio
import contextvars
import inspect
import re
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from itertools import count
from math import isfinite
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import structlog

from ari_app.errors import LookUpFailed

log = structlog.get_logger(__name__)

Scalar = str | int | float | bool
LookUp = Callable[[Mapping[str, str]], Awaitable[Mapping[str, Scalar]] | Mapping[str, Scalar]]

AT_ONCE_MAX: Final = 100
KEYS_MAX: Final = 64
TEXT_BYTES_MAX: Final = 900  # Of one value: a channel variable is set by one escaped line of 2,047 bytes.

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_REASON: Final = re.compile(r"[a-z]+(-[a-z]+)*", re.ASCII)  # No digits: a reason cannot hold a password.
_SECRET: Final = frozenset({"password", "pin", "digits", "secret", "token", "code"})
_PACKAGES: Final = count(1)


class Scripts:
    """The scripts of one folder. They may import from it: `from .sample.customers import …` (read once).

    `counts`: ok, failed, broken, timeout, busy, cancelled. `at_work` counts running ones, those beyond their time too.
    """

    def __init__(self, folder: Path, at_once_max: int = AT_ONCE_MAX) -> None:
        self.counts: Counter[str] = Counter()
        self.at_work = 0
        self._folder = folder
        self._at_once_max = at_once_max
        self._loaded: dict[str, tuple[tuple[int, int], LookUp]] = {}
        self._loading = threading.Lock()
        package = ModuleType(f"hotline_scripts_{next(_PACKAGES)}")
        package.__path__ = [str(folder.resolve())]
        sys.modules[package.__name__] = package
        self._package = package.__name__

    def names(self) -> tuple[str, ...]:
        """Every script there is, in order."""
        return tuple(sorted(file.stem for file in self._folder.glob("*.py") if _NAME.fullmatch(file.stem)))

    async def run(self, name: str, request: Mapping[str, str], timeout_s: float) -> Mapping[str, Scalar]:
        """Its answer; LookUpFailed with its own reason, or no-such-script, broken, timeout, busy, bad-answer.

        On time-out and when cancelled, an `async` script is cancelled; a blocking one goes on, its answer unheard.
        """
        try:
            answer = await self._run(name, request, timeout_s)
        except LookUpFailed as error:
            self.counts[error.reason if error.reason in ("broken", "timeout", "busy") else "failed"] += 1
            raise
        except asyncio.CancelledError:
            self.counts["cancelled"] += 1
            raise
        self.counts["ok"] += 1
        return answer

    async def _run(self, name: str, request: Mapping[str, str], timeout_s: float) -> Mapping[str, Scalar]:
        if not _NAME.fullmatch(name):
            raise LookUpFailed("no-such-script")
        if self.at_work >= self._at_once_max:
            log.warning("script not run", script=name, reason="busy", at_work=self.at_work)
            raise LookUpFailed("busy")
        work = _Work(lambda: self._load(name), dict(request), self._ended)
        self.at_work += 1
        work.start()
        try:
            async with asyncio.timeout(timeout_s):
                answer = await work.outcome
        except TimeoutError:
            log.warning("script too slow", script=name, limit_s=timeout_s)
            raise LookUpFailed("timeout") from None
        except LookUpFailed as error:
            raise LookUpFailed(error.reason if _REASON.fullmatch(error.reason) else "refused") from None
        except Exception as error:
            log.error("script broken", script=name, exception=_trace(error, request))
            raise LookUpFailed("broken") from None
        finally:
            work.cancel()
        return _checked(name, answer)

    def _ended(self) -> None:
        self.at_work -= 1

    def _load(self, name: str) -> LookUp:
        """The script's function, read anew when its file has changed. Runs on the script's thread."""
        file = self._folder / f"{name}.py"
        try:
            stat = file.stat()
        except OSError:
            raise LookUpFailed("no-such-script") from None
        stamp = (stat.st_mtime_ns, stat.st_size)
        with self._loading:
            if name not in self._loaded or self._loaded[name][0] != stamp:
                self._loaded[name] = stamp, self._read(name, file)
            return self._loaded[name][1]

    def _read(self, name: str, file: Path) -> LookUp:
        """Without importlib: its .pyc cache misses an edit of the same second and size."""
        module = ModuleType(f"{self._package}.{name}")
        module.__file__, module.__package__ = str(file), self._package
        sys.modules[module.__name__] = module
        exec(compile(file.read_bytes(), str(file), "exec"), module.__dict__)
        found: LookUp = module.__dict__["look_up"]
        return found


class _Work:
    """One run on a daemon thread with an event loop of its own: a script that blocks holds nobody else up.

    `outcome` is the answer or the exception; `ended` is called on the asker's loop when the thread is done.
    """

    def __init__(self, load: Callable[[], LookUp], request: dict[str, str], ended: Callable[[], None]) -> None:
        self._asker = asyncio.get_running_loop()
        self.outcome: asyncio.Future[Any] = self._asker.create_future()
        self._load, self._request, self._ended = load, request, ended
        self._guard = threading.Lock()
        self._inner: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None
        self._cancelled = False

    def start(self) -> None:
        context = contextvars.copy_context()  # The call's id stays in what the script logs.
        threading.Thread(target=context.run, args=(self._thread,), daemon=True, name="agi-script").start()

    def cancel(self) -> None:
        """Nothing when it is done."""
        with self._guard:
            self._cancelled = True
            if self._inner is not None:
                with suppress(RuntimeError):  # Its loop is closed already.
                    self._inner[0].call_soon_threadsafe(self._inner[1].cancel)

    def _thread(self) -> None:
        answer, error = None, None
        try:
            look_up = self._load()
            answer = (
                asyncio.run(self._main(look_up)) if inspect.iscoroutinefunction(look_up) else look_up(self._request)
            )
        except BaseException as problem:  # SystemExit too: it is the script's, not ours.
            error = problem
        with suppress(RuntimeError):  # The asker's loop is closed: nobody waits any more.
            self._asker.call_soon_threadsafe(self._tell, answer, error)

    async def _main(self, look_up: Callable[[Mapping[str, str]], Awaitable[Any]]) -> Any:
        task = asyncio.current_task()
        assert task is not None
        with self._guard:
            if self._cancelled:
                return None
            self._inner = asyncio.get_running_loop(), task
        return await look_up(self._request)

    def _tell(self, answer: Any, error: BaseException | None) -> None:
        self._ended()
        if self.outcome.done():
            return
        if error is None:
            self.outcome.set_result(answer)
        elif isinstance(error, Exception) and not isinstance(error, StopIteration):
            self.outcome.set_exception(error)
        else:  # What no future may hold.
            self.outcome.set_exception(RuntimeError(type(error).__name__))


def _checked(name: str, answer: object) -> Mapping[str, Scalar]:
    """Flat, of bounded size, with names that can be variables; LookUpFailed("bad-answer") otherwise."""
    if not isinstance(answer, Mapping) or len(answer) > KEYS_MAX:
        wrong = ["not a mapping, or too large"]
    else:
        wrong = [repr(key)[:60] for key, value in answer.items() if not (_is_name(key) and _is_scalar(value))]
    if wrong or not isinstance(answer, Mapping):
        log.error("script answers what cannot be used", script=name, wrong=wrong)
        raise LookUpFailed("bad-answer")
    return dict(answer)


def _is_name(key: object) -> bool:
    return isinstance(key, str) and len(key) <= 40 and _NAME.fullmatch(key) is not None


def _is_scalar(value: object) -> bool:
    match value:
        case str():
            return len(value.encode(errors="replace")) <= TEXT_BYTES_MAX
        case float():
            return isfinite(value)
        case _:
            return isinstance(value, int) and abs(value) < 1 << 63


def _trace(error: BaseException, request: Mapping[str, str]) -> str:
    """The traceback; without the exceptions' own words when the request held a secret, which they may quote."""
    is_secret = any(set(name.split("_")) & _SECRET for name in request)
    if not is_secret:
        return "".join(traceback.format_exception(error))
    frames = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__), lookup_lines=True)
    return "".join([*frames.format(), f"{type(error).__name__} (its words are withheld: the request held a secret)"])
