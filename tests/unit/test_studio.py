"""Takes: what may become a prompt, what it becomes, and that the builder would have made the same."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ari_app.commands.prompts import read_catalogue
from ari_app.errors import ConfigError
from ari_app.media import build, pcm, studio
from ari_app.media.catalogue import mistakes, number_of
from ari_app.media.prompts import read_manifest
from tests.asterisk import REPOSITORY


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    shutil.copytree(REPOSITORY / "sounds", tmp_path / "sounds")
    return tmp_path / "sounds"


def spoken(folder: Path, seconds: float, amplitude: float = 0.02) -> Path:
    """Noise in the shape of words, as a telephone records it: too quiet for a prompt."""
    count = round(seconds * pcm.RATE)
    rng = np.random.default_rng(1)
    words = (np.sin(2 * np.pi * 3 * np.arange(count) / pcm.RATE) > -0.5) * rng.normal(0, 1, count)
    pcm.write_wav(folder / "spoken.wav", amplitude * words)
    return folder / "spoken.wav"


def test_a_take_becomes_what_the_builder_would_make(sounds: Path, tmp_path: Path) -> None:
    raw = spoken(tmp_path, 3).read_bytes()
    seconds = studio.finish(sounds, "goodbye", "en", tmp_path / "spoken.wav", "1-1.m2")
    assert 2.5 < seconds < 3.5 and studio.take_file(sounds, "1-1.m2").is_file()
    before = {(row.id, row.language): row for row in read_manifest(sounds)}
    row = studio.keep(sounds, "goodbye", "en", "1-1.m2")
    after = {(each.id, each.language): each for each in read_manifest(sounds)}
    assert after.pop(("goodbye", "en")) == row and before.pop(("goodbye", "en")) != row and after == before
    assert (sounds / "studio/en/goodbye.wav").read_bytes() == raw
    assert build.check(sounds, read_catalogue(sounds)) == []
    said: list[str] = []
    assert build.build(sounds, read_catalogue(sounds), tmp_path, said.append) == 0, said


def test_a_word_of_a_value_stays_short(sounds: Path, tmp_path: Path) -> None:
    studio.finish(sounds, "digit-3", "zh-CN", spoken(tmp_path, 0.6), "t")
    row = studio.keep(sounds, "digit-3", "zh-CN", "t")
    assert row.engine.endswith(" facts part") and row.seconds < 1
    assert build.check(sounds, read_catalogue(sounds)) == []


@pytest.mark.parametrize(
    ("seconds", "amplitude", "why"),
    [(0.05, 0.02, "s long"), (16, 0.02, "s long"), (3, 0.0005, "too quiet"), (2, 0, "quiet")],
)
def test_what_is_no_prompt_is_refused(sounds: Path, tmp_path: Path, seconds: float, amplitude: float, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        studio.finish(sounds, "goodbye", "en", spoken(tmp_path, seconds, amplitude), "t")
    assert not list(sounds.glob("studio/*"))


def test_a_dropped_take_is_gone(sounds: Path, tmp_path: Path) -> None:
    studio.finish(sounds, "goodbye", "en", spoken(tmp_path, 2), "t")
    studio.drop(sounds, "t")
    studio.drop(sounds, "t")
    assert not list((sounds / "studio").glob(".take-*"))


def test_numbers_never_change_and_are_never_shared() -> None:
    ids = {row["id"] for row in json.loads((REPOSITORY / "sounds/manifest.json").read_text())}
    assert len({number_of(each) for each in ids}) == len(ids)
    assert number_of("goodbye") == "27498" and number_of("main-menu") == "75204"
    seen: dict[str, str] = {}
    n = 0
    while (other := seen.setdefault(number_of(f"p{n}"), f"p{n}")) == f"p{n}":
        n += 1
    tree = {other: {"zh-CN": "好。", "en": "Good."}, f"p{n}": {"zh-CN": "好。", "en": "Good."}}
    assert [mistake.what for mistake in mistakes(tree)] == [f"has the same number as {other}; choose another id"]


def test_a_number_finds_its_prompt_but_no_tone(sounds: Path) -> None:
    assert studio.find(sounds, number_of("goodbye")) == "goodbye"
    assert studio.find(sounds, number_of("beep")) == studio.find(sounds, "1") == studio.find(sounds, "") == ""
