"""A subscriber's account. Request: number. Answer: balance_yuan, due_yuan, stopped, vip, language."""

from collections.abc import Mapping

from .sample.customers import customer, customers


async def look_up(request: Mapping[str, str]) -> Mapping[str, str | int | float | bool]:
    """LookUpFailed("no-such-number") when it is not one of ours."""
    with customers() as conn:
        row = customer(conn, request.get("number", ""))
    return {
        "balance_yuan": row["balance_fen"] / 100,
        "due_yuan": row["due_fen"] / 100,
        "stopped": bool(row["is_stopped"]),
        "vip": bool(row["is_vip"]),
        "language": row["language"],
    }
