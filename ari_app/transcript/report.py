"""Outcomes in words: one line each, and for a failure the transcript around it with what happened instead. Pure."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Final

from ari_app.transcript.rehearse import Failure, Outcome
from ari_app.transcript.steps import Line, Transcript, Want
from ari_app.transcript.words import Told, missing

AROUND: Final = 3  # Lines shown before the failing one.
AFTER: Final = 1
SHOWN_MAX: Final = 40


def lines(outcome: Outcome) -> Iterator[str]:
    """What `hotline flow test` prints of one transcript."""
    transcript = outcome.transcript
    if outcome.failure is None:
        yield f"ok      {transcript.file}  {transcript.header.title}"
        return
    yield f"FAILED  {transcript.file}:{outcome.failure.number}: {outcome.failure.why}"
    yield from _around(transcript, outcome.failure)
    yield from _instead(transcript, outcome.failure)


def _around(transcript: Transcript, failure: Failure) -> Iterator[str]:
    first = max(1, failure.number - AROUND)
    for number, text in enumerate(transcript.text[first - 1 : failure.number + AFTER], first):
        yield f"  {'>' if number == failure.number else ' '} {number:4}  {text}"


def _instead(transcript: Transcript, failure: Failure) -> Iterator[str]:
    told = [each for each in failure.told if not each.minor]
    line = next((each for each in transcript.lines if each.number == failure.number), None)
    if not told:
        if line is not None and isinstance(line.what, tuple):
            yield f"    after line {failure.since} nothing happened"
        return
    marked = _met(line, told)
    near = _nearest(line, told)
    yield f"    what happened after line {failure.since}:"
    for n, each in enumerate(told[:SHOWN_MAX]):
        sign = "=" if n in marked else "~" if each is near else " "
        yield f"      {sign} {each}"
    if len(told) > SHOWN_MAX:
        yield f"        … and {len(told) - SHOWN_MAX} more"


def _met(line: Line | None, told: Sequence[Told]) -> set[int]:
    """Which of the things done are those that were wanted and came."""
    met, at = set[int](), 0
    for want in line.what if line is not None and isinstance(line.what, tuple) else ():
        n = next((n for n in range(at, len(told)) if missing([want], told[n : n + 1], "") is None), None)
        if n is None or want.words[0] in ("nothing", "at"):
            break
        met.add(n)
        at = n + 1
    return met


def _nearest(line: Line | None, told: Sequence[Told]) -> Told | None:
    """What was done that reads most like the first thing missing."""
    wants: tuple[Want, ...] = line.what if line is not None and isinstance(line.what, tuple) else ()
    want = missing(wants, told, "")
    near = get_close_matches(str(want), [str(each) for each in told], n=1, cutoff=0.5) if want is not None else []
    return next((each for each in told if near and str(each) == near[0]), None)
