"""Which file says a prompt: its path as Asterisk wants it, and how long it lasts at most."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Final, TypeAlias

from ari_app.media.prompts import Prompts
from ari_app.media.studio import take_file
from ari_app.model.effects import Announce, Play
from ari_app.model.layout import seen_by_asterisk
from ari_app.site import Site

BYTES_PER_S: Final = 16_000  # 16 bits at 8 kHz: no file we play holds less of a second.
_Key: TypeAlias = tuple[str, str, str]  # Prompt, language, and the audio kept with the flow that says it.


@dataclass(slots=True)
class Saying:
    """`kept` finds the file kept for a prompt with a flow, if there is one; else that of `prompts` says it."""

    site: Site
    prompts: Prompts
    kept: Callable[[str, str, str], Path | None]
    _known: dict[_Key, tuple[str | None, float]] = field(default_factory=dict)

    def changed(self, prompts: Prompts | None = None) -> None:
        """There are new flows, or new `prompts`."""
        self.prompts = prompts or self.prompts
        self._known.clear()

    def path(self, prompt: str, language: str, audio: str) -> str | None:
        """As Asterisk wants it: absolute, its own paths, without the extension. None: nothing says it."""
        return self._look((prompt, language, audio))[0]

    def seconds(self, play: Play | Announce) -> float:
        """How long it takes at most."""
        audio = play.audio if isinstance(play, Play) else ""
        return sum(self._look((prompt, play.language, audio))[1] for prompt in play.prompts)

    def _look(self, key: _Key) -> tuple[str | None, float]:
        if (found := self._known.get(key)) is not None:
            return found
        prompt, language, _ = key
        if ":" in prompt:  # Heard once or twice, and then never again.
            return self._shown(_spoken(self.site, prompt))
        found = self._shown(self.kept(*key) or self.prompts.path(prompt, language))
        if found[0] is not None:  # What is missing may come back.
            self._known[key] = found
        return found

    def _shown(self, file: Path | None) -> tuple[str | None, float]:
        try:
            size = file.stat().st_size if file is not None else 0
        except OSError:  # Removed just now, perhaps.
            size = 0
        if file is None or not size:
            return None, 0.0
        shown = seen_by_asterisk(PurePath(file), self.site.settings.asterisk.path_map)
        return str(shown.with_suffix("")), size / BYTES_PER_S


def _spoken(site: Site, prompt: str) -> Path | None:
    """The file of a prompt that somebody has just spoken (`take:`), or that a caller left (`message:`)."""
    kind, _, name = prompt.partition(":")
    if kind == "take":
        return take_file(site.sounds, name)
    return site.messages / name if site.prompts is not None else None  # A box's own Asterisk may not read our folders.
