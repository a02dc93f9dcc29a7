"""YAML files people write, read with line and column: config.yaml, the secrets file, and what flows need. Adapter."""

from ari_app.config.diagnostics import BadFile, Problem, Shared, nearest
from ari_app.config.load import load_settings
from ari_app.config.marks import KeyPath, Marks
from ari_app.config.schema import Loaded, load_yaml, read_yaml

__all__ = [
    "BadFile",
    "KeyPath",
    "Loaded",
    "Marks",
    "Problem",
    "Shared",
    "load_settings",
    "load_yaml",
    "nearest",
    "read_yaml",
]
