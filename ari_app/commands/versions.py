"""`hotline flow versions|diff|reload|rollback`: what was live when, what changed, and the way back."""

from collections.abc import Sequence
from datetime import datetime
from difflib import unified_diff
from typing import Annotated, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

import typer

from ari_app.commands import common
from ari_app.config.flows import version as version_of
from ari_app.errors import ConfigError
from ari_app.live import chosen
from ari_app.site import Site
from ari_app.store import flows as store

FILE: Final = "file"  # Stands for what the file says now.

Name = Annotated[str, typer.Argument(help="The flow: its file's name without .yaml.")]
Version = Annotated[str, typer.Argument(help="A version or its beginning; left out: the one live before.")]


def versions(
    name: Annotated[str, typer.Argument(help="One flow; left out: all.")] = "", as_json: common.AsJson = False
) -> None:
    """Every version that was ever live, newest first; `*` is live now, `held` waits for its file to change."""
    at = common.site()
    kept = store.versions(at.store, name or None)
    if name and not kept:
        chosen(kept, name, "")  # Says so.
    if as_json:
        common.print_json({"versions": [{key: getattr(v, key) for key in v.__slots__} for v in kept]})
        return
    zone = ZoneInfo(at.settings.timezone)
    for each in kept:
        live = datetime.fromtimestamp(each.live_at or each.first_seen_at, zone).strftime("%Y-%m-%d %H:%M:%S")
        mark = ("*" if each.is_live else " ") + (" held" if each.is_held else "")
        common.console.print(
            f"{each.name:<16} {each.version}  {live}  {each.how or '':<8} by {each.by or '-':<10} "
            f"{each.size_bytes:>7,} bytes  {mark}".rstrip(),
            markup=False,
        )


def diff(
    name: Name,
    a: Annotated[str, typer.Argument(help="A version or its beginning; left out: the one live before.")] = "",
    b: Annotated[str, typer.Argument(help="The same; left out: the live one. `file`: the file as it is now.")] = "",
) -> None:
    """What changed between two versions of a flow."""
    at = common.site()
    kept = store.versions(at.store, name)
    live = next((row.version for row in kept if row.is_live), "")
    old = _text(at, kept, name, a)
    new = _text(at, kept, name, b or live or FILE)
    lines = list(unified_diff(old[1], new[1], f"{name} {old[0]}", f"{name} {new[0]}", lineterm=""))
    common.console.print("\n".join(lines) if lines else f"{name}: {old[0]} and {new[0]} are the same", markup=False)


def reload() -> None:
    """Have the running daemon check all flow files and take them; all problems and exit 1 if there are any."""
    answer = common.api().post("/api/flows/reload", {"by": common.who()})
    common.show(answer["message"])


def rollback(name: Name, version: Version = "") -> None:
    """Make an earlier version live for new calls; its file is not taken again before it changes."""
    body = {"version": version, "by": common.who()}
    answer = common.api().post(f"/api/flows/{quote(name, safe='')}/rollback", body)
    common.show(answer["message"])


def _text(at: Site, kept: Sequence[store.KeptVersion], name: str, wanted: str) -> tuple[str, list[str]]:
    """A version's name and its lines."""
    if wanted == FILE:
        path = at.flows / f"{name}.yaml"
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from None
        return f"{version_of(content)} (file)", content.decode("utf-8", "replace").splitlines()
    found = chosen(list(kept), name, wanted).version
    return found, (store.text_of(at.store, name, found) or "").splitlines()
