"""Marks a SIM as lost. Request: number. Answer: ticket (digits, to be said one by one), already (was it open before).

Safe to repeat: a caller who calls again hears the same ticket.
"""

import time
from collections.abc import Callable, Mapping

from .sample.customers import customer, customers, run

KIND = "lost-sim"


async def look_up(
    request: Mapping[str, str], clock: Callable[[], float] = time.time
) -> Mapping[str, str | int | float | bool]:
    """LookUpFailed("no-such-number") when it is not one of ours."""
    with customers() as conn:
        number = customer(conn, request.get("number", ""))["number"]
        is_new = run(conn, "open_ticket", number=number, kind=KIND, now=clock()).rowcount
        ticket = run(conn, "ticket", number=number, kind=KIND).fetchone()
    return {"ticket": f"{ticket['id']:06d}", "already": not is_new}
