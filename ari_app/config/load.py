"""config.yaml as Settings, or one error that lists everything that is wrong with it."""

from pathlib import Path

from ari_app.config.checks import check_settings
from ari_app.config.diagnostics import BadFile
from ari_app.config.schema import read_yaml
from ari_app.model.settings import Settings


def load_settings(path: Path) -> Settings:
    """Reads and checks `path`; raises BadFile (a ConfigError) with all problems at once."""
    loaded = read_yaml(path, Settings, "C")
    problems = list(loaded.problems)
    if loaded.value is not None:
        problems += check_settings(loaded.value, loaded.marks, path.parent)
    if problems or loaded.value is None:
        raise BadFile(problems)
    return loaded.value
