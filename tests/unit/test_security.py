"""`hotline doctor --security` and `hotline retain`: each check can fail, and says how to mend it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from ari_app import cli
from ari_app.model.settings import Settings
from ari_app.security import security_checks
from ari_app.site import Site
from tests.asterisk import REPOSITORY, merged, sample, secrets_for

OPEN: dict[str, Any] = {"asterisk": {"sip_listen": "192.0.2.5"}}


def failing(tmp_path: Path, changes: dict[str, Any], **secrets: Any) -> set[str]:
    (tmp_path / "secrets.yaml").touch(0o600)
    settings = Settings.model_validate(merged(sample(), merged(changes, {"paths": {"state": str(tmp_path)}})))
    site = Site(REPOSITORY / "config.yaml", settings, secrets_for(settings).model_copy(update=secrets))
    checks = [check for check in security_checks(site) if not check.ok]
    assert all(check.cure for check in checks)
    return {check.name for check in checks} - {"secrets"} if not secrets else {check.name for check in checks}


def test_the_sample_is_safe(tmp_path: Path) -> None:
    assert failing(tmp_path, {}) == set()


def test_beyond_loopback_more_is_asked(tmp_path: Path) -> None:
    assert failing(tmp_path, OPEN) == {"SIP over TLS", "voice is encrypted", "phones' networks"}
    assert "SIP listens" in failing(tmp_path, {"asterisk": {"sip_listen": "0.0.0.0"}})


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"web": {"listen": "0.0.0.0"}}, "HTTP API listens"),
        ({"trunks": {"any": {"match": ["0.0.0.0/0"]}}}, "trunks' addresses"),
        ({"security": {"bans": {"on": False}}}, "attackers are shut out"),
        ({"outbound": {"permitted": ["00XXXXXXXXXXXX"]}}, "outbound patterns"),
        ({"limits": {"event_days": 90}}, "retention periods"),
    ],
)
def test_each_check_can_fail(tmp_path: Path, changes: dict[str, Any], name: str) -> None:
    assert failing(tmp_path, changes) == {name}


def test_weak_secrets_and_a_file_others_read(tmp_path: Path) -> None:
    assert failing(tmp_path, {}, ari_password="aaaaaaaaaaaaaaaa") == {"secrets"}
    (tmp_path / "secrets.yaml").chmod(0o644)
    assert failing(tmp_path, {}) == {"secrets file"}


def test_retain_without_a_daemon_is_audited_with_its_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = merged(sample(), {"paths": {name: str(REPOSITORY / name) for name in ("sounds",)}})
    data["paths"] |= {"flows": str(REPOSITORY / "ivr_flows"), "scripts": str(REPOSITORY / "agi_scripts")}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(data, allow_unicode=True))
    monkeypatch.setenv("HOTLINE_CONFIG", str(tmp_path / "config.yaml"))
    done = CliRunner().invoke(cli.app, ["retain", "--json"])
    assert done.exit_code == 0, done.output
    with closing(sqlite3.connect(tmp_path / "var" / "hotline.db")) as conn:
        ((detail,),) = conn.execute("SELECT detail FROM audit WHERE action = 'retain'").fetchall()
    assert detail == "events_deleted 0, flow_texts_deleted 0, recordings_removed 0, recordings_compressed 0"
