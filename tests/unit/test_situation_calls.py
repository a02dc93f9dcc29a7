"""The true situations.yaml: what the domain asks of each script, and those that no sample flow runs, run in one."""

import shutil

import pytest

from ari_app.config.load import load_settings
from ari_app.flow import intents as it
from ari_app.flow.intents import Cleared, Heard, Key, SaidAll, WaitedOut
from ari_app.flow.script import SIGNS, begin, step
from ari_app.flow.situations import SayStep, Situation
from ari_app.model.settings import NumberPlan
from ari_app.site import Site
from ari_app.transcript import report
from ari_app.transcript.rehearse import House
from ari_app.transcript.stage import house_of
from tests.asterisk import REPOSITORY, secrets_for
from tests.unit.transcript_kit import run

FLOWS = {
    "wrong": """start: which
nodes:
  which: {type: situation, situation: wrong-number, on_life: person, next: elsewhere}
  person: {type: queue, queue: general}
  elsewhere: {type: hangup, say: [unknown-number]}
""",
    "warned": """start: warn
nodes:
  warn: {type: situation, situation: nuisance-call, on_life: desk, next: desk}
  desk: {type: voicemail, box: nuisance, next: person}
  person: {type: queue, queue: general}
""",
}
CALLS = {
    "wrong number, nobody answers": """flow: wrong
caller 13800138000 → 1860
  < play wrong-number-this-is
wait 5s
  < fact SituationEnded situation=wrong-number outcome=over step=3, play unknown-number
hang up
""",
    "wrong number, but the right one": """flow: wrong
caller 13800138000 → 1860
wait 1s
speak 1s
  < fact SituationEnded outcome=speech step=2, join queue general
hang up
""",
    "wrong number, a key": """flow: wrong
caller 13800138000 → 1860
press 1
  < stop wrong-number-this-is, fact SituationEnded outcome=key step=1, join queue general
hang up
""",
    "one warning, then the desk": """flow: warned
caller 13800138000 → 1860
  < fact SituationBegan situation=nuisance-call, play nuisance-warning
wait 5s
  < play nuisance-to-desk
wait 0s
  < fact SituationEnded outcome=over step=4, at node desk
hang up
""",
    "who goes on shouting gets no further": """flow: warned
caller 13800138000 → 1860
speak 3s
  < nothing
press 1
  < nothing
wait 5s
  < play nuisance-to-desk
hang up
  < fact SituationEnded outcome=gone step=3
""",
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    folder = tmp_path_factory.mktemp("situations") / "flows"
    shutil.copytree(REPOSITORY / "ivr_flows", folder)
    for name, text in FLOWS.items():
        (folder / f"{name}.yaml").write_text(text)
    settings = load_settings(REPOSITORY / "config.yaml")
    numbers = {**settings.numbers, "1871": NumberPlan(flow="wrong"), "1872": NumberPlan(flow="warned")}
    paths = settings.paths.model_copy(update={"flows": str(folder)})
    settings = settings.model_copy(update={"numbers": numbers, "paths": paths})
    return house_of(Site(REPOSITORY / "config.yaml", settings, secrets_for(settings)))


@pytest.fixture(scope="module")
def named(house: House) -> dict[str, Situation]:
    return dict(house.flows["main"].situations.named)


@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str, house: House) -> None:
    outcome = run(house, CALLS[name])
    assert outcome.ok, "\n".join(report.lines(outcome))


SCRIPTS: dict[str, tuple[list[float], str]] = {  # Waits, in seconds, and the end.
    "silent-line": ([5, 5, 5], "hang-up"),
    "low-voice": ([10, 5], "hang-up"),
    "noisy-line": ([5], "hang-up"),
    "fax": ([], "hang-up"),
    "line-left-open": ([5], "hang-up"),
    "wrong-number": ([5], "next"),
    "system-fault": ([], "next"),
    "nuisance-call": ([5], "next"),
}
SIGN = {"key": Key("1"), "speech": Heard(), "clear": Cleared()}


def test_the_figures_are_those_of_the_handbook(named: dict[str, Situation]) -> None:
    found = {
        name: ([s.wait_s for s in each.steps if hasattr(s, "wait_s")], each.steps[-1])
        for name, each in named.items()
        if each.steps
    }
    assert found == SCRIPTS
    hints = named["over-long-call"].hints_s
    assert hints is not None and (hints.agent, hints.supervisor) == (600, 1200)


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_runs_to_its_end_and_life_ends_it_at_every_step(name: str, named: dict[str, Situation]) -> None:
    script = named[name]
    done = begin(name, script)
    for n, each in enumerate(script.steps[:-1]):
        assert done.at.step == n and done.outcome is None
        for kind in SIGNS.values():
            ended = step(script, done.at, SIGN[kind])
            assert (ended.outcome == kind) is (kind in script.life)
            assert (it.Hush() in ended.intents) is (kind in script.life and isinstance(each, SayStep))
        done = step(script, done.at, SaidAll() if isinstance(each, SayStep) else WaitedOut())
    assert done.outcome == {"hang-up": "hung-up", "next": "over"}[str(script.steps[-1])]


def test_everyone_who_acts_has_what_he_needs_in_both_languages(named: dict[str, Situation]) -> None:
    for name, each in named.items():
        if each.cards is not None:
            assert len(each.cards.zh) == len(each.cards.en), name
            said = " ".join((*each.cards.zh, *each.cards.en))
            assert not any(word in said for word in ("You must", "you must", "您必须", "不能", "不行", "不知道")), name


def test_the_table_of_the_domain_is_complete(named: dict[str, Situation]) -> None:
    """Every row of the domain's table (§3), and the fax that calls a voice line."""
    wanted = """greeting silent-line hands-free low-voice noisy-line agent-too-quiet hold-ask hold-back wrong-number
    cannot-get-through internal-dept private-call self-service-tip password-ask password-unknown password-wrong
    repeat-please note-down arrears-stop no-business-when-stopped system-fault angry-caller slow-agent-complaint
    attitude-complaint mistake-complaint agent-name suggestion apology thanks praise nuisance-call invitation
    impossible-request cannot-answer-now complaint-open confirm-understood anything-else goodbye line-left-open
    over-long-call all-busy after-hours holiday greeted-by-caller beg-pardon message-desk fax"""
    assert set(named) == set(wanted.split())


def test_scripts_for_voices_stay_out_of_menus(named: dict[str, Situation]) -> None:
    assert [n for n, s in named.items() if s.trigger in ("quiet", "noisy") and "in-flow" in s.allowed] == []
