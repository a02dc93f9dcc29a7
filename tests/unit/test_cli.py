"""`hotline`: every command is there, and only what is asked for is imported."""

import errno
import pkgutil
import subprocess
import sys
from importlib import import_module

import pytest
from typer.testing import CliRunner

from ari_app import cli, commands
from ari_app.errors import HotlineError

MODULES = {module.name for module in pkgutil.iter_modules(commands.__path__)}


def test_every_module_with_commands_is_named() -> None:
    grouped = {name for name in MODULES if hasattr(import_module(f"ari_app.commands.{name}"), "app")}
    inside = {"flow_files", "flow_test"}  # Parts of `flow`.
    assert set(cli.GROUPS) == grouped - inside
    assert set(cli.ALONE.values()) <= MODULES - grouped


@pytest.mark.parametrize("name", [*cli.ALONE, *cli.GROUPS])
def test_every_command_says_what_it_is(name: str) -> None:
    run = CliRunner().invoke(cli.app, [name, "--help"])
    assert run.exit_code == 0 and f" {name} " in run.output.splitlines()[1]


def test_help_lists_them_all() -> None:
    run = CliRunner().invoke(cli.app, ["--help"])
    assert run.exit_code == 0
    listed = {line.split()[1] for line in run.output.splitlines() if line.startswith("│ ") and "--" not in line}
    assert {*cli.ALONE, *cli.GROUPS} <= listed


def test_what_does_not_exist_is_said() -> None:
    run = CliRunner().invoke(cli.app, ["nonsense"])
    assert run.exit_code == 2 and "No such command 'nonsense'" in run.output


@pytest.mark.parametrize(
    ("words", "spared"),
    [
        (["call", "--help"], ["ari_app.daemon", "ari_app.demo", "ari_app.bench", "aiohttp", "numpy"]),
        (["run", "--help"], ["ari_app.demo", "ari_app.bench", "ari_app.sim", "ari_app.transcript", "numpy"]),
    ],
    ids=["a look at calls", "a daemon that starts again"],
)
def test_what_is_not_asked_for_is_not_imported(words: list[str], spared: list[str]) -> None:
    code = f"import sys; sys.argv = ['hotline', *{words!r}]\nfrom ari_app.cli import main\n"
    code += f"try: main()\nexcept SystemExit: print('imported', *[name for name in {spared!r} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "imported"


def test_an_error_is_said_and_its_code_is_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> None:
        raise HotlineError("nothing works")

    monkeypatch.setattr(cli, "app", fails)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == HotlineError.exit_code and "nothing works" in capsys.readouterr().err


def test_a_full_disk_is_no_bug_and_a_broken_pipe_is_not_hidden(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/state/rtp.conf")

    monkeypatch.setattr(cli, "app", fails)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "/state/rtp.conf: No space left on device\nmake room on that disk\n"

    def bug() -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr(cli, "app", bug)
    with pytest.raises(BrokenPipeError):
        cli.main()
