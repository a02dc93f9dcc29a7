"""Reads store/sql/*.sql: each query has a name (`-- name: x`) and a sentence (`-- …`) above its SQL."""

import sqlite3
from collections.abc import Mapping
from functools import cache
from importlib import resources


def text(name: str) -> str:
    """The text of a file of this package, such as `schema.sql` or `sql/journal.sql`."""
    return resources.files("ari_app.store").joinpath(name).read_text(encoding="utf-8")


@cache
def load(name: str) -> Mapping[str, str]:
    """The queries of sql/`name`.sql by name. ValueError for one without a sentence, or named twice."""
    return parse(text(f"sql/{name}.sql"))


def parse(source: str) -> Mapping[str, str]:
    """Query name: its SQL, without comments and the closing semicolon."""
    found: dict[str, str] = {}
    for block in source.split("-- name: ")[1:]:
        name, _, rest = block.partition("\n")
        lines = rest.splitlines()
        if not lines or not lines[0].startswith("-- "):
            raise ValueError(f"query {name} has no sentence")
        if name in found:
            raise ValueError(f"two queries are named {name}")
        sql = "\n".join(line for line in lines if not line.startswith("--"))
        found[name] = sql.strip().removesuffix(";")
    return found


def statements(source: str) -> list[str]:
    """A script as single statements: `executescript` would commit the transaction it stands in."""
    found, current = [], ""
    for line in source.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            found.append(current.strip())
            current = ""
    return found
