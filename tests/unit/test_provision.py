"""Finding, checking and installing, as far as it goes without an Asterisk."""

import os
import stat
from pathlib import Path, PurePosixPath

import pytest

from ari_app.commands import common
from ari_app.errors import AsteriskError
from ari_app.model.layout import MARKER, Layout, seen_by_asterisk, seen_by_daemon
from ari_app.model.settings import Settings
from ari_app.provision import confs, install
from ari_app.provision.checks import asterisk_checks, conf_value
from ari_app.provision.install import Install
from ari_app.provision.instance import Instance
from ari_app.render.asterisk import render
from ari_app.site import Site
from tests.asterisk import sample, secrets_for


def fake_asterisk(folder: Path, version: str) -> Path:
    """A program that knows only `-V`, with the folders of an installed Asterisk beside it."""
    (folder / "sbin").mkdir(parents=True)
    modules = folder / "lib/any-linux-gnu/asterisk/modules"
    modules.mkdir(parents=True)
    (modules / "app_stasis.so").touch()
    (folder / "share/asterisk").mkdir(parents=True)
    binary = folder / "sbin/asterisk"
    binary.write_text(f"#!/bin/sh\necho Asterisk {version}\n")
    binary.chmod(0o755)
    return binary


def test_the_box_own_asterisk_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = fake_asterisk(tmp_path / "usr", "22.10.2~dfsg")
    monkeypatch.setenv("PATH", f"{binary.parent}:{os.environ['PATH']}")
    found = install.find(tmp_path / "none")
    modules = tmp_path / "usr/lib/any-linux-gnu/asterisk/modules"
    assert found == Install(binary, modules, tmp_path / "usr/share/asterisk", "22.10.2", private=False)


@pytest.mark.parametrize("version", ["20.19.0", "22.9.0", "18.26.4", "nonsense"])
def test_an_older_one_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    binary = fake_asterisk(tmp_path / "usr", version)
    monkeypatch.setenv("PATH", f"{binary.parent}:/usr/bin:/bin")
    assert install.find(tmp_path / "none") is None


def test_where_the_boxes_own_is_to_be_used_no_private_one_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = fake_asterisk(tmp_path / "usr", "20.6.0")
    monkeypatch.setenv("PATH", f"{binary.parent}:/usr/bin:/bin")
    private = Install(binary, tmp_path, tmp_path, "22.10.1", private=True)
    monkeypatch.setattr(install, "_private", lambda _: private)
    assert install.find(tmp_path) is private and install.find(tmp_path, own_only=True) is None

    def site(run: str) -> Site:
        settings = Settings.model_validate({**sample(), "asterisk": {**sample().get("asterisk", {}), "run": run}})
        return Site(tmp_path / "config.yaml", settings, secrets_for(settings))

    assert common.installed(site("private")) is private
    with pytest.raises(AsteriskError, match=r"on this box \(it has 20\.6\.0\); try: install one, or set asterisk"):
        common.installed(site("system"))


def test_an_older_private_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "VERSION").write_text("22.9.1\n")
    with pytest.raises(AsteriskError, match=r"22\.9\.1 is too old, 22\.10 is needed"):
        install.find(tmp_path)


def test_without_tools_it_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AsteriskError, match="apt-get, dpkg-deb"):
        install.install(tmp_path / "root", print)


def test_without_a_keyring_it_says_where_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for tool in ("apt-get", "dpkg-deb", "dpkg"):
        (tmp_path / tool).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(install, "KEYRING", tmp_path / "keyring.gpg")
    with pytest.raises(AsteriskError, match="debian-archive-keyring"):
        install.install(tmp_path / "root", print)


def test_a_failed_download_leaves_no_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for tool in ("apt-get", "apt-config", "dpkg-deb", "dpkg"):
        text = "#!/bin/sh\n" + ("echo 'E: no network' >&2\nexit 100\n" if tool == "apt-get" else "")
        (tmp_path / tool).write_text(text)
        (tmp_path / tool).chmod(0o755)
    (tmp_path / "keyring.gpg").touch()
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(install, "KEYRING", tmp_path / "keyring.gpg")
    monkeypatch.setattr(install, "_own", lambda: None)
    with pytest.raises(AsteriskError, match="E: no network"):
        install.install(tmp_path / "root", print)
    assert not (tmp_path / "root").exists()


def test_path_map() -> None:
    mapped = {"/srv/ast": "/var/lib/hotline", "/srv/ast/spool": "/data"}
    assert seen_by_daemon(PurePosixPath("/srv/ast/spool/monitor/a.wav"), mapped) == PurePosixPath("/data/monitor/a.wav")
    assert seen_by_daemon(PurePosixPath("/srv/ast/log"), mapped) == PurePosixPath("/var/lib/hotline/log")
    assert seen_by_daemon(PurePosixPath("/srv/asterisk"), mapped) == PurePosixPath("/srv/asterisk")
    assert seen_by_asterisk(PurePosixPath("/data/monitor"), mapped) == PurePosixPath("/srv/ast/spool/monitor")


def test_conf_value() -> None:
    text = "[a]\nx = 1\n[b](!)\nx=>2 ; why\n; y = 3\n"
    assert conf_value(text, "a", "x") == "1"
    assert conf_value(text, "b", "x") == "2"
    assert conf_value(text, "b", "y") is None
    assert conf_value(text, "c", "x") is None


def written(folder: Path) -> tuple[Settings, Layout, Install]:
    settings = Settings.model_validate(sample())
    layout = Layout.private(folder, folder / "sounds", folder / "modules", folder / "data")
    found = Install(folder / "asterisk", folder / "modules", folder / "data", "22.10.1", private=True)
    Instance(found, layout, settings.asterisk).write(render(settings, secrets_for(settings), layout))
    return settings, layout, found


def test_writing_again_changes_nothing(tmp_path: Path) -> None:
    settings, layout, found = written(tmp_path)
    secrets = secrets_for(settings)
    instance = Instance(found, layout, settings.asterisk)
    assert instance.write(render(settings, secrets, layout)) == []
    assert instance.write(render(settings, secrets.model_copy(update={"ari_password": "x"}), layout)) == ["ari.conf"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in Path(layout.etc).iterdir()} == {0o600}


def test_doctor_names_each_trap(tmp_path: Path) -> None:
    settings, layout, found = written(tmp_path)
    for name, old, new in (
        ("pjsip.conf", "= username,ip", "= ip,username"),
        ("ari.conf", "= 5000", "= 100"),
        ("http.conf", "sessionlimit", "; sessionlimit"),
        ("manager.conf", "ami-password", "another"),
    ):
        path = Path(layout.etc, name)
        path.write_text(path.read_text().replace(old, new))
    checks = asterisk_checks(settings, secrets_for(settings), found, layout)
    failed = {check.name: check for check in checks if not check.ok and check.name != "ports"}
    assert set(failed) == {
        "SIP: registered phones are known by name first",
        "ARI: websocket_write_timeout",
        "HTTP: sessionlimit",
        "ARI and AMI passwords",
    }
    assert all(check.cure for check in failed.values())
    assert "ami-password" not in str(checks)
    Path(layout.etc, "acl.conf").unlink()
    missing = asterisk_checks(settings, secrets_for(settings), found, layout)[2]
    assert not missing.ok and "acl.conf" in missing.found


def test_doctor_without_an_asterisk(tmp_path: Path) -> None:
    settings, layout, _ = written(tmp_path)
    checks = asterisk_checks(settings, secrets_for(settings), None, layout)
    assert not checks[0].ok and "hotline asterisk install" in checks[0].cure


def test_a_group_that_is_not_there(tmp_path: Path) -> None:
    settings, layout, found = written(tmp_path)
    asterisk = settings.asterisk.model_copy(update={"group": "no-such-group"})
    with pytest.raises(AsteriskError, match=r"asterisk\.group: no-such-group"):
        Instance(found, layout, asterisk).write({})
    checks = asterisk_checks(settings.model_copy(update={"asterisk": asterisk}), secrets_for(settings), found, layout)
    assert "groupadd no-such-group" in next(check.cure for check in checks if check.name == "recordings: group")


NEW = {"a.conf": f"{MARKER}x\nnew = 1\n", "b.conf": f"{MARKER}x\nnew = 2\n"}


def test_conf_install_backs_up_what_was_ours(tmp_path: Path) -> None:
    etc, backup = tmp_path / "etc", tmp_path / "backup"
    etc.mkdir()
    (etc / "a.conf").write_text(f"{MARKER}x\nold = 1\n")
    (etc / "a.conf").chmod(0o644)
    assert len(confs.diff(NEW, etc)) == 2
    assert "-old = 1\n+new = 1\n" in confs.diff(NEW, etc)[0]
    assert confs.install(NEW, etc, backup, "20260302-100000") == [etc / "a.conf", etc / "b.conf"]
    assert (backup / "20260302-100000/a.conf").read_text() == f"{MARKER}x\nold = 1\n"
    assert {path.name for path in etc.iterdir()} == set(NEW)
    assert not (etc / "a.conf").stat().st_mode & 0o007
    assert confs.diff(NEW, etc) == []
    assert confs.install(NEW, etc, backup, "20260302-100001") == []
    assert not (backup / "20260302-100001").exists()


def test_conf_install_refuses_what_is_not_ours(tmp_path: Path) -> None:
    etc, backup = tmp_path / "etc", tmp_path / "backup"
    etc.mkdir()
    (etc / "b.conf").write_text("hand = made\n")
    assert confs.foreign(NEW, etc) == ["b.conf"]
    with pytest.raises(AsteriskError, match=r"b\.conf: not written by hotline"):
        confs.install(NEW, etc, backup, "t")
    assert [path.name for path in etc.iterdir()] == ["b.conf"]
    confs.install(NEW, etc, backup, "t", agreed={"b.conf"})
    assert (backup / "t/b.conf").read_text() == "hand = made\n"
    assert (etc / "b.conf").read_text() == NEW["b.conf"]
