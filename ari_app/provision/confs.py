"""Rendered files against a folder of an engineer's own Asterisk: shows what would change, never overwrites silently."""

import difflib
import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from ari_app.errors import AsteriskError
from ari_app.model.layout import MARKER
from ari_app.provision.instance import replace


def diff(rendered: Mapping[str, str], target: Path) -> list[str]:
    """A unified diff for each file that would change (the text holds passwords: for the terminal, not for a log)."""
    return [
        "".join(
            difflib.unified_diff(
                _lines(_read(target / name)), _lines(text), str(target / name), f"{target / name} (rendered)"
            )
        )
        for name, text in rendered.items()
        if _read(target / name) != text
    ]


def foreign(rendered: Mapping[str, str], target: Path) -> list[str]:
    """Names of the files that would change although someone else wrote them (no marker of ours on line 1)."""
    return [
        name
        for name, text in rendered.items()
        if (old := _read(target / name)) not in ("", text) and not old.startswith(MARKER)
    ]


def install(
    rendered: Mapping[str, str], target: Path, backup_dir: Path, stamp: str, agreed: Collection[str] = ()
) -> list[Path]:
    """Write the files that differ, after copying each to BACKUP_DIR/STAMP/; return the paths written.

    A file someone else wrote is changed only when its name is in `agreed`; otherwise nothing is written at all.
    """
    refused = [name for name in foreign(rendered, target) if name not in agreed]
    if refused:
        raise AsteriskError(
            f"{target}: {', '.join(refused)}: not written by hotline, so not overwritten. "
            "`hotline conf diff` shows what would change; --force agrees to it (a backup is kept)."
        )
    if not target.is_dir():
        raise AsteriskError(f"{target}: no such folder; is Asterisk installed?")
    written = []
    for name, text in rendered.items():
        path = target / name
        if _read(path) == text:
            continue
        if path.exists():
            _back_up(path, backup_dir / stamp)
        _write_like(path, text)
        written.append(path)
    return written


def _write_like(path: Path, text: str) -> None:
    """Owner, group and mode stay: an Asterisk of another user must still be able to read its file."""
    model = path if path.exists() else path.parent
    mode = 0o600 | (model.stat().st_mode & 0o040)  # Passwords: never for all.
    owner, group = model.stat().st_uid, model.stat().st_gid
    try:
        replace(path, text, mode)
        if os.geteuid() == 0:
            os.chown(path, owner, group)
    except PermissionError as error:
        raise AsteriskError(f"{path}: {error.strerror}: run as root or as the owner of the folder") from error


def _back_up(path: Path, folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    copy = folder / path.name
    if copy.exists():
        raise AsteriskError(f"{copy}: there is a backup with this time already; try again in a second")
    shutil.copy2(path, copy)


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="surrogateescape")
    except FileNotFoundError:
        return ""


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)
