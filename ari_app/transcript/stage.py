"""Where transcripts come from and what they are run with: `.call` files, and the site's settings, flows and prompts."""

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

from ari_app.errors import ConfigError
from ari_app.live import flows_of
from ari_app.media.prompts import Prompts
from ari_app.site import Site
from ari_app.transcript.exchange import Seconds
from ari_app.transcript.parse import parse
from ari_app.transcript.rehearse import House
from ari_app.transcript.steps import Transcript

SUFFIX: Final = ".call"
BYTES_MAX: Final = 200_000


def house_of(site: Site) -> House:
    """The site's settings, checked flows, and how long its prompts last. ConfigError with all problems."""
    return House(site.settings, flows_of(site), seconds_of(site.sounds))


def seconds_of(sounds: Path) -> Seconds:
    """How long a prompt lasts, by the manifest. ConfigError when it cannot be read."""
    return cache(Prompts.load(sounds).seconds)


def default_folders(site: Site) -> list[Path]:
    """tests/calls beside config.yaml, and tests/ among the flows, as far as they are there."""
    return [folder for folder in (site.home / "tests" / "calls", site.flows / "tests") if folder.is_dir()]


def call_files(places: Iterable[Path]) -> Iterator[Path]:
    """The transcripts of files and folders, in order. ConfigError for a place that has none."""
    for place in places:
        if place.is_dir():
            found = sorted(place.rglob(f"*{SUFFIX}"))
            if not found:
                raise ConfigError(f"{place}: no {SUFFIX} file in this folder")
            yield from found
        elif place.is_file():
            yield place
        else:
            raise ConfigError(f"{place}: no such file or folder")


def read(path: Path) -> Transcript:
    """BadTranscript with all problems; ConfigError when it cannot be read."""
    try:
        if path.stat().st_size > BYTES_MAX:
            raise ConfigError(f"{path}: larger than {BYTES_MAX} bytes")
        return parse(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"{path}: {problem}   a transcript is a text file in UTF-8") from None
