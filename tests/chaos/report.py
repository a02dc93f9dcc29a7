"""The table and the one line of JSON."""

from collections.abc import Sequence
from typing import Any

from tests.chaos.run import Row


def title() -> str:
    return f"{'case':<24} {'live':>5} {'lost':>5} {'order':>6} {'recover':>8}   (seconds in all)"


def line(row: Row, took_s: float) -> str:
    """One case; below it what was lost and what was left over."""
    order = "kept" if row.in_order else "BROKEN"
    recover = f"{row.recover_s:.2f} s" if row.recover_s is not None else "-"
    text = f"{row.case:<24} {row.live:>5} {row.lost:>5} {order:>6} {recover:>8}   ({took_s:.0f})"
    return "\n".join((text, *(f"    {note}" for note in row.notes), *(f"    LEFT OVER: {each}" for each in row.broken)))


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """The first figures are of the cases in which Asterisk itself lives."""
    living = [row for row in rows if row.asterisk_lives]
    dead = [row for row in rows if not row.asterisk_lives]
    recovered = [row.recover_s for row in living if row.recover_s is not None]
    return {
        "cases": len(living),
        "calls_lost": sum(row.lost for row in living),
        "order_broken": sum(not row.in_order for row in living),
        "recover_s_max": max(recovered, default=None),
        "asterisk_restart": {
            "rows_open": sum(row.rows_open for row in dead),
            "callbacks_kept": sum(row.booked or 0 for row in dead),
        },
        "broken": sum(bool(row.broken) for row in rows),
    }
