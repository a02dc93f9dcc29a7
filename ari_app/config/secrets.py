"""The secrets file: made once (0600), added to when phones or agents are new, never printed.

Two processes may start at once: the folder is locked while the file is made, and the file is replaced in one step.
"""

import fcntl
import os
import re
import secrets
import stat
import string
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict, Field

from ari_app.config.diagnostics import BadFile, Problem, shown
from ari_app.config.marks import KeyPath, Marks
from ari_app.config.schema import load_yaml
from ari_app.errors import ConfigError
from ari_app.model.settings import Secrets, Settings

READABLE_BY_OTHERS: Final = "C030"
BAD_SECRET: Final = "C031"
MISSING_SECRETS: Final = "C032"

PIN_DIGITS: Final = 6
_PASSWORD_LENGTH: Final = 24  # Of 56 letters and digits: 139 bits.
# Without 0 O 1 I l: people copy SIP passwords into softphones. None of them means anything to Asterisk's .conf files.
_ALPHABET: Final = "".join(sorted({*string.ascii_letters, *string.digits} - {*"0O1Il"}))
_PASSWORD: Final = re.compile(r"[A-Za-z0-9._~+/=-]{8,128}", re.ASCII)
_PIN: Final = re.compile(r"[0-9]{4,12}", re.ASCII)
_HEAD: Final = "# Made by hotline: passwords and PINs. Keep it 0600 and out of the repository.\n"


class _Stored(BaseModel):
    """The file as it may be found: what is missing is made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ari_password: str = ""
    ami_password: str = ""
    api_token: str = ""
    phones: dict[str, str] = Field(default_factory=dict)
    pins: dict[str, str] = Field(default_factory=dict)


def load_or_make_secrets(path: Path, settings: Settings) -> Secrets:
    """The secrets for these settings; what is missing is made and written, what is there stays. Or ConfigError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(path.parent):
            stored = _read(path) if path.exists() else _Stored()
            complete = _completed(stored, settings)
            if complete.model_dump() != stored.model_dump():
                _write(path, complete)
            return complete
    except OSError as error:
        raise ConfigError(
            f"{path}  the secrets cannot be written: {error.strerror}   check the folder's rights"
        ) from None


def load_secrets(path: Path, settings: Settings) -> Secrets:
    """The secrets as they are, for commands that must not make any. Raises ConfigError when one is missing."""
    if not path.exists():
        cure = "start the hotline once: it makes them"
        raise BadFile([Problem(str(path), 0, 0, MISSING_SECRETS, "there is no secrets file", cure)])
    stored = _read(path)
    complete = _completed(stored, settings)
    if complete.model_dump() != stored.model_dump():
        cure = "start the hotline once: it adds them"
        raise BadFile([Problem(str(path), 0, 0, MISSING_SECRETS, "secrets of a phone or agent are missing", cure)])
    return complete


def new_pin(work_number: str) -> str:
    """A PIN nobody guesses first: six digits, no run, no repetition, not the work number."""
    while True:
        pin = "".join(secrets.choice(string.digits) for _ in range(PIN_DIGITS))
        if not is_trivial(pin, work_number):
            return pin


def is_trivial(pin: str, work_number: str = "") -> bool:
    """Fewer than four different digits, a run up or down of four, a repeated half, or the work number in it."""
    runs = ("01234567890", "09876543210")
    has_run = any(pin[at : at + 4] in run for run in runs for at in range(len(pin) - 3))
    half = len(pin) // 2
    holds_number = len(work_number) > 2 and work_number in pin
    return len(set(pin)) < 4 or has_run or pin[:half] == pin[half:] or holds_number


def new_password() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_PASSWORD_LENGTH))


def _completed(stored: _Stored, settings: Settings) -> Secrets:
    return Secrets(
        ari_password=stored.ari_password or new_password(),
        ami_password=stored.ami_password or new_password(),
        api_token=stored.api_token or new_password(),
        phones=stored.phones | {name: new_password() for name in settings.phones if name not in stored.phones},
        pins=stored.pins | {number: new_pin(number) for number in settings.agents if number not in stored.pins},
    )


def _read(path: Path) -> _Stored:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        mode = 0  # Reading it says why.
    if mode & 0o077:
        message = f"others on this machine may read or write it (mode {mode:04o})"
        cure = f"chmod 600 {path}; change the passwords if others could have seen them"
        raise BadFile([Problem(str(path), 0, 0, READABLE_BY_OTHERS, message, cure)])
    stored, marks = load_yaml(path, _Stored, "C", show_values=False)
    if problems := list(_weak(stored, marks)):
        raise BadFile(problems)
    return stored


def _weak(stored: _Stored, marks: Marks) -> Iterator[Problem]:
    """What was changed by hand into something Asterisk's files or a telephone cannot take; never shows it."""
    passwords: dict[KeyPath, str] = {
        (key,): getattr(stored, key)
        for key in ("ari_password", "ami_password", "api_token")
        if marks.names(()).count(key)
    }
    passwords |= {("phones", name): password for name, password in stored.phones.items()}
    hint = "8 to 128 letters, digits and . _ ~ + / = -; or remove the line and a new one is made"
    for path, password in passwords.items():
        if not _PASSWORD.fullmatch(password):
            yield marks.problem(path, BAD_SECRET, "cannot be used as a password", hint)
    for number, pin in stored.pins.items():
        if not _PIN.fullmatch(pin):
            hint = "4 to 12 digits; or remove the line and a new one is made"
            yield marks.problem(("pins", number), BAD_SECRET, f"the PIN of {shown(number)} cannot be keyed in", hint)


def _write(path: Path, complete: Secrets) -> None:
    text = _HEAD + yaml.safe_dump(complete.model_dump(), sort_keys=False, default_style='"', allow_unicode=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mkstemp: 0600 from its first moment.
    try:
        with open(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    with _folder(path.parent) as folder:
        os.fsync(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with _folder(folder) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def _folder(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield handle
    finally:
        os.close(handle)
