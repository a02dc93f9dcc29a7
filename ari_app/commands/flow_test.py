"""`hotline flow test` and `hotline flow try`: calls told as text, run or walked by hand."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from ari_app.commands import common
from ari_app.commands.flow_files import flow_file
from ari_app.config.diagnostics import nearest
from ari_app.config.flows import load_flows
from ari_app.errors import ConfigError, HotlineError
from ari_app.live import LANGUAGES
from ari_app.media.prompts import Prompts
from ari_app.model.settings import Settings
from ari_app.runtime.logging import configure
from ari_app.site import Site
from ari_app.transcript import parse, report, stage
from ari_app.transcript.rehearse import House, Impossible, Outcome, rehearse
from ari_app.transcript.steps import Header, Transcript
from ari_app.transcript.trial import Trial

if TYPE_CHECKING:
    from ari_app.transcript.hotline import Hotline

Places = Annotated[
    list[Path] | None, typer.Argument(help="Files and folders; left out: tests/calls and ivr_flows/tests.")
]


def test(
    places: Places = None,
    live: Annotated[bool, typer.Option("--live", help="On a real Asterisk, with real SIP phones.")] = False,
    at_once: Annotated[int, typer.Option(min=1, max=12, help="With --live: so many side by side.")] = 8,
) -> None:
    """Run call transcripts against the flows; exit 1 when one does not go as it says."""
    began, site = time.monotonic(), common.site()
    paths = list(stage.call_files(places or stage.default_folders(site)))
    if not paths:
        raise ConfigError("no transcripts: name a file, or write tests/calls/first.call (docs/testing-flows.md)")
    transcripts, failed = _read(paths)
    house = stage.house_of(site)
    named = {str(place) for place in places or () if place.is_file()}
    left = [each for each in transcripts if live and each.header.not_live and each.file not in named]
    chosen = [each for each in transcripts if each not in left]
    if live:
        failed += asyncio.run(_live(site, chosen, at_once))
    else:
        failed += _shown(rehearse(each, house) for each in chosen)
    for each in left:
        common.show(f"left    {each.file}  not live: {each.header.not_live}")
    passed = len(paths) - len(left) - failed
    what = "1 transcript" if len(paths) == 1 else f"{len(paths)} transcripts"
    counts = f"{what}: {passed} passed, {failed} failed" + (f", {len(left)} not live" if left else "")
    common.show(f"{counts}; {time.monotonic() - began:.1f} s")
    if failed:
        raise typer.Exit(1)


def _read(paths: Iterable[Path]) -> tuple[list[Transcript], int]:
    transcripts, failed = [], 0
    for path in paths:
        try:
            transcripts.append(stage.read(path))
        except HotlineError as problem:
            failed += 1
            for line in str(problem).splitlines():
                common.show(f"FAILED  {line}")
    return transcripts, failed


def _shown(outcomes: Iterable[Outcome]) -> int:
    """Print each as it comes; how many failed."""
    failed = 0
    for outcome in outcomes:
        failed += not outcome.ok
        for line in report.lines(outcome):
            common.show(line)
    return failed


async def _live(site: Site, transcripts: list[Transcript], at_once: int) -> int:
    """Each hotline takes the next one when it is through; how many failed."""
    try:
        from ari_app.transcript.hotlines import hotlines_on
        from ari_app.transcript.live import play
    except ImportError as missing:
        raise HotlineError(f"--live needs the phones: pip install 'hotline[phones]' ({missing.name})") from None
    if not transcripts:
        return 0
    left, failed = iter(transcripts), 0
    with tempfile.TemporaryDirectory(prefix="hotline-live-") as name:
        configure(site.settings.log, Path(name) / "hotline.log")
        number = min(at_once, len(transcripts))
        async with hotlines_on(site.config, common.installed(site), Path(name), number) as hotlines:

            async def work(hotline: "Hotline") -> None:
                nonlocal failed
                house = stage.house_of(hotline.daemon.site)
                for transcript in left:
                    outcome = await play(transcript, house, hotline)
                    failed += _shown([outcome])

            await asyncio.gather(*(work(hotline) for hotline in hotlines))
    return failed


def try_(
    file: Annotated[Path, typer.Argument(help="The flow file, e.g. ivr_flows/main.yaml, or a flow's name.")],
    caller: Annotated[str, typer.Option(help="The caller's number; empty: withheld.")] = "13800138000",
    at: Annotated[str, typer.Option(help='When it is, e.g. "2026-10-01 09:00"; left out: now.')] = "",
    dial: Annotated[str, typer.Option(help="The number dialled; left out: the flow's own in config.yaml.")] = "",
    lang: Annotated[str, typer.Option(help="Language of the prompts; left out: the number's.")] = "",
) -> None:
    """Walk a flow in the terminal: what the caller would hear, and what each key does. `help` lists what to type."""
    site = common.site()
    prompts = Prompts.load(site.sounds)
    file = flow_file(site, file)
    if not file.is_file():
        near = nearest(file.stem, [each.stem for each in file.parent.glob("*.yaml")])
        raise ConfigError(f"{file}: no such flow file   {near}".rstrip())
    flows = load_flows(file.parent, site.settings, lambda ids: prompts.missing(ids, LANGUAGES))
    house = House(site.settings, flows, stage.seconds_of(site.sounds))
    number = dial or _number(site.settings, file.stem)
    now = datetime.now(ZoneInfo(site.settings.timezone))
    header = _header(file.stem, at or f"{now:%Y-%m-%d %H:%M}", lang)

    def text(prompt: str, language: str) -> str:
        row = prompts.rows.get((prompt, language))
        return row.text if row is not None else prompt

    try:
        trial = Trial.of(house, header, number, text)
        say(trial.take(f"caller {caller} → {number}"))
    except Impossible as problem:
        raise ConfigError(str(problem)) from None
    if trial.faults:
        raise typer.Exit(1)
    _converse(trial, house)


def _number(settings: Settings, flow: str) -> str:
    numbers = settings.numbers
    return next((number for number, plan in numbers.items() if plan.flow == flow), next(iter(numbers), "1860"))


def _header(flow: str, at: str, lang: str) -> Header:
    try:
        if lang and lang not in LANGUAGES:
            raise ValueError(f"--lang {lang}: want {' or '.join(LANGUAGES)}")
        return Header(flow=flow, at=parse.clock(at), language=lang or None)  # type: ignore[arg-type]
    except ValueError as problem:
        raise ConfigError(str(problem)) from None


def say(lines: Iterable[str]) -> None:
    for line in lines:
        common.show(line)


def _converse(trial: Trial, house: House) -> None:
    """Line by line until quit or the end. Piped in, each command is shown, and a bad one makes it exit 1."""
    piped = not sys.stdin.isatty()
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    while True:
        try:
            command = input("" if piped else "> ").strip()
        except (EOFError, KeyboardInterrupt):
            break
        if piped and command:
            say([f"> {command}"])
        if command in ("quit", "exit", "q"):
            break
        if command == "save" or command.startswith("save "):
            trial.faults += not _save(trial, house, command.removeprefix("save").strip())
        else:
            say(trial.take(command))
    if piped and trial.faults:
        raise typer.Exit(1)


def _save(trial: Trial, house: House, name: str) -> bool:
    """Write the walk, once it has been run as a test and passes."""
    path = Path(name)
    if path.suffix != stage.SUFFIX or path.exists() or not path.parent.is_dir():
        why = "is there already" if path.exists() else f"name a new file that ends in {stage.SUFFIX}"
        say([f"not saved: {name or '(no name)'}: {why}"])
        return False
    if trial.untold:
        say([f"not saved: `{trial.untold}` broke off half done, which no transcript can tell"])
        return False
    text = trial.saved(path.stem.replace("_", " "))
    outcome = rehearse(parse.parse(text, name), house)
    if not outcome.ok:
        say(["not saved: run again, the walk went another way (a bug of ours)", *report.lines(outcome)])
        return False
    path.write_text(text, encoding="utf-8")
    say([f"saved {name}; run it with: hotline flow test {name}"])
    return True
