"""`hotline agent …`: agents' states, over the running daemon."""

from typing import Annotated, Any

import typer

from ari_app.commands import common
from ari_app.errors import ConfigError

app = typer.Typer(no_args_is_help=True, help="Agents: list, sign in and out, ready and not ready.")

Number = Annotated[str, typer.Argument(help="Work number.")]


def _ask(number: str, wish: str, **body: str) -> None:
    answer = common.api().post(f"/api/agents/{number}/{wish}", {key: value for key, value in body.items() if value})
    common.console.print(f"{number}: {answer['message']}", markup=False)


@app.command("list")
def list_agents(as_json: common.AsJson = False) -> None:
    """Every agent with state, reason, seconds in it, phone and call."""
    got = common.api().get("/api/agents")
    agents, now = got["agents"], got["now"]
    if as_json:
        common.print_json({"agents": agents})
        return
    for agent in agents:
        common.console.print(
            f"{agent['number']:>8}  {agent['state']:<11} {agent['reason'] or '-':<16} "
            f"{agent['seconds']:>7.0f}s  {agent['phone']:<12} {agent['call'] or ''}{_more(agent, now)}",
            markup=False,
        )


def _more(agent: dict[str, Any], now: float) -> str:
    """What is left of after-call work, a disposition that is missing, hold, consult, message, skills of a surge."""
    said = []
    if agent["wrap_up_at"] is not None:
        said.append(f"{max(0.0, agent['wrap_up_at'] - now):.0f} s left, {agent['more_times']} times more")
    if agent["owes"]:
        said.append(f"call {agent['owes']} needs a disposition")
    if agent["long_for"]:
        said.append(f"the talk is long: a matter for the {agent['long_for']}")
    if agent["held"]:
        said.append("caller on hold")
    if agent["consulting"]:
        said.append(f"consulting {agent['consulting']}")
    if agent["supervising"]:
        said.append(f"supervising {agent['supervising']}")
    if agent["item"]:
        said.append(f"message {agent['item']}")
    if agent["surge"]:
        said.append("surge: " + ", ".join(f"{skill} {level}" for skill, level in agent["surge"].items()))
    return f"  {'; '.join(said)}" if said else ""


@app.command()
def sign_in(
    number: Number, phone: Annotated[str, typer.Option(help="SIP account; default: the agent's own.")] = ""
) -> None:
    """Sign an agent in (not ready yet)."""
    _ask(number, "sign-in", phone=phone)


@app.command()
def ready(number: Number) -> None:
    """Ready for calls."""
    _ask(number, "ready")


@app.command()
def not_ready(number: Number, reason: Annotated[str, typer.Argument(help="A reason of config.yaml.")] = "") -> None:
    """Not ready; during a call: as soon as it is over."""
    _ask(number, "not-ready", value=reason)


@app.command()
def sign_out(number: Number) -> None:
    """Sign out; during a call: as soon as it is over."""
    _ask(number, "sign-out")


@app.command()
def extend(number: Number) -> None:
    """More time for after-call work."""
    _ask(number, "extend")


@app.command()
def force(
    number: Number,
    to: Annotated[str, typer.Argument(help="ready, not-ready or sign-out.")],
    by: Annotated[str, typer.Option(help="Your work number; agents.NUMBER.may in config.yaml must have supervise.")],
    reason: Annotated[str, typer.Option(help="Why; kept for ever.")],
) -> None:
    """A supervisor's override: at once, or as soon as the agent's call is over."""
    _ask(number, "force", to=to, by=by, reason=reason)


@app.command()
def disposition(number: Number, outcome: Annotated[str, typer.Argument(help="An outcome of config.yaml.")]) -> None:
    """Note the outcome of the agent's current or last call."""
    _ask(number, "disposition", value=outcome)


@app.command()
def hold(number: Number) -> None:
    """Put the caller on hold, with music."""
    _ask(number, "hold")


@app.command()
def resume(number: Number) -> None:
    """Take the caller back from hold."""
    _ask(number, "resume")


@app.command()
def mute(number: Number) -> None:
    """The caller no longer hears the agent."""
    _ask(number, "mute")


@app.command()
def unmute(number: Number) -> None:
    """The caller hears the agent again."""
    _ask(number, "unmute")


Target = Annotated[str, typer.Argument(help="A work number, a key of the directory, queue:NAME or number:DIGITS.")]
Note = Annotated[str, typer.Option(help="A note for whoever takes the call.")]


@app.command()
def transfer(
    number: Number, target: Annotated[str, typer.Argument(help="As for consult; also flow:NODE.")], note: Note = ""
) -> None:
    """Transfer the caller without consulting; the agent must be permitted to (may: transfer-blind)."""
    _ask(number, "transfer", target=target, value=note)


@app.command()
def consult(number: Number, target: Target, note: Note = "") -> None:
    """Ring somebody while the caller hears music; then complete, return or conference."""
    _ask(number, "consult", target=target, value=note)


@app.command()
def complete(number: Number) -> None:
    """After consulting: the caller goes to the one consulted."""
    _ask(number, "complete")


@app.command("return")
def return_(number: Number) -> None:
    """End the consult, back to the caller."""
    _ask(number, "return")


@app.command()
def conference(number: Number) -> None:
    """Caller, agent and the one consulted talk together."""
    _ask(number, "conference")


@app.command()
def survey(number: Number) -> None:
    """The agent leaves; the caller goes on to the survey."""
    _ask(number, "survey")


@app.command()
def script(
    number: Number,
    name: Annotated[str, typer.Argument(help="A script (hotline situations list); left out: what fits the line.")] = "",
) -> None:
    """Leave the caller to the script of a situation; the agent goes on."""
    _ask(number, "script", target=name)


@app.command()
def nuisance(number: Number) -> None:
    """The caller harasses: mark him, warn him, lead him to the automatic desk; the agent goes on."""
    _ask(number, "nuisance")


@app.command("help")
def help_(number: Number) -> None:
    """Call a supervisor into the agent's talk."""
    _ask(number, "help")


Watched = Annotated[str, typer.Argument(help="Work number of the agent in the talk; left out: the one supervised now.")]


@app.command()
def listen(number: Number, agent: Watched = "") -> None:
    """As a supervisor: listen to an agent's talk, heard by nobody."""
    _ask(number, "listen", target=agent)


@app.command()
def whisper(number: Number, agent: Watched = "") -> None:
    """As a supervisor: speak to the agent alone."""
    _ask(number, "whisper", target=agent)


@app.command()
def barge(number: Number, agent: Watched = "") -> None:
    """As a supervisor: speak to caller and agent."""
    _ask(number, "barge", target=agent)


@app.command()
def take_over(number: Number) -> None:
    """As a supervisor: take the supervised call; the agent leaves it."""
    _ask(number, "take-over")


@app.command()
def leave(number: Number) -> None:
    """As a supervisor: leave the talk."""
    _ask(number, "leave")


@app.command()
def pin(number: Number) -> None:
    """Show an agent's PIN, from the secrets file of this machine."""
    secrets = common.site().secrets
    if number not in secrets.pins:
        raise ConfigError(f"no agent has the work number {number} in config.yaml")
    common.console.print(secrets.pins[number])
