"""`python -m tests.chaos [CASE …]`: run the cases, print the table, and last one line of JSON. Exit 1 when a case whose
Asterisk lives lost a caller or broke the order, or when anything was left over."""

import argparse
import asyncio
import json
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.cases import CASES, Case
from tests.chaos.house import machine
from tests.chaos.report import line, summary, title
from tests.chaos.run import Row, run_case


def _wanted() -> tuple[tuple[Case, ...], int]:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("cases", nargs="*", help="names, or beginnings of names; all when left out")
    parser.add_argument("--seed", type=int, default=1, help="of the moments at which faults hit (default 1)")
    parser.add_argument("--list", action="store_true", help="print the names and leave")
    given = parser.parse_args()
    if given.list:
        print("\n".join(case.name for case in CASES))
        raise SystemExit
    chosen = tuple(case for case in CASES if not given.cases or case.name.startswith(tuple(given.cases)))
    if not chosen:
        parser.error("no such case; --list names them")
    return chosen, given.seed


def main() -> int:
    cases, seed = _wanted()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # Asterisk is stopped on the way out.
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    rows = list[Row]()
    print(title(), flush=True)
    with machine(folder) as here:
        for case in cases:
            if case.needs_own_disk and not here.has_own_disk:
                print(f"{case.name:<24} skipped: needs root, to mount a small file system", flush=True)
                continue
            began = time.monotonic()
            rows.append(asyncio.run(run_case(here, case, seed)))
            print(line(rows[-1], time.monotonic() - began), flush=True)
    if all(row.good for row in rows):
        shutil.rmtree(folder)
    else:
        print(f"logs and stores of the cases: {folder}")
    print(json.dumps(summary(rows)))
    return 0 if all(row.good for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
