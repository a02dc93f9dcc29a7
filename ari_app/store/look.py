"""A look through a whole store beside the daemon that works on it: `python -m ari_app.store.look STORE`.

A process of its own, which gives way to calls, and whose death costs none. It prints what is wrong, if anything.
"""

import asyncio
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import Final

from ari_app.errors import StoreError
from ari_app.store import connect

_NICE: Final = 19


async def beside(store: Path) -> str:
    """What is wrong with it; empty: nothing. StoreError when it could not be looked through."""
    command = (sys.executable, "-m", "ari_app.store.look", str(store))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise StoreError(f"The look through the store {store} ended with {process.returncode}.")
    return said.decode().strip()


def main(store: Path) -> None:
    os.nice(_NICE)
    with closing(connect.reading(store)) as conn:
        print(connect.harm(conn))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
