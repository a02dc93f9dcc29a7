"""What we write for Asterisk. The golden files are the conf of the sample config.yaml.

After a wanted change: `HOTLINE_UPDATE_GOLDEN=1 python -m pytest tests/unit/test_render.py`, then read the diff.
"""

import os
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from ari_app.errors import ConfigError
from ari_app.model.layout import CONF_FILES, MARKER, Layout
from ari_app.model.settings import Settings
from ari_app.provision.checks import conf_value
from ari_app.render.asterisk import TEMPLATES, render
from tests.asterisk import REPOSITORY, merged, sample, secrets_for

GOLDEN = Path(__file__).parent / "golden" / "asterisk"
HOME = PurePosixPath("/srv/hotline")
LAYOUT = Layout.private(
    HOME / "var/asterisk",
    HOME / "sounds",
    PurePosixPath("/usr/lib/asterisk/modules"),
    PurePosixPath("/usr/share/asterisk"),
)


def rendered(changes: dict[str, Any] | None = None, layout: Layout = LAYOUT) -> dict[str, str]:
    settings = Settings.model_validate(merged(sample(), changes or {}))
    return render(settings, secrets_for(settings), layout)


def sections(text: str, name: str) -> list[str]:
    return re.findall(rf"(?ms)^\[{re.escape(name)}\]\n(.*?)(?=^\[|\Z)", text)


@pytest.mark.parametrize("name", CONF_FILES)
def test_golden(name: str) -> None:
    text, golden = rendered()[name], GOLDEN / name
    if os.environ.get("HOTLINE_UPDATE_GOLDEN"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8"), "HOTLINE_UPDATE_GOLDEN=1 takes the new text"


def test_every_template_is_rendered_and_every_golden_file_is_of_today() -> None:
    assert {path.name.removesuffix(".j2") for path in TEMPLATES.iterdir()} == set(CONF_FILES)
    assert {path.name for path in GOLDEN.iterdir()} == set(CONF_FILES)
    assert set(rendered()) == set(CONF_FILES)


def test_every_file_says_first_who_made_it() -> None:
    assert all(text.startswith(MARKER) for text in rendered().values())


def test_only_sip_leaves_loopback() -> None:
    files = rendered({"asterisk": {"sip_listen": "192.0.2.1"}})
    addresses = [
        (name, address)
        for name, text in files.items()
        for address in re.findall(r"(?m)^bind(?:addr)? = ([0-9.]+)", text)
    ]
    assert {address for name, address in addresses if name == "pjsip.conf"} == {"192.0.2.1"}
    assert [a for a in addresses if a[0] != "pjsip.conf"] == [("http.conf", "127.0.0.1"), ("manager.conf", "127.0.0.1")]
    assert set(re.findall(r"(?m)^bind = (\S+):", rendered()["pjsip.conf"])) == {"127.0.0.1"}


def test_an_ipv6_address_is_bracketed() -> None:
    assert "bind = [::1]:5060" in rendered({"asterisk": {"sip_listen": "::1"}})["pjsip.conf"]


def test_secrets_stand_only_where_asterisk_reads_them() -> None:
    settings = Settings.model_validate(sample())
    secrets = secrets_for(settings)
    config = (REPOSITORY / "config.yaml").read_text(encoding="utf-8")
    values = [secrets.ari_password, secrets.ami_password, *secrets.phones.values()]
    assert not any(value in config for value in values)
    where = {name for name, text in rendered().items() if any(value in text for value in values)}
    assert where == {"ari.conf", "manager.conf", "pjsip.conf"}
    assert not any(secrets.api_token in text for text in rendered().values())


def test_every_phone_has_a_password_of_its_own() -> None:
    pjsip = rendered()["pjsip.conf"]
    for phone in sample()["phones"]:
        endpoint, auth, aor = sections(pjsip, phone)
        assert (
            "type = endpoint" in endpoint and "identify_by = username" in endpoint and "allow_transfer = no" in endpoint
        )
        assert f"password = password-of-{phone}\n" in auth
        assert "max_contacts = 1\n" in aor and "remove_existing = yes" in aor


def test_a_phone_at_a_fixed_address_cannot_register() -> None:
    phones = {"phones": {"gate": {"contact": "sip:gate@192.0.2.9:5070"}}}
    aor = sections(rendered(phones)["pjsip.conf"], "gate")[2]
    assert "contact = sip:gate@192.0.2.9:5070\n" in aor and "max_contacts = 0\n" in aor and "remove_existing" not in aor


def test_a_trunk_is_known_by_address_alone() -> None:
    for trusted, word in ((True, "yes"), (False, "no")):
        trunk = {"trunks": {"local": {"match": ["192.0.2.7", "198.51.100.0/24"], "caller_trusted": trusted}}}
        endpoint, identify = sections(rendered(trunk)["pjsip.conf"], "trunk.local")
        assert "identify_by = ip\n" in endpoint and "context = from-trunk\n" in endpoint
        assert f"trust_id_inbound = {word}\n" in endpoint
        assert "match = 192.0.2.7,198.51.100.0/24\n" in identify


def test_a_browser_phone_and_opus() -> None:
    files = rendered({"phones": {"browser": {"transport": "ws", "codecs": ["opus", "ulaw"]}}})
    endpoint = sections(files["pjsip.conf"], "browser")[0]
    assert "webrtc = yes\n" in endpoint and "allow = opus,ulaw\n" in endpoint
    assert "codec_opus" in files["modules.conf"]
    assert "codec_opus" not in rendered()["modules.conf"]


def test_behind_nat() -> None:
    pjsip = rendered({"asterisk": {"external_address": "203.0.113.9"}})["pjsip.conf"]
    assert pjsip.count("external_media_address = 203.0.113.9\n") == 2
    assert "external_" not in rendered()["pjsip.conf"]


def test_the_traps() -> None:
    files = rendered({"limits": {"calls_max": 5000}})
    assert conf_value(files["pjsip.conf"], "global", "endpoint_identifier_order") == "username,ip"
    assert int(conf_value(files["ari.conf"], "general", "websocket_write_timeout") or 0) >= 5000
    assert int(conf_value(files["http.conf"], "general", "sessionlimit") or 0) > 5000
    assert "endpoint_identifier_anonymous" not in files["modules.conf"]


@pytest.mark.parametrize("value", ["1.2.3.4\nallow = all", "1.2.3.4 ; x"])
def test_a_value_cannot_write_settings_of_its_own(value: str) -> None:
    with pytest.raises(ConfigError):
        rendered({"asterisk": {"external_address": value}})


@pytest.mark.parametrize("sounds", ["/a,b", "/a&b", "/a${EXTEN}"])
def test_a_sounds_folder_that_means_something_to_asterisk(sounds: str) -> None:
    layout = Layout.private(HOME, PurePosixPath(sounds), LAYOUT.modules, LAYOUT.data)
    with pytest.raises(ConfigError, match=r"paths\.sounds"):
        rendered(layout=layout)


def test_a_phone_without_a_password() -> None:
    settings = Settings.model_validate(sample())
    secrets = secrets_for(settings).model_copy(update={"phones": {}})
    with pytest.raises(ConfigError, match="p8025"):
        render(settings, secrets, LAYOUT)


def test_asterisklint(tmp_path: Path) -> None:
    files = rendered({"numbers": {"+861860": {"flow": "main", "language": "en"}}, "feature_codes": {"ready": "#9"}})
    path = tmp_path / "extensions.conf"
    path.write_text(files["extensions.conf"], encoding="utf-8")
    done = subprocess.run(
        [Path(sys.executable).with_name("asterisklint"), "dialplan-check", path],
        env={**os.environ, "ALINT_ASTERISK_VERSION": "22"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
