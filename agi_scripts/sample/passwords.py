"""Six-digit service passwords: salted scrypt, compared in constant time, weak ones known.

A million possibilities are soon tried on a stolen file, whatever the hash: the lock-out protects, the hash delays.
"""

import hashlib
import hmac
import re
import secrets
from itertools import pairwise
from typing import Final

COST: Final = {"n": 8192, "r": 8, "p": 1, "dklen": 32}  # About 25 ms and 8 MiB a comparison.
FORM: Final = re.compile(r"[0-9]{6}", re.ASCII)


def hashed(password: str) -> str:
    """`SALT$HASH`, both hexadecimal, with a new salt."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}${hashlib.scrypt(password.encode(), salt=salt, **COST).hex()}"


def matches(password: str, stored: str) -> bool:
    """Whether it is the password `stored` was made from; as long for a wrong one as for the right one."""
    salt, _, wanted = stored.partition("$")
    has_form = FORM.fullmatch(password) is not None  # PBKDF2 takes `x` and `x\0` for one password.
    found = hashlib.scrypt(password.encode() if has_form else b"", salt=bytes.fromhex(salt), **COST)
    return hmac.compare_digest(found, bytes.fromhex(wanted)) and has_form


def is_weak(password: str, number: str) -> bool:
    """Not six digits, one or two different ones, a row (123456, 975310), a part repeated, or part of the number."""
    if not FORM.fullmatch(password):
        return True
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(password)}
    return len(set(password)) <= 2 or len(steps) == 1 or password[:3] == password[3:] or password in number
