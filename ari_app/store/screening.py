"""Who is screened, as lists for people (numbers masked), and as Asterisk must have it."""

from contextlib import closing
from pathlib import Path
from typing import Any, Final

from ari_app.model.ids import Number
from ari_app.model.mask import ERASED, mask
from ari_app.store import connect, queries

ROWS_MAX: Final = 1000
_SQL = queries.load("screening")


def screenings(path: Path, now: float, *, over: bool = False, appeals: bool = False) -> list[dict[str, Any]]:
    """Screenings that are on, the earliest end first; `over`: ended ones too; `appeals`: only those that wait."""
    return _listed(path, {"screening": None, "all": over, "appeals": appeals, "now": now})


def screening(path: Path, name: str) -> dict[str, Any] | None:
    """One of them, whatever became of it."""
    found = _listed(path, {"screening": name, "all": True, "appeals": False, "now": 0.0})
    return found[0] if found else None


def refusals(path: Path) -> list[dict[str, Any]]:
    """Marks that screened nobody, and why."""
    with closing(connect.reading(path)) as conn:
        rows = [dict(row) for row in conn.execute(_SQL["refusals"], {"limit": ROWS_MAX})]
    return [{**row, "number": mask(row["number"] or "")} for row in rows]


def held(path: Path, now: float) -> dict[str, float]:
    """Numbers as they were marked, each with the end of its screening."""
    with closing(connect.reading(path)) as conn:
        return {row["number"]: row["until"] for row in conn.execute(_SQL["held"], {"now": now})}


def _listed(path: Path, values: dict[str, Any]) -> list[dict[str, Any]]:
    with closing(connect.reading(path)) as conn:
        rows = [dict(row) for row in conn.execute(_SQL["screenings"], {**values, "limit": ROWS_MAX})]
    return [{**row, "number": ERASED if row.pop("erased") else mask(Number(row["number"] or ""))} for row in rows]
