"""Prompts at run time: `sounds/manifest.json` says which file says what; nothing here renders or decodes sound.

A prompt missing in one language is played in another rather than not at all, and counted in `fallbacks`.
Layout: FOLDER/LANGUAGE/ID.wav. The manifest is written by `media.build`.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from ari_app.errors import ConfigError

MANIFEST: Final = "manifest.json"


@dataclass(frozen=True, slots=True)
class Row:
    """One rendered prompt. `voice` is a neutral name (`mandarin-1`), `sha256` that of the WAV file."""

    id: str
    language: str
    text: str
    voice: str
    engine: str
    seconds: float
    level_dbfs: float
    sha256: str

    @property
    def file(self) -> str:
        """Path of the WAV below the folder of sounds."""
        return f"{self.language}/{self.id}.wav"


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompts there are. `fallbacks` counts the (id, language) played in another language, or not at all."""

    folder: Path
    rows: Mapping[tuple[str, str], Row]
    fallbacks: Counter[tuple[str, str]] = field(default_factory=Counter)

    @classmethod
    def load(cls, folder: Path) -> "Prompts":
        """Read the manifest, leaving out rows whose file is gone. Raises ConfigError when it cannot be read."""
        rows = {(row.id, row.language): row for row in read_manifest(folder) if (folder / row.file).is_file()}
        return cls(folder, rows)

    @property
    def names(self) -> list[str]:
        """The ids of all prompts, in any language."""
        return list(dict.fromkeys(prompt for prompt, _ in self.rows))

    def path(self, prompt_id: str, language: str) -> Path | None:
        """The WAV of a prompt in this language, else in another, else None."""
        row = self._find(prompt_id, language)
        if row is None or row.language != language:
            self.fallbacks[prompt_id, language] += 1
        return None if row is None else self.folder / row.file

    def seconds(self, prompt_id: str, language: str) -> float:
        """How long the file `path` would give takes to play; 0 when there is none."""
        row = self._find(prompt_id, language)
        return 0.0 if row is None else row.seconds

    def missing(self, ids: Iterable[str], languages: Iterable[str]) -> list[tuple[str, str]]:
        """Of these ids in these languages, the (id, language) that have no file of their own, in the order given."""
        languages = tuple(languages)
        return [(one, language) for one in ids for language in languages if (one, language) not in self.rows]

    def _find(self, prompt_id: str, language: str) -> Row | None:
        own = self.rows.get((prompt_id, language))
        return own or next((row for (one, _), row in self.rows.items() if one == prompt_id), None)


def read_manifest(folder: Path) -> list[Row]:
    """The rows of FOLDER/manifest.json. Raises ConfigError, with a cure, when it is missing or damaged."""
    file = folder / MANIFEST
    try:
        return [Row(**row) for row in json.loads(file.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        raise ConfigError(f"{file}: no such file. It comes with the repository; try: git checkout {file}") from None
    except (OSError, TypeError, ValueError) as problem:
        raise ConfigError(f"{file}: {problem}. Delete it, then: hotline prompts build") from problem


def write_manifest(folder: Path, rows: Iterable[Row]) -> None:
    """Replace the manifest at once: a reader sees the old one or the new one."""
    ordered = sorted(rows, key=lambda row: (row.language, row.id))
    lines = ",\n".join(json.dumps(asdict(row), ensure_ascii=False) for row in ordered)
    new = folder / f"{MANIFEST}.new"
    new.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    new.replace(folder / MANIFEST)
