"""Whether a complaint of this number is still open. Request: number. Answer: open, ticket ("" when none is).

Who has to complain about the same thing again should not wait as long again.
"""

from collections.abc import Mapping

from .sample.customers import customers, national, run

KIND = "complaint"


async def look_up(request: Mapping[str, str]) -> Mapping[str, str | int | float | bool]:
    """A number nobody knows has none open: an answer, not a failure."""
    with customers() as conn:
        ticket = run(conn, "ticket", number=national(request.get("number", "")), kind=KIND).fetchone()
    return {"open": ticket is not None, "ticket": f"{ticket['id']:06d}" if ticket is not None else ""}
