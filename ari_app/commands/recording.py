"""`hotline recording …`: recordings and their gaps."""

import time
from typing import Annotated

import typer

from ari_app.commands import common
from ari_app.media import recordings
from ari_app.store.reader import open_reader

JOINED_S = 60.0  # After the end of a call; a daemon that starts later joins what is left.

app = typer.Typer(no_args_is_help=True, help="Recordings: list, verify, remove.")


@app.command("list")
def list_recordings(limit: Annotated[int, typer.Option(min=1, max=10_000)] = 20) -> None:
    """The newest recordings, with call, agent, length and file."""
    at = common.site()
    with open_reader(at.store) as reader:
        rows = reader.recordings(limit)
    for row in rows:
        state = row.removed_why or row.missed_why or row.path or ("running" if row.running_at else "ordered")
        length = "     -" if row.seconds is None else f"{row.seconds:6.1f}"
        common.console.print(
            f"{row.recording:>12}  {row.queue or '':<10} {row.agent or '':<8} {length}s  {state}", markup=False
        )


@app.command()
def verify() -> None:
    """Find calls without a recording, recordings without a call or file, and damaged files. Exit 1 if there are any."""
    at = common.site()
    wanting = [name for name, queue in at.settings.queues.items() if queue.recording.policy != "never"]
    with open_reader(at.store) as reader:
        before = time.time() - JOINED_S
        gaps = reader.recording_gaps(wanting, at.recordings, before)  # type: ignore[arg-type]
        rows = reader.recordings(limit=-1)
    problems = [f"{gap.kind:<12} call {gap.call}  {gap.recording or ''}  {gap.why}" for gap in gaps]
    kept = [row for row in rows if row.path and row.sha256 and row.removed_at is None]
    for row in kept:
        file = at.recordings / str(row.path)
        if file.is_file() and not recordings.verify(file, str(row.sha256)):
            problems.append(f"damaged      call {row.call}  {row.recording}  {row.path}: SHA-256 differs")
    known = {row.recording for row in kept}
    known |= {row.recording for row in rows if row.stored_at is None and (row.running_at or 0.0) and not row.missed_at}
    problems += [f"orphan       {file}" for file in recordings.orphans(at.recordings, known)]
    for problem in problems:
        common.console.print(problem, markup=False)
    common.console.print(f"{len(kept)} recordings checked, {len(problems)} problems")
    if problems:
        raise typer.Exit(1)


@app.command()
def remove(
    recordings: Annotated[list[str], typer.Argument(help="As `hotline recording list` shows them.")],
    reason: common.Reason,
    yes: common.Yes = False,
) -> None:
    """Remove recordings for good, as a caller may ask; their rows stay. Audited."""
    common.remove(common.site(), "recording", recordings, reason, yes)
