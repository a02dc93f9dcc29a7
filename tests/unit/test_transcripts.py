"""Every transcript of tests/calls runs as it says, and each thing a transcript can say means what the guide says."""

import time
from pathlib import Path

import pytest

from ari_app.config.load import load_settings
from ari_app.site import Site
from ari_app.transcript import report
from ari_app.transcript.rehearse import House, rehearse
from ari_app.transcript.stage import call_files, house_of, read
from tests.asterisk import REPOSITORY, secrets_for
from tests.unit.transcript_kit import house_in, run

CALLS = sorted((REPOSITORY / "tests/calls").rglob("*.call"))


@pytest.fixture(scope="module")
def sample() -> House:
    settings = load_settings(REPOSITORY / "config.yaml")
    return house_of(Site(REPOSITORY / "config.yaml", settings, secrets_for(settings)))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> House:
    return house_in(tmp_path_factory.mktemp("desk"))


@pytest.mark.parametrize("path", CALLS, ids=lambda path: path.stem)
def test_call(path: Path, sample: House) -> None:
    outcome = rehearse(read(path), sample)
    assert outcome.ok, "\n".join(report.lines(outcome))


GOOD = {
    "by hand": """at: 2026-03-02 10:00
caller 13800138000 → 1870
press 1234
  < stop greeting-morning, look-up balance, at node balance
look-up balance answers balance=12.5 stopped=no
  < fact LookUpDone ok=yes, play please-wait …, at node tell
wait 0s
  < play main-menu
press 2
  < fact Rated question=helpful key=2, play goodbye
wait 0s
  < hang up, fact CallClosed by=flow
""",
    "to a number outside": """caller 13800138000 → 1860
press 5
  < fact TransferBegan how=flow target=number, dial 13900139000, play please-wait
outside rings
outside is busy
  < fact TransferEnded outcome=busy, join queue general, at node person
hang up
caller 13800138000 → 1860
press 5
outside answers
  < fact TransferEnded outcome=completed
outside hangs up
  < play queue-timeout
""",
    "beforehand": """look-up balance fails down
look-up balance answers balance=1 stopped=yes
caller 13800138000 → 1870
press 1
press 234
  < look-up balance, fact LookUpDone ok=no reason=down, play queue-timeout
hang up
caller 13900139000 → 1870
press 1
press 234
  < fact LookUpDone ok=yes, fact Queued call=2 queue=general
hang up
""",
    "nobody answers": """caller 13800138000 → 1870
press 1
press 234
wait 6s
  < fact LookUpDone ok=no, play queue-timeout
""",
    "night": """at: 2026-03-02 23:00 Asia/Shanghai
caller 13800138000 → 1870
  < at node message, play please-wait …
message of 7s
  < take message, fact MessageLeft box=night seconds=7, play goodbye
hang up
""",
    "nothing said": """at: 2026-03-01 10:00
caller 13800138000 → 1870
wait 5s
  < take message, play queue-timeout
""",
    "empty message": """at: 2026-03-01 10:00
caller 13800138000 → 1870
message of 0s
  < take message, play queue-timeout
""",
    "another zone": "at: 2026-03-02 10:00 America/New_York\ncaller 1 → 1870\n  < at node message\n",
    "closed": "closure: office\ncaller 1 → 1870\n  < at node message\nhang up\n",
    "all closed": "closure: *\ncaller 1 → 1870\n  < at node message\n",
    "own hours": "hours: office mon-fri 08:00-09:00; sat 10:00-12:00\ncaller 1 → 1870\n  < at node message\n",
    "another flow": "flow: desk.yaml\ncaller 1 -> 1860\n  < at node greeting, answer\n",
    "language": "language: en\ncaller 1 → 1870\n  < fact CallOpened language=en\n",
    "time moves": """at: 2026-03-02 19:00
caller 13800138000 → 1870
press 1
press 234
at 2026-03-02 21:00
look-up balance answers balance=1 stopped=yes
  < fact QueueLeft queue=general outcome=closed, play queue-timeout
""",
    "header in the title": "# Night   flow: desk   at: 2026-03-02 23:00\ncaller 1 → 1860\n  < at node message\n",
    "agents": """flow: main
agent 8026 signs in
agent 8026 goes ready
caller 1 → 1860
press 2 # Typed ahead.
  < ring 8026
agent 8026 rings
agent 8026 declines
  < fact OfferEnded outcome=declined
agent 8026 goes not ready meal
  < fact AgentChanged state=not-ready reason=meal
agent 8026 goes ready
  < ring 8026
agent 8026 is unreachable
  < fact OfferEnded outcome=unreachable
""",
    "ringing ends": """flow: main
agent 8025 signs in
agent 8025 goes ready
caller 1 → 1860
press 1
agent 8025 rings
wait 20s
  < fact OfferEnded outcome=ran-out cause=19
""",
}


@pytest.mark.parametrize("name", GOOD)
def test_what_a_transcript_can_say(name: str, desk: House) -> None:
    outcome = run(desk, GOOD[name])
    assert outcome.ok, "\n".join(report.lines(outcome))


def test_two_hundred_transcripts_run_in_five_seconds(desk: House) -> None:
    """Not a benchmark: the bound is the promise of docs/testing-flows.md, some ten times what it takes."""
    began, texts = time.monotonic(), list(GOOD.values())
    assert all(run(desk, texts[n % len(texts)]).ok for n in range(200))
    assert time.monotonic() - began < 5


FAILING = {
    "caller 138 → 1860\n  < play greeting-evening\n": "story.call:2: wanted: play greeting-evening",
    "caller 138 → 1860\n  < nothing\n": ":2: wanted: nothing",
    "caller 138 → 1860\n  < play greeting-morning, answer\n": "wanted: answer",
    "caller 138 → 1860\n  < at node office\n": "wanted: at node office (he is at greeting)",
    "caller 138 → 1860\n  < fact CallOpened via=nowhere\n": "wanted: fact CallOpened via=nowhere",
    "caller 138 → 1860\nhang up\npress 1\n": ":3: the caller is not on the line any more",
    "press 1\ncaller 138 → 1860\n": ":1: nobody has called yet",
    "caller 138 → 1860\nagent 8025 answers\n": "the phone of 8025 does not ring; the agent is signed-out",
    "caller 138 → 1860\nagent 1 signs in\n": "no agent has the work number 1; there are: 8025",
    "caller 138 → 1860\nagent 8025 goes ready\n": "8025 is told: not signed in",
    "caller 138 → 1860\nmessage of 5s\n": "no message is being taken",
    "caller 138 → 1860\nlook-up balance fails\n": "nobody asked for what was answered by hand: balance",
    "flow: dusk\ncaller 138 → 1860\n": ":1: flow: no flow named 'dusk'; there are desk, main",
    "closure: shop\ncaller 138 → 1860\n": "closure: no hours named 'shop' in config.yaml",
}


@pytest.mark.parametrize("text", FAILING)
def test_failures_say_where_and_why(text: str, desk: House) -> None:
    assert FAILING[text] in "\n".join(report.lines(run(desk, text)))


def test_a_failure_shows_the_lines_around_it_and_what_happened_instead(desk: House) -> None:
    outcome = run(desk, "# One\n\ncaller 138 → 1860\n  < answer, play greeting-day\nhang up\n")
    said = list(report.lines(outcome))
    assert said[0] == "FAILED  story.call:4: wanted: play greeting-day"
    assert "  >    4    < answer, play greeting-day" in said and "       5  hang up" in said
    assert "    what happened after line 3:" in said
    assert "      = answer" in said and "      ~ play greeting-morning" in said


def test_places_without_transcripts_are_named(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"no \.call file"):
        list(call_files([tmp_path]))
    with pytest.raises(Exception, match="no such file"):
        list(call_files([tmp_path / "gone.call"]))
