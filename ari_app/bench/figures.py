"""Figures of a bench: percentiles, CPU time of processes, the machine it ran on."""

import math
import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

_TICKS_S: Final = os.sysconf("SC_CLK_TCK")


def percentile(values: Iterable[float], share: float) -> float | None:
    """The smallest value that `share` per cent of all do not exceed (nearest rank); None when there are none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share / 100 * len(ordered)) - 1)] if ordered else None


def percentiles(values: Iterable[float], *shares: int) -> dict[str, float | None]:
    """`{"p50": …, "p95": …}`, to a tenth."""
    values = list(values)
    found = {f"p{share}": percentile(values, share) for share in shares}
    return {name: None if value is None else round(value, 1) for name, value in found.items()}


def cpu_s(pid: int) -> float:
    """CPU seconds of a process since its start: user and system, all its threads, also those that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_S


def rss_mb(pid: int) -> float:
    """Memory of a process that is in RAM, in MiB."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return round(int(line.split()[1]) / 1024, 1)


def children(pid: int) -> list[int]:
    """Processes it has started and not yet waited for."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def machine() -> dict[str, Any]:
    """The processor, its cores, and how busy they were with other things (1-minute load average)."""
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {"cores": os.cpu_count(), "machine": model, "load_before": round(os.getloadavg()[0], 2)}
