"""`hotline inbox …`: voicemail messages as work, the most urgent first."""

import shutil
import subprocess
import time
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from ari_app.commands import common
from ari_app.errors import ConfigError
from ari_app.store import work

app = typer.Typer(no_args_is_help=True, help="Messages: list, show, play, take, give back, done, remove.")

Message = Annotated[str, typer.Argument(help="The message, as `hotline inbox list` shows it.")]
Agent = Annotated[str, typer.Option(help="For this work number: only what his skills allow, and in his name.")]
PLAYERS = (("aplay", "-q"), ("play", "-q"), ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"))


@app.command("list")
def list_items(
    everything: Annotated[bool, typer.Option("--all", help="Those done too.")] = False, as_json: common.AsJson = False
) -> None:
    """Messages that wait, by due time: who has taken them, box, caller, length."""
    at = common.site()
    rows = work.items(at.store, done=everything)
    if as_json:
        common.print_json({"items": rows})
        return
    zone, now = ZoneInfo(at.settings.timezone), time.time()
    for row in rows:
        late = "" if row["done_at"] or row["due_at"] > now else " LATE"
        common.console.print(
            f"{row['message']:>12}  {_state(row):<14} {row['box']:<12} {row['number']:<14} {row['seconds'] or 0:>4.0f}s"
            f"  due {common.when(row['due_at'], zone)}{late}",
            markup=False,
        )


@app.command()
def show(message: Message) -> None:
    """All that is kept of one message."""
    at = common.site()
    zone = ZoneInfo(at.settings.timezone)
    row = _row(at.store, message)
    for name, value in row.items():
        common.console.print(f"{name:<10} {common.plain(name, value, zone)}".rstrip(), markup=False)


@app.command()
def play(
    message: Message, to: Annotated[Path | None, typer.Option(help="Copy the file there instead of playing it.")] = None
) -> None:
    """Play a message on this machine, or copy its file. Who listened is kept in the audit."""
    at = common.site()
    row = _row(at.store, message)
    if not row["path"]:
        raise ConfigError(f"message {message} has no file: not filed yet, or past its days")
    file = at.messages / row["path"]
    player = next((each for each in PLAYERS if shutil.which(each[0])), None)
    if to is None and player is None:
        raise ConfigError("no player here (aplay, play, ffplay)\ntry: --to FILE")
    work.heard(at.store, time.time(), message, common.who())
    if to is not None:
        shutil.copyfile(file, to)
        common.console.print(f"copied: {to}", markup=False)
    elif player is not None:
        subprocess.run([*player, str(file)], check=True)


@app.command()
def take(message: Message, agent: Agent = "") -> None:
    """Take a message to work it: a ready agent gets no calls meanwhile. If your phone rings for it, it stops."""
    _ask(message, "take", agent)


@app.command()
def decline(message: Message, agent: Agent = "") -> None:
    """Refuse a message your phone rings for: you are not ready then, as after a call."""
    _ask(message, "decline", agent)


@app.command("next")
def next_(agent: Agent = "") -> None:
    """Take the most urgent message that nobody has taken."""
    answer = common.api().post("/api/inbox/next", _body(agent))
    common.console.print(answer["message"], markup=False)


@app.command()
def done(
    message: Message,
    note: Annotated[str, typer.Option(help="What came of it.")] = "",
    disposition: Annotated[str, typer.Option(help="Its name or key in agent_rules; some boxes require one.")] = "",
    agent: Agent = "",
) -> None:
    """It is worked; an agent who was working it is ready again."""
    _ask(message, "done", agent, note=note, disposition=disposition)


@app.command("return")
def give_back(message: Message, agent: Agent = "") -> None:
    """Give a message back; it keeps its due time."""
    _ask(message, "return", agent)


@app.command()
def remove(
    messages: Annotated[list[str], typer.Argument(help="As `hotline inbox list --all` shows them.")],
    reason: common.Reason,
    yes: common.Yes = False,
) -> None:
    """Remove messages' files for good, as a caller may ask; what was not done stays on the list. Audited."""
    common.remove(common.site(), "message", messages, reason, yes)


def _ask(message: str, wish: str, agent: str, **said: str) -> None:
    body = {**_body(agent), **{name: text for name, text in said.items() if text}}
    answer = common.api().post(f"/api/inbox/{message}/{wish}", body)
    common.console.print(f"{message}: {'taken' if wish == 'take' else answer['message']}", markup=False)


def _body(agent: str) -> dict[str, str]:
    return {"by": agent, "agent": agent} if agent else {"by": common.who()}


def _row(store: Path, message: str) -> dict[str, Any]:
    rows = work.items(store, message=message)
    if not rows:
        raise ConfigError(f"there is no message {message}\ntry: hotline inbox list --all")
    return rows[0]


def _state(row: dict[str, Any]) -> str:
    if row["done_at"]:
        return f"done {row['taken_by']}"
    if row["offered_to"]:
        return f"rings {row['offered_to']}"
    return f"taken {row['taken_by']}" if row["taken_by"] else "new"
