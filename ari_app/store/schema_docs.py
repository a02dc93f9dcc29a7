"""docs/schema.md from the comments in schema.sql: `python -m ari_app.store.schema_docs > docs/schema.md`."""

import re
from dataclasses import dataclass

from ari_app.store import queries

_COLUMN = re.compile(r"^  (?P<name>[a-z_0-9]+) (?P<type>INTEGER|REAL|TEXT)(?P<rest>[^-]*?),? -- (?P<sentence>.+)$")
_NO_COLUMN = ("  UNIQUE ", "  PRIMARY KEY ", ")")


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    sentence: str
    columns: tuple[Column, ...]


def tables(source: str) -> list[Table]:
    """The tables of a schema script. ValueError for a table or column without a sentence."""
    return [_table(block) for block in source.split("\n\n") if "CREATE TABLE" in block]


def _table(block: str) -> Table:
    lines = block.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("CREATE TABLE"))
    name = lines[at].split()[2]
    sentence = " ".join(line.removeprefix("-- ") for line in lines[:at])
    if not sentence:
        raise ValueError(f"table {name} has no sentence")
    return Table(name, sentence, tuple(_column(name, line) for line in lines[at + 1 :] if not _is_other(line)))


def _is_other(line: str) -> bool:
    return line.startswith(_NO_COLUMN)


def _column(table: str, line: str) -> Column:
    found = _COLUMN.match(line)
    if found is None:
        raise ValueError(f"a column of table {table} has no sentence: {line.strip()}")
    null = "" if "NOT NULL" in found["rest"] or "PRIMARY KEY" in found["rest"] else ", may be NULL"
    return Column(found["name"], found["type"].lower() + null, found["sentence"])


def markdown(source: str | None = None) -> str:
    """The whole of docs/schema.md."""
    source = source if source is not None else queries.text("schema.sql")
    head = source.split("\n\n")[0].replace("-- ", "").strip()
    parts = ["# The store, table by table", "Made from `ari_app/store/schema.sql`; do not edit here.", head]
    for table in tables(source):
        rows = [f"| `{column.name}` | {column.type} | {column.sentence} |" for column in table.columns]
        parts += [f"## {table.name}", table.sentence, "\n".join(["| column | type | what |", "|---|---|---|", *rows])]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
