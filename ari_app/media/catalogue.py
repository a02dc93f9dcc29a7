"""What the prompts should be: the parsed sounds/catalogue.yaml checked, and where each prompt's sound comes from.

The builder's side only: at run time `media.prompts` reads the manifest. Who reads the YAML hands over its text tree.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

CATALOGUE: Final = "catalogue.yaml"
LANGUAGES: Final = ("zh-CN", "en")
VOICES: Final = {"zh-CN": "mandarin-1", "en": "english-1"}
SPEECH: Final = "kokoro-82m-v1.0-int8"
FLAGS: Final = ("facts", "part")
STUDIO: Final = "studio"
TONE: Final = "tone"
REVISION: Final = 1  # Raise it when phonemes, pace or levels change: every spoken prompt is then rendered anew.


@dataclass(frozen=True, slots=True)
class Wanted:
    """One prompt in one language. `tone_hz` is 0 for speech; voice and engine are as the manifest will name them.

    `facts`: to be written down, so slowly. `part`: a word of a value, put together with others, so without silence.
    """

    id: str
    language: str
    text: str
    voice: str
    engine: str
    facts: bool = False
    part: bool = False
    tone_hz: int = 0

    @property
    def file(self) -> str:
        """Path of the WAV below the folder of sounds."""
        return f"{self.language}/{self.id}.wav"


def number_of(prompt_id: str) -> str:
    """What is dialled for a prompt: five digits that follow from its id alone, so that they never change."""
    return str(int(hashlib.sha256(prompt_id.encode()).hexdigest()[:12], 16) % 90_000 + 10_000)


class Mistake(NamedTuple):
    """What is wrong at a place of the catalogue: `("goodbye", "en")`, or `()` for the whole file."""

    place: tuple[str, ...]
    what: str


def studio_file(folder: Path, want: Wanted) -> Path:
    """Where a recording of a human voice would lie."""
    return folder / STUDIO / want.file


def mistakes(tree: object) -> list[Mistake]:
    """Everything wrong with a parsed catalogue: text trees, id -> field -> text."""
    if not isinstance(tree, Mapping) or not tree:
        return [Mistake((), "want `id: {zh-CN: text, en: text}` here")]
    found = [mistake for prompt_id, fields in tree.items() for mistake in _mistakes(str(prompt_id), fields)]
    numbers: dict[str, str] = {}
    for prompt_id in tree:
        if (other := numbers.setdefault(number_of(str(prompt_id)), str(prompt_id))) != prompt_id:
            found.append(Mistake((str(prompt_id),), f"has the same number as {other}; choose another id"))
    return found


def wanted(folder: Path, tree: object) -> list[Wanted]:
    """Every prompt in every language, of a catalogue without mistakes; `folder` is where studio recordings may lie."""
    if not isinstance(tree, Mapping) or mistakes(tree):
        raise ValueError("the catalogue has mistakes")
    return [_want(folder, prompt_id, language, fields) for prompt_id, fields in tree.items() for language in LANGUAGES]


def _mistakes(prompt_id: str, fields: object) -> Iterator[Mistake]:
    if not re.fullmatch("[a-z][a-z0-9-]{0,39}", prompt_id):
        yield Mistake((prompt_id,), "an id is a-z, 0-9 and -, at most 40 characters, a letter first")
    if not isinstance(fields, Mapping):
        yield Mistake((prompt_id,), "want `{zh-CN: text, en: text}` here")
        return
    known = (TONE,) if TONE in fields else (*LANGUAGES, *FLAGS)
    for name, value in fields.items():
        if name not in known:
            yield Mistake((prompt_id, name), f"unknown key; known here: {', '.join(known)}")
        elif not isinstance(value, str) or not value.strip():
            yield Mistake((prompt_id, name), "want text after the colon")
        elif name in FLAGS and value not in ("true", "false"):
            yield Mistake((prompt_id, name), "want true or false")
        elif name == TONE and not (re.fullmatch("[1-9][0-9]{2,3}", value) and int(value) <= 3400):
            yield Mistake((prompt_id, name), "want 100 to 3400 (hertz)")
        elif name == "zh-CN" and re.search("[0-9]", value):
            yield Mistake((prompt_id, name), "write digits in Hanzi (六, not 6)")
    for language in LANGUAGES:
        if language in known and language not in fields:
            yield Mistake((prompt_id,), f"no text in {language}")


def _want(folder: Path, prompt_id: str, language: str, fields: Mapping[str, str]) -> Wanted:
    if TONE in fields:
        return Wanted(prompt_id, language, f"{fields[TONE]} Hz", TONE, TONE, tone_hz=int(fields[TONE]))
    facts, part = (fields.get(flag) == "true" for flag in FLAGS)
    flags = "".join(f" {flag}" for flag in FLAGS if fields.get(flag) == "true")
    engine = f"{SPEECH} r{REVISION}{flags}"
    want = Wanted(prompt_id, language, fields[language].strip(), VOICES[language], engine, facts, part)
    studio = studio_file(folder, want)
    if not studio.is_file():
        return want
    sha = hashlib.sha256(studio.read_bytes()).hexdigest()
    return replace(want, voice=STUDIO, engine=f"{STUDIO} {sha[:12]}{flags}")
