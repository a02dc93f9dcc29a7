"""What is known of a caller before he is greeted. Request: number. Answer: known, vip, language ("" for unknown).

A number nobody knows is an answer, not a failure: most callers of a hotline may be strangers.
"""

from collections.abc import Mapping

from ari_app.errors import LookUpFailed

from .sample.customers import customer, customers


async def look_up(request: Mapping[str, str]) -> Mapping[str, str | int | float | bool]:
    with customers() as conn:
        try:
            row = customer(conn, request.get("number", ""))
        except LookUpFailed:
            return {"known": False, "vip": False, "language": ""}
        return {"known": True, "vip": bool(row["is_vip"]), "language": row["language"]}
