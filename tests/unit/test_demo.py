"""Where the demo's own phones find Asterisk, whatever address it listens on."""

from types import SimpleNamespace
from typing import Any

import pytest

from ari_app.commands import demo as command
from ari_app.demo import server
from ari_app.errors import ConfigError


def site_on(listen: str) -> Any:
    asterisk = SimpleNamespace(sip_listen=listen, sip_port=5060, run="private")
    return SimpleNamespace(settings=SimpleNamespace(asterisk=asterisk))


@pytest.mark.parametrize(
    ("listen", "host"), [("127.0.0.1", "127.0.0.1"), ("192.0.2.7", "192.0.2.7"), ("0.0.0.0", "127.0.0.1")]
)
def test_phones_call_the_address_asterisk_listens_on(listen: str, host: str) -> None:
    assert server(site_on(listen)) == (host, 5060)


def test_ipv6_is_refused_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command.common, "site", lambda **_: site_on("::1"))
    with pytest.raises(ConfigError, match="IPv4"):
        command.demo(listen="::1", leave=True)
