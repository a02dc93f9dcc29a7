"""`hotline bench …` runs and prints its figures; what they are is never asserted (design §7)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ari_app.bench.acd import bench_acd
from ari_app.bench.against import Ladder, bench_against
from ari_app.bench.line import bench_line
from ari_app.bench.sim import bench_sim
from ari_app.model.line import Rules
from ari_app.phones.sipp import available as sipp_available
from ari_app.site import Site
from tests.asterisk import REPOSITORY, asterisk_install, secrets_for, settings_on

PAIRS = {"first_audio_ms": "p50 p95", "key_to_prompt_ms": "p50 p95", "ready_to_ring_ms": "p50 p99"}
SINGLE = [
    "placed",
    "answered",
    "failed",
    "daemon_cpu_ms_per_call",
    "asterisk_cpu_ms_per_call",
    "analyser_cpu_ms_per_call",
    "asterisk_version",
]


@pytest.mark.timeout(120)
@pytest.mark.skipif(not sipp_available(), reason="no sipp at hand")
def test_calls() -> None:
    version = asterisk_install().version
    done = subprocess.run(
        [sys.executable, "-m", "ari_app", "bench", "calls", "--rate", "2", "--seconds", "3", "--json"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert set(SINGLE) | set(PAIRS) <= set(figures)
    assert figures["line_analysis"] and figures["without_line_analysis"]["daemon_cpu_ms_per_call"] > 0
    for name, shares in PAIRS.items():
        assert set(figures[name]) == set(shares.split()) and None not in figures[name].values()
    assert (figures["placed"], figures["answered"], figures["failed"]) == (6, 6, 0), done.stderr
    assert figures["asterisk_version"] == version and figures["line_analysis"] is True


@pytest.mark.timeout(120)
@pytest.mark.skipif(not sipp_available(), reason="no sipp at hand")
def test_calls_against_native(tmp_path: Path) -> None:
    """A small ladder; the command's own takes minutes."""
    installed = asterisk_install()
    site = Site(REPOSITORY / "config.yaml", settings_on(0x4000, tmp_path), secrets_for(settings_on(0x4000, tmp_path)))
    said: list[str] = []
    found = bench_against(site, installed, Ladder((2, 3), 1, 1, live=2, stay_s=1.5), said.append, sides=("hotline",))
    for side in ("native", "hotline"):
        figures = found[side]
        assert [(step["placed"], step["bridged"]) for step in figures["steps"]] == [(2, 2), (2, 2), (3, 3)], said
        assert figures["clean_rate"] == 3 and figures["live"] == 2 and figures["free_to_ring_measured"] > 0
        assert figures["free_to_ring_ms"]["p99"] > 0 and figures["rss_mb_at_200"] > 0
        assert {"asterisk_cpu_ms_per_call", "daemon_cpu_ms_per_call"} <= set(figures)
    assert found["hotline"]["loop_lag_ms"]["p99"] >= 0 and found["native"]["loop_lag_ms"]["p99"] is None
    assert found["ratio"]["clean_rate"] == 1 and found["ratio"]["asterisk_cpu"] > 0
    assert found["asterisk_version"] == installed.version


@pytest.mark.timeout(120)
def test_flow() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ari_app", "bench", "flow", "--json"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == 1
    figures = json.loads(done.stdout)
    assert {"check_2000_nodes_s", "steps_per_s", "reload_ms", "cores"} <= set(figures)
    assert (figures["nodes"], figures["live_calls"], figures["calls_disturbed"]) == (2000, 200, 0)


def test_line() -> None:
    """One stretch of speech a talker; the full bench has four."""
    found = bench_line(REPOSITORY / "sounds", Rules(), stretches=1)
    wanted = "accuracy hard_accuracy clear_called_bad cpu_ms_per_audio_s lines_per_core verdict_delay_s confusion"
    assert set(wanted.split()) <= set(found) and json.loads(json.dumps(found)) == found
    assert set(found["confusion"]) == {"clear", "quiet", "noisy", "silent", "tone", "music"}
    assert found["clips"] == sum(sum(row.values()) for row in found["confusion"].values())
    assert {"p50", "p95"} <= set(found["verdict_delay_s"])


def test_sim() -> None:
    found = bench_sim(lambda _: None, large_hours=0.01, day_hours=0.1)
    assert {"speedup_10000", "day_1000_s"} <= set(found)
    assert (found["large"]["agents"], found["day"]["agents"]) == (10_000, 1_000)
    assert min(found["large"]["calls"], found["day"]["calls"]) > 100


def test_acd() -> None:
    """The command with a small house; the full one takes a minute."""
    said: list[str] = []
    figures = bench_acd(said.append, {20: 60, 40: 120}, 2000)
    assert len(said) == 2 and json.loads(json.dumps(figures)) == figures
    for agents, waiting in ((20, 60), (40, 120)):
        found = figures[f"agents_{agents}"]
        assert set(found) == {"waiting", "events_per_s", "p50_us", "p99_us", "max_us", "p99_one_run_us", "mix"}
        assert found["waiting"] == waiting and 0 < found["p50_us"] <= found["p99_us"] <= found["max_us"]
        kinds = {"enter", "leave", "agent_ready", "agent_not_ready", "offer_lost", "relax", "set_skills", "suspend"}
        assert kinds <= set(found["mix"]), "a kind of event is not in the mix"
    assert figures["growth"] > 0


def test_acd_is_a_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ari_app", "bench", "acd", "--help"], cwd=REPOSITORY, capture_output=True, check=False
    )
    assert done.returncode == 0 and b"--json" in done.stdout
