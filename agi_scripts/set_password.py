"""Sets a service password that was never set. Request: number, caller, trusted (true/yes), password.

Answer: result = set, weak, already-set (a lost one is reset only at a shop, with identity papers) or not-allowed:
it must be the subscriber's own phone, and the trunk's caller number one that can be trusted.
"""

from collections.abc import Mapping

from .sample.customers import customer, customers, national, run
from .sample.passwords import hashed, is_weak


async def look_up(request: Mapping[str, str]) -> Mapping[str, str | int | float | bool]:
    """LookUpFailed("no-such-number") when it is not one of ours."""
    password = request.get("password", "")
    with customers() as conn:
        row = customer(conn, request.get("number", ""))
        is_trusted = request.get("trusted") in ("true", "yes")
        if not is_trusted or national(request.get("caller", "")) != row["number"]:
            return {"result": "not-allowed"}
        if row["password_hash"] is not None:
            return {"result": "already-set"}
        if is_weak(password, row["number"]):
            return {"result": "weak"}
        done = run(conn, "set_first_password", number=row["number"], password_hash=hashed(password)).rowcount
    return {"result": "set" if done else "already-set"}
