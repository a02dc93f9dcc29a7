"""What the prompts should be: sounds/catalogue.yaml read and checked, and where each prompt's sound comes from.

The builder's side only: at run time `media.prompts` reads the manifest and no YAML.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import yaml

from ari_app.errors import ConfigError

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


def studio_file(folder: Path, want: Wanted) -> Path:
    """Where a recording of a human voice would lie."""
    return folder / STUDIO / want.file


def read_catalogue(folder: Path) -> list[Wanted]:
    """Every prompt in every language. Raises ConfigError with all problems, a line each."""
    file = folder / CATALOGUE
    try:
        root = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as problem:
        raise ConfigError(str(problem)) from problem
    except yaml.YAMLError as problem:
        raise ConfigError(f"{file}: {problem}") from problem
    problems: list[str] = []
    wanted: list[Wanted] = []
    for prompt_id, node in _pairs(root, problems):
        fields = {name: str(value.value) for name, value in _pairs(node, problems)}
        line = f"line {node.start_mark.line + 1}: {prompt_id}: "
        problems += [line + problem for problem in _problems(prompt_id, fields)]
        wanted += [_want(folder, prompt_id, language, fields) for language in LANGUAGES]
    if problems:
        raise ConfigError("\n".join(f"{file}: {problem}" for problem in problems))
    return wanted


def _pairs(node: yaml.Node | None, problems: list[str]) -> Iterator[tuple[str, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        where = "line 1" if node is None else f"line {node.start_mark.line + 1}"
        problems.append(f"{where}: want `name: value` pairs here")
        return
    seen: set[str] = set()
    for key, value in node.value:
        name = str(key.value)
        if name in seen:
            problems.append(f"line {key.start_mark.line + 1}: {name}: given twice")
        seen.add(name)
        yield name, value


def _problems(prompt_id: str, fields: dict[str, str]) -> Iterator[str]:
    if not re.fullmatch("[a-z][a-z0-9-]{0,39}", prompt_id):
        yield "an id is a-z, 0-9 and -, at most 40 characters"
    known = {"tone"} if "tone" in fields else {*LANGUAGES, *FLAGS}
    for name in fields.keys() - known:
        yield f"unknown key {name!r}; known here: {', '.join(sorted(known))}"
    if "tone" in fields:
        if not re.fullmatch("[1-9][0-9]{2,3}", fields["tone"]) or int(fields["tone"]) > 3400:
            yield "tone: want 100 to 3400 (hertz)"
        return
    for language in LANGUAGES:
        if not fields.get(language, "").strip():
            yield f"no text in {language}"
    for flag in FLAGS:
        if fields.get(flag, "true") not in ("true", "false"):
            yield f"{flag}: want true or false"
    if re.search("[0-9]", fields.get("zh-CN", "")):
        yield "zh-CN: write digits in Hanzi (六, not 6)"


def _want(folder: Path, prompt_id: str, language: str, fields: dict[str, str]) -> Wanted:
    if "tone" in fields:
        text = f"{fields['tone']} Hz"
        return Wanted(prompt_id, language, text, TONE, TONE, tone_hz=int(re.sub("[^0-9]", "", fields["tone"]) or 0))
    facts, part = (fields.get(flag) == "true" for flag in FLAGS)
    flags = "".join(f" {flag}" for flag in FLAGS if fields.get(flag) == "true")
    text, engine = fields.get(language, "").strip(), f"{SPEECH} r{REVISION}{flags}"
    want = Wanted(prompt_id, language, text, VOICES[language], engine, facts, part)
    studio = studio_file(folder, want)
    if not studio.is_file():
        return want
    sha = hashlib.sha256(studio.read_bytes()).hexdigest()
    return replace(want, voice=STUDIO, engine=f"{STUDIO} {sha[:12]}{flags}")
