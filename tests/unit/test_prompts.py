"""Prompts: what is committed agrees with the catalogue and can be heard; the builder; music on hold."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ari_app.commands.prompts import read_catalogue
from ari_app.config.diagnostics import BadFile
from ari_app.errors import ConfigError, HotlineError
from ari_app.flow.speech import spoken_prompts
from ari_app.media import build, moh, pcm
from ari_app.media.catalogue import LANGUAGES, wanted
from ari_app.media.prompts import Prompts, read_manifest

SOUNDS = Path(__file__).parents[2] / "sounds"
NOWHERE = Path("no-voices-here")
CATALOGUE = """
greeting: {zh-CN: "您好，欢迎您来电。", en: "Hello, and welcome."}
digit-1: {zh-CN: "一", en: "one", facts: true, part: true}
beep: {tone: 1000}
"""


class FakeVoice:
    """Stands in for the model: a hum as long as the text is, and a note of what was asked for."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, bool]] = []

    def __call__(self, text: str, language: str, facts: bool) -> pcm.Samples:
        self.said.append((text, language, facts))
        time = np.arange(int(24000 * max(0.5, 0.3 * len(text)))) / 24000
        return np.asarray(0.05 * np.sin(2 * np.pi * 300 * time) * (1.2 + np.sin(2 * np.pi * 3 * time)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "catalogue.yaml").write_text(CATALOGUE, encoding="utf-8")
    return tmp_path


@pytest.fixture
def built(folder: Path) -> Path:
    rebuild(folder)
    return folder


@pytest.fixture(scope="module")
def music() -> pcm.Samples:
    return moh.compose()


def rebuild(folder: Path) -> tuple[int, FakeVoice]:
    voice = FakeVoice()
    return build.build(folder, read_catalogue(folder), NOWHERE, lambda line: None, voice), voice


def check(folder: Path) -> list[str]:
    return build.check(folder, read_catalogue(folder))


def only(problems: list[str]) -> str:
    assert len(problems) == 1, problems
    return problems[0]


# --- what is in the repository


def test_the_committed_prompts_are_clean() -> None:
    assert check(SOUNDS) == []


def test_every_committed_prompt_is_there_in_both_languages() -> None:
    prompts = Prompts.load(SOUNDS)
    ids = {want.id for want in read_catalogue(SOUNDS)}
    assert prompts.missing(sorted(ids), LANGUAGES) == []
    assert prompts.seconds("goodbye", "zh-CN") == pytest.approx(len(_samples("zh-CN/goodbye.wav")) / 8000, abs=0.001)


def test_values_can_be_said_in_both_languages_and_their_words_flow() -> None:
    parts = {(want.id, want.language) for want in read_catalogue(SOUNDS) if want.part}
    words = (*spoken_prompts(), "position-after", "wait-to", "wait-minutes")  # The last three: board/expecting.
    assert parts == {(one, language) for one in words for language in LANGUAGES}


def _samples(file: str) -> pcm.Samples:
    return pcm.read_wav(SOUNDS / file)[0]


def test_speech_begins_and_ends_in_silence_but_hardly_any_around_the_words_of_values() -> None:
    parts = {want.file: want for want in read_catalogue(SOUNDS) if want.part}
    for row in read_manifest(SOUNDS):
        samples = _samples(row.file)
        lead, tail = (160, 160) if row.file in parts else (round(pcm.LEAD_S * 8000), round(pcm.TAIL_S * 8000))
        assert not samples[:lead].any() and not samples[-tail:].any(), row.file
        if row.file in parts:
            heard = np.flatnonzero(np.abs(samples) > 0.01)
            assert parts[row.file].facts or heard[0] < 0.12 * pcm.RATE, row.file
            assert len(samples) - heard[-1] < 0.12 * pcm.RATE, row.file


# --- at run time


def test_a_prompt_missing_in_one_language_is_played_in_the_other_and_counted(built: Path) -> None:
    (built / "en/greeting.wav").unlink()
    prompts = Prompts.load(built)
    assert prompts.path("greeting", "zh-CN") == built / "zh-CN/greeting.wav"
    assert not prompts.fallbacks
    assert prompts.path("greeting", "en") == built / "zh-CN/greeting.wav"
    assert prompts.seconds("greeting", "en") == prompts.seconds("greeting", "zh-CN") > 0
    assert prompts.path("no-such-prompt", "en") is None
    assert prompts.seconds("no-such-prompt", "en") == 0
    assert prompts.fallbacks == {("greeting", "en"): 1, ("no-such-prompt", "en"): 1}
    assert prompts.missing(["greeting", "beep", "other"], ["zh-CN", "en"]) == [
        ("greeting", "en"),
        ("other", "zh-CN"),
        ("other", "en"),
    ]


@pytest.mark.parametrize("damage", [None, "{", '[{"id": "greeting"}]'])
def test_a_manifest_that_cannot_be_read_is_one_clear_error(folder: Path, damage: str | None) -> None:
    if damage is not None:
        (folder / "manifest.json").write_text(damage, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"manifest\.json"):
        Prompts.load(folder)


# --- the check


def test_what_the_builder_wrote_is_clean(built: Path) -> None:
    assert check(built) == []


def test_a_missing_file_is_reported(built: Path) -> None:
    (built / "en/greeting.wav").unlink()
    assert only(check(built)) == "en/greeting.wav: no such file. Render it: hotline prompts build"


def test_a_changed_text_is_reported(built: Path) -> None:
    (built / "catalogue.yaml").write_text(CATALOGUE.replace("Hello, and", "Hello and"), encoding="utf-8")
    assert "en/greeting.wav: the text has changed" in only(check(built))


def test_a_prompt_never_rendered_and_one_no_longer_wanted_are_reported(built: Path) -> None:
    (built / "catalogue.yaml").write_text(CATALOGUE.replace("beep:", "pip:"), encoding="utf-8")
    problems = check(built)
    assert "zh-CN/pip.wav: not in the manifest. Render it: hotline prompts build" in problems
    assert "en/beep.wav: in the manifest, not in the catalogue. Render it: hotline prompts build" in problems


@pytest.mark.parametrize(
    ("factor", "found"),
    [(1.6, ["sha256", "level -15.9 dBFS", "peak"]), (0.5, ["sha256", "level -26.0 dBFS"]), (0.0, ["sha256", "level"])],
)
def test_a_level_too_hot_or_too_low_is_reported(built: Path, factor: float, found: list[str]) -> None:
    file = built / "zh-CN/greeting.wav"
    samples = pcm.read_wav(file)[0]
    samples[2000] = 0.6  # A loud click: over -3 dBFS once raised.
    pcm.write_wav(file, samples * factor)
    problems = check(built)
    assert len(problems) == len(found)
    for problem, word in zip(problems, found, strict=True):
        assert problem.startswith("zh-CN/greeting.wav: ") and word in problem


def test_too_fast_too_long_and_strange_files_are_reported(built: Path) -> None:
    pcm.write_wav(built / "zh-CN/greeting.wav", pcm.tone(500, 1.4))
    pcm.write_wav(built / "en/greeting.wav", pcm.tone(500, 15))
    (built / "en/digit-1.wav").write_bytes(b"RIFF")
    pcm.write_wav(built / "en/stray.wav", pcm.tone(500, 1))
    said = "\n".join(check(built))
    assert "zh-CN/greeting.wav: 7 characters in 1.40 s; at most 280 a minute" in said
    assert f"en/greeting.wav: {15 + pcm.LEAD_S + pcm.TAIL_S:.2f} s long, want 0.5 to 15 s" in said
    assert "digit-1.wav: not a readable WAV file" in said
    assert "en/stray.wav: not in the catalogue" in said


def test_a_word_of_a_value_may_be_short_but_not_too_short(built: Path) -> None:
    file = built / "zh-CN/digit-1.wav"
    for seconds, problem in (
        (0.42, None),
        (0.35, "1 characters in 0.35 s; at most 150"),
        (0.1, "0.10 s long, want 0.15"),
    ):
        pcm.write_wav(file, pcm.finish(_hum(seconds), 0, 0))
        said = [line for line in check(built) if "sha256" not in line]
        assert len(said) == (problem is not None) + (seconds < 0.15), said
        assert problem is None or problem in said[0]


def _hum(seconds: float) -> pcm.Samples:
    return np.asarray(0.1 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * pcm.RATE)) / pcm.RATE))


# --- the builder


def test_only_what_changed_is_rendered_again(built: Path) -> None:
    count, voice = rebuild(built)
    assert (count, voice.said) == (0, [])
    (built / "catalogue.yaml").write_text(CATALOGUE.replace('"one"', '"one."'), encoding="utf-8")
    count, voice = rebuild(built)
    assert (count, voice.said) == (1, [("one.", "en", True)])
    (built / "zh-CN/greeting.wav").write_bytes(b"damaged")
    (built / "en/beep.wav").unlink()
    count, voice = rebuild(built)
    assert (count, voice.said) == (2, [("您好，欢迎您来电。", "zh-CN", False)])
    assert check(built) == []


def test_what_left_the_catalogue_is_removed(built: Path) -> None:
    (built / "catalogue.yaml").write_text(CATALOGUE.replace("beep: {tone: 1000}", ""), encoding="utf-8")
    rebuild(built)
    assert not (built / "en/beep.wav").exists()
    assert check(built) == []


def test_a_studio_recording_wins_and_comes_to_the_same_level(built: Path) -> None:
    hum = 0.5 * np.sin(2 * np.pi * 440 * np.arange(48000) / 8000)
    (built / "studio/en").mkdir(parents=True)
    pcm.write_wav(built / "studio/en/greeting.wav", np.concatenate([np.zeros(16000), hum, np.zeros(8000)]))
    count, voice = rebuild(built)
    assert (count, voice.said) == (1, [])
    assert check(built) == []
    row = next(row for row in read_manifest(built) if (row.id, row.language) == ("greeting", "en"))
    assert row.voice == "studio"
    assert row.seconds == pytest.approx(6 + pcm.LEAD_S + pcm.TAIL_S, abs=0.2)
    shutil.rmtree(built / "studio")
    assert rebuild(built)[1].said == [("Hello, and welcome.", "en", False)]


def test_voices_are_asked_for_only_where_one_is_to_speak(built: Path) -> None:
    hum = 0.5 * np.sin(2 * np.pi * 440 * np.arange(48000) / 8000)
    (built / "studio/en").mkdir(parents=True)
    pcm.write_wav(built / "studio/en/greeting.wav", np.concatenate([np.zeros(16000), hum, np.zeros(8000)]))
    assert build.build(built, read_catalogue(built), None, lambda line: None) == 1
    shutil.rmtree(built / "studio")
    with pytest.raises(HotlineError, match=r"greeting \(en\) is to be spoken by a voice: say where they are, --voices"):
        build.build(built, read_catalogue(built), None, lambda line: None)


def test_an_interrupted_build_keeps_what_is_done(folder: Path) -> None:
    def breaks_at_english(text: str, language: str, facts: bool) -> pcm.Samples:
        if language == "en":
            raise KeyboardInterrupt
        return FakeVoice()(text, language, facts)

    with pytest.raises(KeyboardInterrupt):
        build.build(folder, read_catalogue(folder), NOWHERE, lambda line: None, breaks_at_english)
    assert [(row.id, row.language) for row in read_manifest(folder)] == [("greeting", "zh-CN")]


def test_a_bad_catalogue_is_told_with_all_its_problems(folder: Path) -> None:
    text = """\
one: {zh-CN: "按1"}
Two: {zh-CN: "好", en: "good", speed: 2}
one: {tone: 500}
three: word
four: {tone: 5}
five: {zh-CN: "好", en: " ", part: maybe}
six: {zh-CN: "好", en: [good]}
"""
    (folder / "catalogue.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BadFile) as caught:
        read_catalogue(folder)
    said = str(caught.value)
    for words in (
        "catalogue.yaml:1:6  P007  one: no text in en",
        "catalogue.yaml:1:14  P007  one.zh-CN: write digits in Hanzi",
        "catalogue.yaml:2:6  P007  Two: an id is",
        "P007  Two.speed: unknown key",
        "catalogue.yaml:3:1  P004  ",
        "catalogue.yaml:4:8  P007  three: want `{zh-CN: text, en: text}` here",
        "P007  four.tone: want 100 to 3400",
        "P007  five.en: want text",
        "P007  five.part: want true or false",
        "P007  six.en: want text",
    ):
        assert words in said, said
    assert len(said.splitlines()) == 10


@pytest.mark.parametrize("text", ["", "[greeting]", "{", "a: *b", "word"])
def test_a_catalogue_that_is_none_is_told(folder: Path, text: str) -> None:
    (folder / "catalogue.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BadFile, match=r"catalogue\.yaml"):
        read_catalogue(folder)
    (folder / "catalogue.yaml").unlink()
    with pytest.raises(BadFile, match="P001"):
        read_catalogue(folder)


def test_mistakes_must_be_told_before_prompts_are_wanted(folder: Path) -> None:
    with pytest.raises(ValueError, match="mistakes"):
        wanted(folder, {"one": {"en": "one"}})


def test_the_manifest_has_what_it_promises(built: Path) -> None:
    rows = json.loads((built / "manifest.json").read_text(encoding="utf-8"))
    keys = {"id", "language", "text", "voice", "engine", "seconds", "level_dbfs", "sha256"}
    assert all(row.keys() == keys for row in rows)
    assert {row["voice"] for row in rows} == {"mandarin-1", "english-1", "tone"}


# --- sound


def test_a_word_of_a_value_waits_before_it_not_after_it() -> None:
    quiet = np.zeros(4000)
    word = pcm.part(np.concatenate([quiet, _hum(0.2), quiet]))
    assert 0.2 < len(word) / pcm.RATE < 0.3
    slow = pcm.part(np.concatenate([quiet, _hum(0.2), quiet]), 0.5)
    assert len(slow) == 4000
    assert np.array_equal(slow[-len(word) :], word) and not slow[: -len(word)].any()


def test_any_rate_becomes_8_khz_in_the_telephone_band() -> None:
    time = np.arange(44100) / 44100
    kept, gone = (pcm.telephone(np.sin(2 * np.pi * hertz * time), 44100) for hertz in (1000, 5000))
    assert len(kept) == 8000
    assert pcm.active_level(kept[800:-800]) == pytest.approx(-3.0, abs=0.1)
    assert pcm.active_level(gone[800:-800]) < -60


def test_music_is_the_same_every_time_at_its_level_and_length(music: pcm.Samples) -> None:
    assert np.array_equal(music, moh.compose())
    assert 30 <= len(music) / pcm.RATE <= 60
    assert pcm.active_level(music) == pytest.approx(-24, abs=0.1)
    assert pcm.peak(music) < -6


def test_music_has_no_clicks_and_its_seam_cannot_be_heard(music: pcm.Samples) -> None:
    steps = np.abs(np.diff(np.append(music, music[0])))
    assert steps.max() < 0.25
    assert steps[-1] < 0.05
    bends = np.abs(np.diff(np.append(music, music[:2]), 2))  # A click is a spike of the second difference.
    assert bends.max() < 12 * np.sqrt((bends * bends).mean())
    assert np.array_equal(np.rint(music * 32768), np.rint(_samples(build.MUSIC) * 32768)) or np.allclose(
        music, _samples(build.MUSIC), atol=2 / 32768
    )
