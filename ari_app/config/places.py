"""Where in config.yaml a setting stands that turned out wrong only when it was used: a port that is taken."""

import re
from pathlib import Path
from typing import Final

from ari_app.config.marks import read_marked
from ari_app.model.settings import Settings

_KEY: Final = re.compile(r"([a-z_]+(?:\.[a-z_]+)+): ")


def placed(message: str, config: Path) -> str:
    """The message; a line that begins with a key of `config` is led by file:line:column. Of a key that the file does
    not have the default holds, and the line names the file alone."""
    marks, _ = read_marked(config, "C")
    return "\n".join(_placed(line, marks.values, marks.file) for line in message.splitlines())


def _placed(line: str, values: dict[tuple[str | int, ...], tuple[int, int]], file: str) -> str:
    if (found := _KEY.match(line)) is None or found[1].partition(".")[0] not in Settings.model_fields:
        return line  # Also `main.yaml: no such flow file`.
    at = values.get(tuple(found[1].split(".")))
    return f"{file}:{at[0]}:{at[1]}  {line}" if at is not None else f"{file}  {line}"
