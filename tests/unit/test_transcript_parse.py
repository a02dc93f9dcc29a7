"""What is wrong in a `.call` file is said with its line and a cure, all at once; any text at all gives messages."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.model.events import Answer
from ari_app.transcript.parse import LINES_MAX, BadTranscript, answers, parse, parse_step
from ari_app.transcript.steps import AgentDoes, Dial, LeavesMessage, LookUpAnswers, MovesClock, Press, Wait

CALL = "caller 138 → 1860\n"
WRONG = {
    "jump\n": "x.call:1: no step reads like this: 'jump'   steps begin with caller, press, wait",
    "calle 138 → 1860\n": "did you mean 'caller'?",
    "caller 138 1860\n": "x.call:1: no call: 'caller 138 1860'   write it like caller 13800138000 → 1860",
    f"{CALL}press 1 2\n": "x.call:2: no keys: '1 2'   keys are 0-9, * and #, without blanks",
    f"{CALL}press\n": "no keys: ''",
    f"{CALL}wait five\n": "no seconds: 'five'   write them like 5s or 0.5s",
    f"{CALL}hang on\n": "did you mean 'hang up'?",
    f"{CALL}agent 8025 sleeps\n": "agents do not do this: 'sleeps'",
    f"{CALL}agent 8025 answer\n": "did you mean 'answers'?",
    f"{CALL}agent Li answers\n": "no work number: 'Li'",
    f"{CALL}agent 8025 notes\n": "agents do not do this: 'notes'",
    f"{CALL}look-up balance says no\n": "no look-up: 'balance says no'",
    f"{CALL}look-up balance answers 12\n": "no values: '12'   write them like balance=12.5 stopped=no",
    f"{CALL}message of a while\n": "no seconds: 'a while'",
    f"{CALL}at noon\n": "no time: 'noon'   write it like 2026-03-02 10:00",
    "at: 2026-02-30 10:00\n" + CALL: "x.call:1: no such time: '2026-02-30 10:00'",
    "at: 2026-03-02 10:00 Mars/Base\n" + CALL: "no such time zone: 'Mars/Base'   an IANA name",
    "at: 2026-03-02 10:00 ../../etc\n" + CALL: "no such time",
    "flwo: main\n" + CALL: "no header entry 'flwo'   did you mean 'flow'?",
    "flow: ../main\n" + CALL: "no name of a flow: '../main'",
    "language: fr\n" + CALL: "no language 'fr'   want zh-CN or en",
    "live: maybe\n" + CALL: "live: 'maybe'   all run live",
    "live: no\n" + CALL: "live: 'no'   all run live; one that cannot says: live: no (and why not)",
    "hours: office always\n" + CALL: "no opening hours: 'office always'   write them like hours: office mon-fri",
    "closure: the shop\n" + CALL: "no name of opening hours: 'the shop'",
    f"{CALL}flow: main\n": "x.call:2: `flow:` after the first step",
    "  < answer\n" + CALL: "x.call:1: nothing has been done yet",
    f"{CALL}  < sing a song\n": "nobody can expect this: 'sing a song'",
    f"{CALL}  < plays greeting\n": "did you mean 'play'?",
    f"{CALL}  < join the queue\n": "nobody can expect this: 'join the queue'   did you mean 'join queue'?",
    f"{CALL}  < answer,\n": "nobody can expect this: ''",
    f"{CALL}  < play\n": "after `play` comes at least one word: 'play'",
    f"{CALL}  < ring\n": "after `ring` comes a name: 'ring'",
    f"{CALL}  < answer 8025\n": "after `answer` comes nothing: 'answer 8025'",
    f"{CALL}  < fact QueuedUp\n": "no fact is called 'QueuedUp'   did you mean 'Queued'?",
    f"{CALL}  < fact Queued quue=billing\n": "Queued has no field 'quue'   did you mean 'queue'?",
    f"{CALL}  < fact Queued billing\n": "no field: 'billing'   write it like queue=billing",
    "# Nothing\n": "x.call:1: nobody calls   begin with: caller 13800138000 → 1860",
    "": "x.call:1: nobody calls",
    CALL + "press 1\n" * LINES_MAX: f"x.call:{LINES_MAX}: more than {LINES_MAX} lines",
}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text[:40])
def test_faults(text: str) -> None:
    with pytest.raises(BadTranscript) as bad:
        parse(text, "x.call")
    assert WRONG[text] in str(bad.value)


def test_all_faults_at_once() -> None:
    with pytest.raises(BadTranscript) as bad:
        parse("flwo: main\njump\npress x\n", "x.call")
    assert [problem.split(": ")[0] for problem in bad.value.problems] == ["x.call:1", "x.call:2", "x.call:3"]


@given(st.text(max_size=300))
def test_any_text_gives_a_transcript_or_messages(text: str) -> None:
    for tried in (text, f"{CALL}{text}", f"{CALL}  < {text}", f"at: {text}\n{CALL}", f"{CALL}look-up a answers {text}"):
        try:
            parse(tried, "x.call")
        except BadTranscript as bad:
            assert all(problem.startswith("x.call:") for problem in bad.problems)


def test_header() -> None:
    header = parse(
        "# The title  flow: main.yaml   at: 2026-03-02 23:30:10 Asia/Shanghai\nlanguage: en\nlive: no (a reason)\n"
        "closure: office\nclosure: *\nhours: shop mon-fri 08:00-12:00,13:00-18:00; sat 09:00-12:00\n" + CALL,
        "x.call",
    ).header
    assert (header.title, header.flow, header.language, header.not_live) == ("The title", "main", "en", "a reason")
    assert header.at == MovesClock(datetime(2026, 3, 2, 23, 30, 10), "Asia/Shanghai")
    assert header.closures == ("office", "*")
    assert dict(header.hours)["shop"].weekly == {"mon-fri": ("08:00-12:00", "13:00-18:00"), "sat": ("09:00-12:00",)}
    assert parse(CALL, "x.call").header.not_live == ""


def test_comments_and_hashes() -> None:
    lines = parse(f"# a: b\n{CALL}press # # the hash key\npress 12# # twelve\n# at: noon\npress #\n", "x").lines
    assert [line.what for line in lines[1:]] == [Press("#"), Press("12#"), Press("#")]
    assert [line.number for line in lines] == [2, 3, 4, 6]


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("caller +8613800138000 -> *131#", Dial("+8613800138000", "*131#")),
        ("caller  → 1860", Dial("", "1860")),
        ("wait 0.5s", Wait(0.5)),
        ("wait 5", Wait(5)),
        ("agent 8025 does not answer", AgentDoes("8025", "does not answer")),
        ("agent 8025 goes not ready", AgentDoes("8025", "goes not ready")),
        ("agent 8025 goes not ready meal", AgentDoes("8025", "goes not ready", "meal")),
        ("agent 8025 notes solved", AgentDoes("8025", "notes", "solved")),
        ("look-up balance fails", LookUpAnswers("balance", None, "failed")),
        ("look-up balance fails no answer in time", LookUpAnswers("balance", None, "no answer in time")),
        ("look-up balance answers", LookUpAnswers("balance", ())),
        ("message of 7s", LeavesMessage(7)),
        ("at 2026-10-01 21:00", MovesClock(datetime(2026, 10, 1, 21))),
    ],
)
def test_steps(text: str, step: object) -> None:
    assert parse_step(text) == step


def test_values_of_an_answer() -> None:
    assert answers("""balance=12.5 n=-3 stopped=no vip=yes name="Li Lei" number='138' plain=text pin=0123""") == (
        Answer("balance", 12.5),
        Answer("n", -3),
        Answer("stopped", False),
        Answer("vip", True),
        Answer("name", "Li Lei"),
        Answer("number", "138"),
        Answer("plain", "text"),
        Answer("pin", "0123"),
    )
