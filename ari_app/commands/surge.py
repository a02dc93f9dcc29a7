"""`hotline surge …`: the surge plan, over the running daemon."""

from typing import Annotated, Any

import typer

from ari_app.commands import common

app = typer.Typer(no_args_is_help=True, help="Surge plan: where it stands; arm it, take and undo steps, drill.")

By = Annotated[str, typer.Option(help="Your work number; agents.NUMBER.may in config.yaml must have supervise.")]
Why = Annotated[str, typer.Option(help="Why; kept for ever.")]


def _ask(wish: str, by: str, why: str) -> None:
    common.console.print(common.api().post(f"/api/surge/{wish}", {"by": by, "why": why})["message"], markup=False)


@app.command()
def status(as_json: common.AsJson = False) -> None:
    """Who waits, which steps are taken, and what comes next."""
    got = common.api().get("/api/surge")
    if as_json:
        common.print_json(got)
    elif got["surge"] is None:
        common.console.print("there is no surge plan: write surge.steps in config.yaml")
    else:
        for line in lines(got["surge"], got["now"]):
            common.console.print(line, markup=False)


def lines(surge: dict[str, Any], now: float) -> list[str]:
    """The plan as text."""
    armed, drill = "armed" if surge["armed"] else "disarmed", ", DRILL" if surge["drill"] else ""
    limits = f"more than {surge['threshold']} for {surge['for_s']:g} s, or more than {surge['rush']}"
    said = [f"{armed}{drill}: {surge['waiting']} waiting; a step at {limits}"]
    for step in surge["steps"]:
        what = ", ".join(f"{skill} {level}" for skill, level in step["skills"].items())
        does = f"{', '.join(step['agents'])}: {what}" if step["agents"] else step["say"]
        taken = f"taken {now - step['taken_at']:.0f} s ago by {step['by']}: {step['why']}" if step["taken_at"] else "-"
        said.append(f"  {step['step']:>2}  {step['name']:<28} {does:<40} {taken}")
    if surge["next"]:
        said.append(f"next: {surge['next']} in {max(0.0, surge['next_at'] - now):.0f} s, if as many go on waiting")
    return said


@app.command()
def arm(by: By, why: Why) -> None:
    """Let the plan take and undo steps by itself."""
    _ask("arm", by, why)


@app.command()
def disarm(by: By, why: Why) -> None:
    """Steps are taken and undone by hand only; those taken stay."""
    _ask("disarm", by, why)


@app.command()
def step(by: By, why: Why) -> None:
    """Take the next step now. It stays until it is undone by hand."""
    _ask("step", by, why)


@app.command()
def undo(by: By, why: Why) -> None:
    """Undo the last step taken."""
    _ask("undo", by, why)


@app.command()
def drill(by: By, why: Why, end: Annotated[bool, typer.Option("--end", help="End the drill.")] = False) -> None:
    """Practise: steps are noted as a drill and change nothing, until `--end`."""
    _ask("end-drill" if end else "drill", by, why)
