"""The secrets file is made once, added to, guarded, and never shown."""

import os
import stat
import threading
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from ari_app.config.diagnostics import BadFile
from ari_app.config.secrets import is_trivial, load_or_make_secrets, load_secrets, new_pin
from ari_app.errors import ConfigError
from ari_app.model.settings import Secrets, Settings


def site(phones: str = "p1 p2", agents: str = "8025 8026") -> Settings:
    return Settings.model_validate(
        {
            "numbers": {"1860": {"flow": "main"}},
            "phones": {name: {} for name in phones.split()},
            "agents": {number: {"phone": "p1"} for number in agents.split()},
        }
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "secrets.yaml"


def test_made_once_for_the_owner_alone(path: Path) -> None:
    made = load_or_make_secrets(path, site())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert set(made.phones) == {"p1", "p2"}
    assert set(made.pins) == {"8025", "8026"}
    words = [made.ari_password, made.ami_password, made.api_token, *made.phones.values()]
    assert len(set(words)) == len(words)
    assert all(len(word) >= 20 and word.isalnum() for word in words)
    assert list(path.parent.iterdir()) == [path], "no temporary file stays behind"
    assert load_or_make_secrets(path, site()) == load_secrets(path, site()) == made


def test_new_phones_and_agents_are_added_and_nothing_else_changes(path: Path) -> None:
    before = load_or_make_secrets(path, site())
    after = load_or_make_secrets(path, site("p2 p3", "8026 8027"))
    assert after.phones.items() > before.phones.items()
    assert after.pins.items() > before.pins.items()
    assert {"p3"} == after.phones.keys() - before.phones.keys()
    assert (after.ari_password, after.api_token) == (before.ari_password, before.api_token)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_to_add_leaves_the_file_alone(path: Path) -> None:
    load_or_make_secrets(path, site())
    before = path.stat()
    load_or_make_secrets(path, site("p1"))
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_removed_line_is_made_anew(path: Path) -> None:
    before = load_or_make_secrets(path, site())
    rest = {key: value for key, value in before.model_dump().items() if key != "api_token"}
    path.write_text(yaml.safe_dump(rest))
    after = load_or_make_secrets(path, site())
    assert after.api_token
    assert after.api_token != before.api_token
    assert after.pins == before.pins


def test_many_at_once_agree(path: Path) -> None:
    made: list[Secrets] = []
    threads = [threading.Thread(target=lambda: made.append(load_or_make_secrets(path, site()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert all(one == made[0] for one in made)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_readable_by_others_is_refused(path: Path, mode: int) -> None:
    load_or_make_secrets(path, site())
    path.chmod(mode)
    with pytest.raises(BadFile, match=f"C030.*chmod 600 {path}"):
        load_or_make_secrets(path, site())


def test_missing_is_refused_where_none_may_be_made(path: Path) -> None:
    with pytest.raises(BadFile, match="C032"):
        load_secrets(path, site())
    load_or_make_secrets(path, site())
    with pytest.raises(BadFile, match="C032"):
        load_secrets(path, site("p1 p2 p9"))


HIDDEN = "topsecretvalue"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"ari_password: [{HIDDEN}]", "C008"),
        (f"ari_password: '{HIDDEN};x'", "C031"),
        ("api_token: short", "C031"),
        (f"pins: {{'8025': {HIDDEN}}}", "C031"),
        ("pins: {'8025': '12'}", "C031"),
        (f"pins: {HIDDEN}", "C008"),
        (f"phones: {{p1: {HIDDEN}, p1: {HIDDEN}}}", "C004"),
        (f"tokn: {HIDDEN}", "C005"),
        (f"ari_password: '{HIDDEN}", "C002"),
        (f"ari_password: &a {HIDDEN}", "C009"),
        (f"ari_password: &{HIDDEN}", "C009"),
        (f"ari_password: !{HIDDEN} x", "C009"),
        (f"ari_password: *{HIDDEN}", "C009"),
    ],
)
def test_edited_badly_is_refused_without_showing_it(path: Path, text: str, code: str) -> None:
    path.parent.mkdir()
    path.write_text(text + "\n")
    path.chmod(0o600)
    with pytest.raises(BadFile) as refusal:
        load_or_make_secrets(path, site())
    assert {problem.code for problem in refusal.value.problems} == {code}
    assert HIDDEN not in str(refusal.value)
    assert path.read_text() == text + "\n", "a refused file is left as it was"


def test_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        load_or_make_secrets(tmp_path / "file" / "secrets.yaml", site())


def test_failed_write_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="No space left"):
        load_or_make_secrets(path, site())
    assert list(path.parent.iterdir()) == []


def test_never_shown(path: Path) -> None:
    made = load_or_make_secrets(path, site())
    console = Console(width=200)
    with console.capture() as capture:
        console.print(made)
    shown = f"{made!r} {made} {made!s:>3} {[made]} {capture.get()}"
    for word in (made.ari_password, made.api_token, *made.phones.values(), *made.pins.values()):
        assert word not in shown


@pytest.mark.parametrize(
    "pin", ["000000", "111222", "123456", "654321", "121212", "123123", "901234", "443211", "802511"]
)
def test_trivial_pins(pin: str) -> None:
    assert is_trivial(pin, "8025")


def test_pins_are_six_digits_and_not_trivial() -> None:
    pins = [new_pin("8025") for _ in range(500)]
    assert all(len(pin) == 6 and pin.isdigit() and not is_trivial(pin, "8025") for pin in pins)
    assert len(set(pins)) > 490
