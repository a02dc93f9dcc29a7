"""`hotline doctor --security`: what an attacker would look for, each with what was found and how to mend it."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ari_app.guard import FILE
from ari_app.model.check import Check
from ari_app.model.layout import seen_by_daemon
from ari_app.model.settings import Settings
from ari_app.provision import install as provision
from ari_app.provision.checks import conf_value
from ari_app.site import Site

LOOPBACK: Final = ("127.", "::1")
SECRET_MIN: Final = 12  # Characters.
PIN_MIN: Final = 4
FREE_DIGITS_MAX: Final = 8  # More unknown digits after too short a beginning, and whole countries can be dialled.
FIXED_DIGITS_MIN: Final = 3
EVENT_DAYS_MAX: Final = 30


def security_checks(at: Site) -> Iterator[Check]:
    """Every check, with or without a running Asterisk."""
    settings = at.settings
    yield _listens(settings)
    yield _web(settings)
    yield _tls(settings)
    yield _srtp(settings)
    yield from _acl(settings)
    yield _secrets(at)
    yield _secrets_mode(at)
    yield _outbound(settings)
    yield _retention(settings)
    yield from _asterisk(at)


def _check(name: str, ok: bool, found: str, cure: str) -> Check:
    return Check(name, ok, found, "" if ok else cure)


def _is_open(settings: Settings) -> bool:
    return not settings.asterisk.sip_listen.startswith(LOOPBACK)


def _listens(settings: Settings) -> Check:
    listen = settings.asterisk.sip_listen
    where = "loopback only" if not _is_open(settings) else "beyond loopback: see the checks below"
    wide = listen in ("0.0.0.0", "::")
    return _check("SIP listens", not wide, f"{listen}, {where}", "asterisk.sip_listen: the one address calls come to")


def _web(settings: Settings) -> Check:
    listen = settings.web.listen
    cure = "web.listen: 127.0.0.1, and a TLS proxy in front: the API has a token, but no TLS"
    return _check("HTTP API listens", listen.startswith(LOOPBACK), listen, cure)


def _tls(settings: Settings) -> Check:
    tls = settings.asterisk.tls
    found = f"port {tls.port}, {tls.cert}" if tls else "none"
    return _check("SIP over TLS", tls is not None or not _is_open(settings), found, "asterisk.tls: {cert, key}")


def _srtp(settings: Settings) -> Check:
    clear = [
        name for name, phone in settings.phones.items() if phone.transport != "ws" and phone.media_encryption == "no"
    ]
    found = f"in clear: {', '.join(clear)}" if clear else "every phone"
    cure = "phones.NAME.media_encryption: sdes, with transport: tls"
    return _check("voice is encrypted", not clear or not _is_open(settings), found, cure)


def _acl(settings: Settings) -> Iterator[Check]:
    free = [name for name, phone in settings.phones.items() if not phone.networks and not phone.contact]
    found = f"from anywhere: {', '.join(free)}" if free else "every phone is bound to networks"
    yield _check("phones' networks", not free or not _is_open(settings), found, "phones.NAME.networks: [192.0.2.0/24]")
    wide = [name for name, trunk in settings.trunks.items() if any(each.endswith("/0") for each in trunk.match)]
    found = f"anyone: {', '.join(wide)}" if wide else "named addresses"
    yield _check("trunks' addresses", not wide, found, "trunks.NAME.match: the carrier's addresses only")
    on = settings.security.bans.on
    yield _check("attackers are shut out", on, "on" if on else "off", "security.bans.on: true")


def _secrets(at: Site) -> Check:
    secrets = at.secrets
    named = {"ari_password": secrets.ari_password, "ami_password": secrets.ami_password, "api_token": secrets.api_token}
    named |= {f"phones.{name}": password for name, password in secrets.phones.items()}
    weak = [name for name, text in named.items() if len(text) < SECRET_MIN or len(set(text)) < 6 or name.endswith(text)]
    weak += [f"pins.{agent}" for agent, pin in secrets.pins.items() if len(pin) < PIN_MIN or len(set(pin)) == 1]
    found = f"weak: {', '.join(weak)}" if weak else f"{len(named) + len(secrets.pins)}, none weak"
    return _check("secrets", not weak, found, "delete those lines from the secrets file: new ones are made")


def _secrets_mode(at: Site) -> Check:
    path = at.state / "secrets.yaml"
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        return Check("secrets file", False, str(error), "`hotline doctor` makes it")
    return _check("secrets file", not mode & 0o077, f"{path}, mode {mode:o}", f"chmod 600 {path}")


def _outbound(settings: Settings) -> Check:
    wide = []
    for pattern in settings.outbound.permitted:
        free = sum(sign in "XZN" for sign in pattern)
        fixed = next((at for at, sign in enumerate(pattern.lstrip("+")) if sign in "XZN"), len(pattern))
        if free > FREE_DIGITS_MAX and fixed < FIXED_DIGITS_MIN:
            wide.append(pattern)
    found = f"too wide: {', '.join(wide)}" if wide else f"{len(settings.outbound.permitted)} patterns"
    return _check(
        "outbound patterns", not wide, found, "outbound.permitted: more digits fixed at the beginning (toll fraud)"
    )


def _retention(settings: Settings) -> Check:
    days = settings.limits.event_days
    found = f"raw events {days} days, recordings up to {settings.limits.recordings_mb} MiB"
    return _check("retention periods", days <= EVENT_DAYS_MAX, found, f"limits.event_days: at most {EVENT_DAYS_MAX}")


def _asterisk(at: Site) -> Iterator[Check]:
    """What really stands in Asterisk's files."""
    install = provision.find(at.asterisk_root, own_only=at.settings.asterisk.run == "system")
    etc = Path(seen_by_daemon(at.layout(install).etc, at.settings.asterisk.path_map)) if install else None
    if etc is None or not (etc / "pjsip.conf").exists():
        return
    pjsip = (etc / "pjsip.conf").read_text(errors="replace")
    again = "`hotline asterisk restart` writes the files anew (an own box: `hotline conf install`)"
    anonymous = "anonymous" in (conf_value(pjsip, "global", "endpoint_identifier_order") or "anonymous")
    yield _check("no anonymous calls", not anonymous, "possible" if anonymous else "none", again)
    reads = f"#tryinclude {FILE}" in pjsip
    yield _check("Asterisk reads the bans", reads, FILE if reads else f"pjsip.conf does not include {FILE}", again)
    ajar = [path.name for path in sorted(etc.glob("*.conf")) if path.stat().st_mode & 0o007]
    found = f"readable by anyone: {', '.join(ajar)}" if ajar else f"{etc}: not readable by others"
    yield _check("Asterisk's files", not ajar, found, f"chmod o-rwx {etc}/*.conf")
    for name, section in (("http.conf", "general"), ("manager.conf", "general")):
        address = (
            conf_value((etc / name).read_text(errors="replace"), section, "bindaddr") if (etc / name).exists() else ""
        )
        yield _check(f"{name} on loopback", (address or "").startswith(LOOPBACK), address or "unknown", again)
